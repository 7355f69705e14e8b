//! Partner sharing: what a finished sharing label delivers to the receiver, and the translation of ids.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::app::{App, Caller};
use super::ids::seller_for;
use super::lock;
use super::reply::{Fail, Reply};
use super::state::{Label, Origin, Product, Submission, World};
use super::submissions;
use super::views::Detail;
use super::workflow;

/// The publisher that a label shares with.
pub(super) fn receiver(label: &Label) -> Option<u64> {
    let recipient = label.fields.get("recipientSpecifications")?.get("receiverPublisherId")?;
    recipient.as_str().and_then(|id| id.parse().ok()).or_else(|| recipient.as_u64())
}

/// Gives an account the products and submissions that finished labels share with it.
pub(super) fn deliver(app: &App, world: &mut World, account: &str) {
    let me = seller_for(account);
    let now = app.clock.work();
    let mut due = Vec::new();
    for product in world.products.values().filter(|product| product.owner != account) {
        for sub in product.submissions.values() {
            let shared = sub.labels.values().any(|label| {
                label.is_sharing()
                    && receiver(label) == Some(me)
                    && workflow::label(label, now, &app.options).is_done()
            });
            if shared && !has(world, account, product.id, sub.id) {
                due.push((product.id, sub.id));
            }
        }
    }
    for (pid, sid) in due {
        copy(app, world, account, pid, sid);
    }
}

fn has(world: &World, account: &str, pid: u64, sid: u64) -> bool {
    find(world, account, pid, sid).is_some()
}

/// The ids under which an account holds another's submission.
fn find(world: &World, account: &str, pid: u64, sid: u64) -> Option<(u64, u64)> {
    world.products.values().filter(|product| product.owner == account).find_map(|product| {
        product.origin.as_ref().filter(|origin| origin.product == pid && origin.submission == sid)?;
        product.submissions.keys().next().map(|own| (product.id, *own))
    })
}

fn copy(app: &App, world: &mut World, account: &str, pid: u64, sid: u64) {
    let (own_pid, own_sid) = (world.ids.product(), world.ids.long());
    let Some(product) = world.products.get(&pid) else {
        return;
    };
    let Some(sub) = product.submissions.get(&sid) else {
        return;
    };
    let copied = Submission {
        id: own_sid,
        name: sub.name.clone(),
        derived: sub.derived,
        created: app.clock.wall(),
        blobs: sub.blobs.clone(),
        committed: sub.committed,
        review_released: sub.review_released,
        metadata_asked: None,
        // A receiver has no metadata until it asks for them.
        metadata_withheld: true,
        analysis: Arc::clone(&sub.analysis),
        labels: BTreeMap::new(),
    };
    let shared = Product {
        id: own_pid,
        shared_id: product.shared_id,
        owner: account.to_owned(),
        fields: product.fields.clone(),
        created: app.clock.wall(),
        updated: app.clock.wall(),
        origin: Some(Origin { publisher: product.seller(), product: pid, submission: sid }),
        read_only: product.read_only,
        inbox: product.inbox,
        submissions: BTreeMap::from([(own_sid, copied)]),
    };
    world.products.insert(own_pid, shared);
}

/// `GET /products/relationships/sourcepubliherid/{pub}/sourceproductid/{pid}/sourcesubmissionid/{sid}`
pub(super) fn translate(
    app: &App,
    caller: &Caller,
    publisher: u64,
    pid: u64,
    sid: u64,
) -> Result<Reply, Fail> {
    let mut world = lock(&app.world);
    deliver(app, &mut world, &caller.account);
    let missing = || Fail::not_found("No submission found");
    if world.products.get(&pid).is_none_or(|product| product.seller() != publisher) {
        return Err(missing());
    }
    let (own_pid, own_sid) = find(&world, &caller.account, pid, sid).ok_or_else(missing)?;
    let body: Value = submissions::shown(app, caller, &mut world, own_pid, own_sid, Detail::Whole)?;
    Ok(Reply::Json(200, body))
}
