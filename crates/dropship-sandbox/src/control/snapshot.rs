//! The objects of a sandbox as JSON.

use serde_json::{Value, json};

use crate::api::views::time;
use crate::app::App;
use crate::lock::lock;
use crate::state::{Label, Product, Submission};
use crate::workflow;

/// All objects of a sandbox; ids are strings.
pub(super) fn snapshot(app: &App) -> Value {
    let state = lock(&app.state);
    let products: Vec<Value> = state.products.values().map(|product| product_state(app, product)).collect();
    let all = || state.products.values().flat_map(|product| product.submissions.values());
    json!({
        "now": time(app.clock.wall()),
        "counts": {
            "products": state.products.len(),
            "submissions": all().count(),
            "labels": all().map(|sub| sub.labels.len()).sum::<usize>(),
            "packages": state.preprod.len(),
            "tokens": state.tokens.len(),
            "throttled": state.throttled,
            "leakedBearers": state.leaked_bearers,
        },
        "products": products,
        "packages": state.preprod.keys().collect::<Vec<_>>(),
    })
}

fn product_state(app: &App, product: &Product) -> Value {
    let subs: Vec<Value> =
        product.submissions.values().map(|sub| submission_state(app, product, sub)).collect();
    json!({
        "id": product.id.to_string(), "name": product.text("productName"), "account": product.owner,
        "sellerId": product.seller().to_string(), "sharedProductId": product.shared_id.to_string(),
        "testHarness": product.text("testHarness"), "requestedSignatures": product.signatures(),
        "shared": product.origin.is_some(), "readOnly": product.is_read_only, "inbox": product.is_inbox,
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
        "type": if sub.is_derived { "derived" } else { "initial" }, "created": time(sub.created),
        "commitStatus": workflow::commit_status(sub, now, &app.options),
        "step": progress.as_ref().map(|progress| progress.step), "state": progress.as_ref().map(|progress| progress.state),
        "failure": progress.and_then(|progress| progress.failed),
        "uploadedBytes": upload.map(|content| content.scratch.len), "labels": labels,
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
