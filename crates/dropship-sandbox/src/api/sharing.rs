//! Partner sharing: the delivery of shared submissions to the receiver, and the translation of ids.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::api::views::{self, SubmissionDetail};
use crate::app::{ApiCaller, App};
use crate::ids::seller_for;
use crate::lock::lock;
use crate::reply::{ErrorCode, ErrorReply, Reply};
use crate::state::{Label, Product, ServiceState, SharingOrigin, Submission};
use crate::workflow;

/// The seller id of the receiver of a label.
pub(crate) fn receiver(label: &Label) -> Option<u64> {
    let recipient = label.fields.get("recipientSpecifications")?.get("receiverPublisherId")?;
    recipient.as_str().and_then(|id| id.parse().ok()).or_else(|| recipient.as_u64())
}

/// Copies the products and submissions that finished labels share with an account to that account.
pub(crate) fn deliver(app: &App, state: &mut ServiceState, account: &str) {
    let me = seller_for(account);
    let now = app.clock.work();
    let mut due = Vec::new();
    for product in state.products.values().filter(|product| product.owner != account) {
        for sub in product.submissions.values() {
            let shared = sub.labels.values().any(|label| {
                label.is_sharing()
                    && receiver(label) == Some(me)
                    && workflow::label(label, now, &app.options).is_done()
            });
            if shared && !has_copy(state, account, product.id, sub.id) {
                due.push((product.id, sub.id));
            }
        }
    }
    for (pid, sid) in due {
        copy(app, state, account, pid, sid);
    }
}

/// Rejects a new submission of a shared product whose publisher forbids driver updates.
pub(crate) fn require_unblocked(state: &ServiceState, account: &str, pid: u64) -> Result<(), ErrorReply> {
    let origin = state.products.get(&pid).and_then(|product| product.origin.as_ref());
    let source =
        origin.and_then(|origin| state.products.get(&origin.product)?.submissions.get(&origin.submission));
    let me = seller_for(account);
    let is_blocked = source.is_some_and(|sub| {
        sub.labels.values().any(|label| {
            receiver(label) == Some(me)
                && label
                    .fields
                    .get("recipientSpecifications")
                    .is_some_and(|specifications| specifications["blockDuaCreation"] == true)
        })
    });
    if is_blocked {
        let message = "The publisher of the shared product doesn't allow derived submissions.";
        return Err(ErrorReply::api(ErrorCode::UpdateUnauthorized, message));
    }
    Ok(())
}

fn has_copy(state: &ServiceState, account: &str, pid: u64, sid: u64) -> bool {
    find(state, account, pid, sid).is_some()
}

/// The account's own ids of a submission that another account shared.
fn find(state: &ServiceState, account: &str, pid: u64, sid: u64) -> Option<(u64, u64)> {
    state.products.values().filter(|product| product.owner == account).find_map(|product| {
        product.origin.as_ref().filter(|origin| origin.product == pid && origin.submission == sid)?;
        product.submissions.keys().next().map(|id| (product.id, *id))
    })
}

fn copy(app: &App, state: &mut ServiceState, account: &str, pid: u64, sid: u64) {
    let (own_pid, own_sid) = (state.ids.product(), state.ids.long());
    let Some(product) = state.products.get(&pid) else {
        return;
    };
    let Some(sub) = product.submissions.get(&sid) else {
        return;
    };
    let copied = Submission {
        id: own_sid,
        name: sub.name.clone(),
        is_derived: sub.is_derived,
        created: app.clock.wall(),
        blobs: sub.blobs.clone(),
        committed: sub.committed,
        review_released: sub.review_released,
        metadata_asked: None,
        // A receiver has no metadata until it requests them.
        is_metadata_withheld: true,
        metadata_incomplete: None,
        facts: Arc::clone(&sub.facts),
        labels: BTreeMap::new(),
    };
    let shared = Product {
        id: own_pid,
        shared_id: product.shared_id,
        owner: account.to_owned(),
        fields: product.fields.clone(),
        created: app.clock.wall(),
        updated: app.clock.wall(),
        origin: Some(SharingOrigin { publisher: product.seller(), product: pid, submission: sid }),
        is_read_only: product.is_read_only,
        is_inbox: product.is_inbox,
        submissions: BTreeMap::from([(own_sid, copied)]),
    };
    state.products.insert(own_pid, shared);
}

/// `GET /products/relationships/sourcepubliherid/{pub}/sourceproductid/{pid}/sourcesubmissionid/{sid}`
pub(crate) fn translate(
    app: &App,
    caller: &ApiCaller,
    publisher: u64,
    pid: u64,
    sid: u64,
) -> Result<Reply, ErrorReply> {
    let mut state = lock(&app.state);
    deliver(app, &mut state, &caller.account);
    let missing = || ErrorReply::not_found("No submission found");
    if state.products.get(&pid).is_none_or(|product| product.seller() != publisher) {
        return Err(missing());
    }
    let (own_pid, own_sid) = find(&state, &caller.account, pid, sid).ok_or_else(missing)?;
    let body: Value =
        views::submission_by_id(app, caller, &mut state, own_pid, own_sid, SubmissionDetail::Whole)?;
    Ok(Reply::Json(200, body))
}
