//! The sandbox's controls, in process: faults, time, releases, and a look at everything.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::app::App;
use super::faults::Fault;
use super::ids::seller_for;
use super::lock;
use super::log::Entry;
use super::products;
use super::state::{Label, Product, Refusal, Submission};
use super::views::time;
use super::workflow;

/// Handles on a running sandbox.
#[derive(Debug, Clone)]
pub struct Control {
    app: Arc<App>,
}

impl Control {
    pub(super) fn new(app: Arc<App>) -> Self {
        Self { app }
    }

    /// Adds a fault to the script.
    ///
    /// # Errors
    /// The fault's path is no glob.
    pub fn fault(&self, fault: Fault) -> Result<(), globset::Error> {
        lock(&self.app.script).add(fault)
    }

    /// Forgets the faults that have not been met.
    pub fn clear_faults(&self) {
        lock(&self.app.script).clear();
    }

    /// The faults with how many requests each has matched.
    #[must_use]
    pub fn faults(&self) -> Value {
        lock(&self.app.script).to_json()
    }

    /// Skips time: workflows go on by it, tokens and signed URLs age by it.
    pub fn advance(&self, span: Duration) {
        self.app.clock.advance(span);
    }

    /// Skips working time alone: workflows go on by it, tokens and signed URLs do not age.
    pub fn ripen(&self, span: Duration) {
        self.app.clock.ripen(span);
    }

    /// Ends the waits of a submission or a label: review, approval, rollout. `false` if there is no such id.
    #[must_use]
    pub fn release(&self, id: u64) -> bool {
        let now = self.app.clock.work();
        let mut world = lock(&self.app.world);
        for sub in world.products.values_mut().flat_map(|product| product.submissions.values_mut()) {
            if sub.id == id {
                sub.review_released.get_or_insert(now);
                return true;
            }
            if let Some(label) = sub.labels.get_mut(&id) {
                // Approval first; what is approved already is let out of its rollout.
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

    /// Lets Microsoft refuse a label where it stands, with an error report. `false` if there is no such label.
    #[must_use]
    pub fn refuse_label(&self, id: u64, why: &str) -> bool {
        let now = self.app.clock.work();
        let mut world = lock(&self.app.world);
        let submissions = world.products.values_mut().flat_map(|product| product.submissions.values_mut());
        for sub in submissions {
            if let Some(label) = sub.labels.get_mut(&id) {
                let report = sub.blobs.error.clone();
                label.refused = Some(Refusal { at: now, why: why.to_owned(), report });
                return true;
            }
        }
        false
    }

    /// Says of a product what only the service can know: that it is an inbox driver's, or to be read only.
    /// `false` if there is no such product.
    #[must_use]
    pub fn mark_product(&self, id: u64, inbox: bool, read_only: bool) -> bool {
        let mut world = lock(&self.app.world);
        let product = world.products.get_mut(&id);
        product.is_some_and(|product| {
            (product.inbox, product.read_only) = (inbox, read_only);
            true
        })
    }

    /// Withholds the driver metadata of a submission until they are asked for, as with old ones.
    /// `false` if there is no such submission.
    #[must_use]
    pub fn withhold_metadata(&self, id: u64) -> bool {
        let mut world = lock(&self.app.world);
        let sub = world.products.values_mut().find_map(|product| product.submissions.get_mut(&id));
        sub.is_some_and(|sub| {
            sub.metadata_withheld = true;
            true
        })
    }

    /// Adds so many products to a tenant's account, named `{prefix} 1` and so on; gives their ids.
    pub fn add_products(&self, tenant: &str, prefix: &str, count: usize) -> Vec<u64> {
        let mut world = lock(&self.app.world);
        let account = tenant.to_ascii_lowercase();
        let fields = |number: usize| -> Map<String, Value> {
            let fields = json!({
                "productName": format!("{prefix} {number}"), "testHarness": "attestation", "deviceType": "internal",
                "requestedSignatures": ["WINDOWS_v100_X64_GE_FULL"], "selectedProductTypes": {}, "marketingNames": [],
            });
            fields.as_object().cloned().unwrap_or_default()
        };
        (1..=count).map(|number| products::add(&self.app, &mut world, &account, fields(number))).collect()
    }

    /// The publisher id of a tenant, which labels are shared with.
    #[must_use]
    pub fn seller_id(tenant: &str) -> u64 {
        seller_for(&tenant.to_ascii_lowercase())
    }

    /// The requests so far, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Entry> {
        lock(&self.app.log).entries().cloned().collect()
    }

    /// How many requests asked for an operation, whatever became of them.
    #[must_use]
    pub fn count(&self, operation: &str) -> usize {
        lock(&self.app.log).entries().filter(|entry| entry.operation == operation).count()
    }

    /// Everything that the sandbox holds; ids are texts.
    #[must_use]
    pub fn state(&self) -> Value {
        let app = &self.app;
        let world = lock(&app.world);
        let products: Vec<Value> =
            world.products.values().map(|product| product_state(app, product)).collect();
        let all = || world.products.values().flat_map(|product| product.submissions.values());
        json!({
            "now": time(app.clock.wall()),
            "counts": {
                "products": world.products.len(),
                "submissions": all().count(),
                "labels": all().map(|sub| sub.labels.len()).sum::<usize>(),
                "packages": world.preprod.len(),
                "tokens": world.tokens.len(),
                "throttled": world.throttled,
                "leakedBearers": world.leaked_bearers,
            },
            "products": products,
            "packages": world.preprod.keys().collect::<Vec<_>>(),
        })
    }

    /// How many requests to the blob store carried a bearer token, which none may.
    #[must_use]
    pub fn leaked_bearers(&self) -> u64 {
        lock(&self.app.world).leaked_bearers
    }

    /// Forgets everything, as if just started; time goes on.
    pub fn reset(&self) {
        self.app.reset();
    }
}

fn product_state(app: &App, product: &Product) -> Value {
    let subs: Vec<Value> =
        product.submissions.values().map(|sub| submission_state(app, product, sub)).collect();
    json!({
        "id": product.id.to_string(), "name": product.text("productName"), "account": product.owner,
        "sellerId": product.seller().to_string(), "sharedProductId": product.shared_id.to_string(),
        "testHarness": product.text("testHarness"), "requestedSignatures": product.signatures(),
        "shared": product.origin.is_some(), "readOnly": product.read_only, "inbox": product.inbox,
        "submissions": subs,
    })
}

fn submission_state(app: &App, product: &Product, sub: &Submission) -> Value {
    let now = app.clock.work();
    let progress = workflow::submission(sub, now, &app.options);
    let upload = app.blobs.content(&sub.blobs.initial);
    let labels: Vec<Value> = sub.labels.values().map(|label| label_state(app, label)).collect();
    json!({
        "id": sub.id.to_string(), "productId": product.id.to_string(), "name": sub.name,
        "type": if sub.derived { "derived" } else { "initial" }, "created": time(sub.created),
        "commitStatus": workflow::commit_status(sub, now, &app.options),
        "step": progress.as_ref().map(|progress| progress.step), "state": progress.as_ref().map(|progress| progress.state),
        "failure": progress.and_then(|progress| progress.failed),
        "uploadedBytes": upload.map(|content| content.piece.len), "labels": labels,
    })
}

fn label_state(app: &App, label: &Label) -> Value {
    let progress = workflow::label(label, app.clock.work(), &app.options);
    json!({
        "id": label.id.to_string(), "name": label.fields.get("name"), "destination": label.fields.get("destination"),
        "created": time(label.created), "step": progress.step, "state": progress.state,
        "cancelled": label.cancelled.is_some(), "publishingSpecifications": label.fields.get("publishingSpecifications"),
        "recipientSpecifications": label.fields.get("recipientSpecifications"), "targeting": label.targeting,
    })
}
