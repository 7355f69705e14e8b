//! The in-process controls of a sandbox: faults, time, reviews, and its objects.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::snapshot::snapshot;
use crate::api::products;
use crate::app::App;
use crate::faults::Fault;
use crate::ids::seller_for;
use crate::lock::lock;
use crate::request_log::RequestEntry;
use crate::state::{Label, LabelRefusal};
use crate::workflow;

/// Controls a running sandbox from a test.
#[derive(Debug, Clone)]
pub struct Control {
    app: Arc<App>,
}

impl Control {
    pub(crate) fn new(app: Arc<App>) -> Self {
        Self { app }
    }

    /// Adds a fault to the script.
    ///
    /// # Errors
    /// When the path of the fault is not a valid glob.
    pub fn fault(&self, fault: Fault) -> Result<(), dropship_glob::GlobError> {
        lock(&self.app.script).add(fault)
    }

    /// Replaces all faults at once: no request meets none of them.
    ///
    /// # Errors
    /// When the path of a fault is not a valid glob.
    pub fn replace_faults(&self, faults: Vec<Fault>) -> Result<(), dropship_glob::GlobError> {
        let mut script = lock(&self.app.script);
        script.clear();
        faults.into_iter().try_for_each(|fault| script.add(fault))
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        lock(&self.app.script).clear();
    }

    /// The faults with the number of requests that each has matched.
    #[must_use]
    pub fn faults(&self) -> Value {
        lock(&self.app.script).to_json()
    }

    /// Advances all clocks: workflows progress, tokens and signed URLs age.
    pub fn advance(&self, span: Duration) {
        self.app.clock.advance(span);
    }

    /// Advances working time only: workflows progress, tokens and signed URLs do not age.
    pub fn advance_work(&self, span: Duration) {
        self.app.clock.advance_work(span);
    }

    /// Changes the `Date` header of all further responses by this number of seconds, as if a clock were wrong.
    pub fn offset_dates(&self, seconds: i64) {
        self.app.date_offset.store(seconds, Ordering::Relaxed);
    }

    /// Ends the review of a submission, or the approval or rollout of a label. Returns `false` for an unknown id.
    #[must_use]
    pub fn release(&self, id: u64) -> bool {
        let now = self.app.clock.work();
        let mut state = lock(&self.app.state);
        for sub in state.products.values_mut().flat_map(|product| product.submissions.values_mut()) {
            if sub.id == id {
                sub.review_released.get_or_insert(now);
                return true;
            }
            if let Some(label) = sub.labels.get_mut(&id) {
                // The first release approves the label, the second ends its rollout.
                if label.approved.is_some()
                    || workflow::label(label, now, &self.app.options).step == "publishing"
                {
                    label.rolled_out.get_or_insert(now);
                } else {
                    label.approved = Some(now);
                }
                return true;
            }
        }
        false
    }

    /// Rejects a label at its current step, with an error report. Returns `false` for an unknown id.
    #[must_use]
    pub fn refuse_label(&self, id: u64, why: &str) -> bool {
        let now = self.app.clock.work();
        let mut state = lock(&self.app.state);
        let submissions = state.products.values_mut().flat_map(|product| product.submissions.values_mut());
        for sub in submissions {
            if let Some(label) = sub.labels.get_mut(&id) {
                let report = sub.blobs.error.clone();
                label.refused = Some(LabelRefusal { at: now, why: why.to_owned(), report });
                return true;
            }
        }
        false
    }

    /// Withdraws a label in any step, as in Partner Center or by Microsoft's driver recovery: it is shown as failed. Returns
    /// `false` for an unknown id.
    #[must_use]
    pub fn withdraw_label(&self, id: u64, why: &str) -> bool {
        self.refuse_label(id, why)
    }

    /// Ends the distribution of a label: it stays published, and has no targets any more. Returns `false` for an unknown id.
    #[must_use]
    pub fn expire_label(&self, id: u64) -> bool {
        self.with_label(id, |label| {
            for list in ["hardwareIds", "chids"] {
                label.targeting.insert(list.to_owned(), json!([]));
            }
        })
    }

    /// Changes the targeting of a label, as in Partner Center: each key of `targeting` replaces the label's, null removes it.
    /// Returns `false` for an unknown id.
    #[must_use]
    pub fn change_label(&self, id: u64, targeting: &Map<String, Value>) -> bool {
        self.with_label(id, |label| {
            for (key, value) in targeting {
                match value {
                    Value::Null => drop(label.targeting.remove(key)),
                    value => drop(label.targeting.insert(key.clone(), value.clone())),
                }
            }
        })
    }

    /// Removes a label: the service does not know it any more. Returns `false` for an unknown id.
    #[must_use]
    pub fn remove_label(&self, id: u64) -> bool {
        let mut state = lock(&self.app.state);
        let mut submissions =
            state.products.values_mut().flat_map(|product| product.submissions.values_mut());
        submissions.any(|sub| sub.labels.remove(&id).is_some())
    }

    fn with_label(&self, id: u64, change: impl FnOnce(&mut Label)) -> bool {
        let mut state = lock(&self.app.state);
        let mut submissions =
            state.products.values_mut().flat_map(|product| product.submissions.values_mut());
        submissions.find_map(|sub| sub.labels.get_mut(&id)).map(change).is_some()
    }

    /// Marks a product as an inbox driver or as read-only. Returns `false` for an unknown id.
    #[must_use]
    pub fn mark_product(&self, id: u64, inbox: bool, read_only: bool) -> bool {
        let mut state = lock(&self.app.state);
        let product = state.products.get_mut(&id);
        product.is_some_and(|product| {
            (product.is_inbox, product.is_read_only) = (inbox, read_only);
            true
        })
    }

    /// Withholds the driver metadata of a submission until three hours of working time after they are requested, as the service does
    /// for old submissions. Returns `false` for an unknown id.
    #[must_use]
    pub fn withhold_metadata(&self, id: u64) -> bool {
        let mut state = lock(&self.app.state);
        let sub = state.products.values_mut().find_map(|product| product.submissions.get_mut(&id));
        sub.is_some_and(|sub| {
            sub.is_metadata_withheld = true;
            true
        })
    }

    /// Makes the driver metadata of a submission incomplete, or complete again. Returns `false` for an unknown id.
    #[must_use]
    pub fn incomplete_metadata(&self, id: u64, incomplete: bool) -> bool {
        let mut state = lock(&self.app.state);
        let sub = state.products.values_mut().find_map(|product| product.submissions.get_mut(&id));
        sub.is_some_and(|sub| {
            sub.metadata_incomplete = Some(incomplete);
            true
        })
    }

    /// Adds `count` products to the account of a tenant, named `{prefix} 1` and so on. Returns their ids.
    pub fn add_products(&self, tenant: &str, prefix: &str, count: usize) -> Vec<u64> {
        let mut state = lock(&self.app.state);
        let account = tenant.to_ascii_lowercase();
        let fields = |number: usize| -> Map<String, Value> {
            let fields = json!({
                "productName": format!("{prefix} {number}"), "testHarness": "attestation", "deviceType": "internal",
                "requestedSignatures": ["WINDOWS_v100_X64_GE_FULL"], "selectedProductTypes": {}, "marketingNames": [],
            });
            fields.as_object().cloned().unwrap_or_default()
        };
        (1..=count).map(|number| products::add(&self.app, &mut state, &account, fields(number))).collect()
    }

    /// The seller id of a tenant, to share labels with.
    #[must_use]
    pub fn seller_id(tenant: &str) -> u64 {
        seller_for(&tenant.to_ascii_lowercase())
    }

    /// The received requests, oldest first. Only the latest 20,000 are kept.
    #[must_use]
    pub fn requests(&self) -> Vec<RequestEntry> {
        lock(&self.app.log).entries().cloned().collect()
    }

    /// Number of received requests for an operation such as `create_product`, with any outcome.
    #[must_use]
    pub fn count(&self, operation: &str) -> usize {
        lock(&self.app.log).entries().filter(|entry| entry.operation == operation).count()
    }

    /// All objects of the sandbox as JSON; ids are strings.
    #[must_use]
    pub fn state(&self) -> Value {
        snapshot(&self.app)
    }

    /// Number of requests to the blob store with a bearer token; a correct client sends none.
    #[must_use]
    pub fn leaked_bearers(&self) -> u64 {
        lock(&self.app.state).leaked_bearers
    }

    /// Deletes all objects, tokens, faults and logged requests. The clocks keep their time.
    pub fn reset(&self) {
        self.app.reset();
    }
}
