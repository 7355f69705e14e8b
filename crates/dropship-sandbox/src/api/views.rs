//! Products, submissions and labels as JSON.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::app::{ApiCaller, App};
use crate::blob::sas::{self, UrlPermission};
use crate::quirks::Quirk;
use crate::reply::ErrorReply;
use crate::state::{BlobKind, Label, Product, ServiceState, Submission};
use crate::workflow::{self, WorkflowProgress};

/// A link.
fn link(href: &str, rel: &str, method: &str) -> Value {
    json!({"href": href, "rel": rel, "method": method})
}

/// A time with milliseconds.
pub(crate) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// A product.
pub(crate) fn product(caller: &ApiCaller, product: &Product) -> Value {
    let url = caller.url(&format!("products/{}", product.id));
    let mut body = product.fields.clone();
    let origin = product.origin.as_ref();
    let details = json!({
        "id": product.id,
        "sharedProductId": product.shared_id,
        "links": [
            link(&url, "self", "GET"),
            link(&format!("{url}/submissions"), "get_submissions", "GET"),
        ],
        "isCommitted": product.submissions.values().any(|sub| sub.committed.is_some()),
        "isExtensionInf": product.submissions.values().any(Submission::is_extension),
        "isRetpolineCompiled": false,
        "originType": if origin.is_some() { "shared" } else { "author" },
        "sourceProductId": origin.map_or(0, |origin| origin.product),
        "sourcePublisherId": origin.map_or(0, |origin| origin.publisher),
        "message": "",
        "deviceMetadataCategory": "",
        "driverType": "desktop",
        "createdDateTime": time(product.created),
        "updatedDateTime": time(product.updated),
    });
    if let Value::Object(details) = details {
        body.extend(details);
    }
    Value::Object(body)
}

/// How much of a submission a response contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SubmissionDetail {
    /// An item of a list: without workflow and downloads.
    Listed,
    /// The response to its creation.
    Created,
    /// The response to a GET.
    Whole,
}

/// A submission.
pub(crate) fn submission(
    app: &App,
    caller: &ApiCaller,
    product: &Product,
    sub: &Submission,
    detail: SubmissionDetail,
) -> Value {
    let now = app.clock.work();
    let url = caller.url(&format!("products/{}/submissions/{}", product.id, sub.id));
    let mut links = vec![link(&url, "self", "GET")];
    if sub.committed.is_none() {
        links.push(link(&format!("{url}/commit"), "commit_submission", "POST"));
    }
    links.push(link(&url, "update_submission", "PATCH"));
    let extension = sub.is_extension();
    let mut body = json!({
        "id": sub.id,
        "productId": product.id,
        "commitStatus": workflow::commit_status(sub, now, &app.options),
        "isExtensionInf": extension,
        "isUniversal": true,
        "isDeclarativeInf": true,
        "name": sub.name,
        "type": if sub.is_derived { "derived" } else { "initial" },
    });
    if detail != SubmissionDetail::Listed {
        let progress = workflow::submission(sub, now, &app.options);
        if detail == SubmissionDetail::Whole {
            body["workflowStatus"] = workflow_status(app, caller, sub, progress.as_ref());
        }
        let mut items = downloads(app, caller, product, sub, progress.as_ref());
        if app.has(Quirk::MetadataInLinks) {
            let moved =
                items.iter().position(|item| item["type"] == "driverMetadata").map(|at| items.remove(at));
            links.extend(
                moved.map(|item| json!({"href": item["url"], "rel": "driverMetadata", "method": "GET"})),
            );
        }
        if detail == SubmissionDetail::Whole || !app.has(Quirk::DownloadsMissingOnCreate) {
            body["downloads"] = json!({"items": items, "messages": []});
        }
    }
    body["links"] = Value::Array(links);
    body
}

/// A submission by its ids.
///
/// # Errors
/// When the account has no such submission.
pub(crate) fn submission_by_id(
    app: &App,
    caller: &ApiCaller,
    state: &mut ServiceState,
    pid: u64,
    sid: u64,
    detail: SubmissionDetail,
) -> Result<Value, ErrorReply> {
    state.submission(&caller.account, pid, sid)?;
    let product = state.product(&caller.account, pid)?;
    let sub = product.submissions.get(&sid).ok_or_else(|| ErrorReply::not_found("No submission found"))?;
    Ok(submission(app, caller, product, sub, detail))
}

fn workflow_status(
    app: &App,
    caller: &ApiCaller,
    sub: &Submission,
    progress: Option<&WorkflowProgress>,
) -> Value {
    let is_early = progress.is_none_or(|progress| progress.step == "packageInfoValidation");
    if app.has(Quirk::NullWorkflowStatus)
        && is_early
        && progress.is_none_or(|progress| progress.failed.is_none())
    {
        return Value::Null;
    }
    let Some(progress) = progress else {
        return json!({"currentStep": "packageInfoValidation", "state": "notStarted", "messages": [], "errorReport": ""});
    };
    let report = match &progress.failed {
        Some(_) => sas::url(
            app,
            &caller.base,
            sub.blobs.name(BlobKind::Error),
            UrlPermission::Read,
            &format!("ErrorReport_{}.txt", sub.id),
        ),
        None => String::new(),
    };
    shown_status(app, progress, &report)
}

/// `workflowStatus` of a submission or a label.
fn shown_status(app: &App, progress: &WorkflowProgress, report: &str) -> Value {
    let mut status = json!({
        "currentStep": progress.step, "state": progress.state,
        "messages": progress.failed.iter().collect::<Vec<_>>(), "errorReport": report,
    });
    if app.has(Quirk::FailedWithoutStep)
        && progress.failed.is_some()
        && let Some(fields) = status.as_object_mut()
    {
        fields.remove("currentStep");
    }
    status
}

fn downloads(
    app: &App,
    caller: &ApiCaller,
    product: &Product,
    sub: &Submission,
    progress: Option<&WorkflowProgress>,
) -> Vec<Value> {
    let blob = |kind: BlobKind, right: UrlPermission, file: String| {
        sas::url(app, &caller.base, sub.blobs.name(kind), right, &file)
    };
    let item = |kind: &str, url: String| json!({"type": kind, "url": url});
    let right = if sub.committed.is_none() { UrlPermission::Write } else { UrlPermission::Read };
    let extension = if product.is_attestation() { "cab" } else { "hlkx" };
    let mut items = vec![item(
        "initialPackage",
        blob(BlobKind::Initial, right, format!("Initial_{}.{extension}", sub.id)),
    )];
    let Some(progress) = progress else { return items };
    if app.has(Quirk::UnknownDownloads) {
        items.push(item("symbolPackage", format!("{}/symbols/{}", caller.base, sub.id)));
        items.push(item("ExternalNotes", String::new()));
    }
    if workflow::offers_signed(progress, &app.options) {
        items.push(item(
            "signedPackage",
            blob(BlobKind::Signed, UrlPermission::Read, format!("Signed_{}.zip", sub.id)),
        ));
        let report = format!(
            "{}/dashboard/hardware/Driver/DownloadCertificationReport/{}/{}/{}",
            caller.base,
            product.seller(),
            product.id,
            sub.id
        );
        items.push(item("certificationReport", report));
        if !product.is_attestation() && !sub.is_derived {
            items.push(item(
                "derivedPackage",
                blob(BlobKind::Shell, UrlPermission::Read, format!("Shell_{}.hlkx", sub.id)),
            ));
        }
    }
    if workflow::offers_metadata(sub, progress, app.clock.work(), &app.options) {
        let url = if app.has(Quirk::MetadataOnApiHost) {
            format!("{}/v2.0/my/hardware/driverMetadata/{}", caller.base, sub.id)
        } else {
            blob(BlobKind::Metadata, UrlPermission::Read, format!("DriverMetadata_{}.json", sub.id))
        };
        items.push(item("driverMetadata", url));
    } else if app.has(Quirk::NullUrls) {
        items.push(json!({"type": "driverMetadata", "url": null}));
    }
    items
}

/// A shipping label.
pub(crate) fn label(
    app: &App,
    caller: &ApiCaller,
    pid: u64,
    sid: u64,
    label: &Label,
    targeting: bool,
) -> Value {
    let progress = workflow::label(label, app.clock.work(), &app.options);
    let url = caller.url(&format!("products/{pid}/submissions/{sid}/shippingLabels/{}", label.id));
    let mut body: Map<String, Value> = label.fields.clone();
    // A label has the specification of its destination only.
    body.remove(if label.is_sharing() { "publishingSpecifications" } else { "recipientSpecifications" });
    if let Some(publishing) = body.get_mut("publishingSpecifications").and_then(Value::as_object_mut) {
        if let Some(Value::String(date)) = publishing.get("goLiveDate").cloned() {
            let date = date.parse::<Timestamp>().map_or(date, |at| time(at).replace('Z', "+00:00"));
            publishing.insert("goLiveDate".to_owned(), json!(date));
        }
        let automatic = ["isAutoInstallDuringOSUpgrade", "isAutoInstallOnApplicableSystems"];
        if !automatic.iter().any(|flag| publishing.get(*flag) == Some(&json!(true))) {
            publishing.remove("additionalInfoForMsApproval");
        }
    }
    let report = match &label.refused {
        Some(refusal) => {
            let file = format!("ErrorReport_{}.txt", label.id);
            sas::url(app, &caller.base, &refusal.report, UrlPermission::Read, &file)
        }
        None => String::new(),
    };
    let details = json!({
        "id": label.id, "productId": pid, "submissionId": sid,
        "workflowStatus": shown_status(app, &progress, &report),
        "links": [
            link(&url, "self", "GET"),
            link(&url, "update_shippinglabel", "PATCH"),
        ],
    });
    if let Value::Object(details) = details {
        body.extend(details);
    }
    if targeting {
        body.insert("targeting".to_owned(), shown_targeting(app, label, &progress));
    }
    Value::Object(body)
}

/// The targets of a label. After publication all additions and removals are done.
fn shown_targeting(app: &App, label: &Label, progress: &WorkflowProgress) -> Value {
    let in_force = if app.has(Quirk::PublishedTargets) { "published" } else { "added" };
    let mut targeting = label.targeting.clone();
    for list in ["hardwareIds", "chids"] {
        let Some(Value::Array(items)) = targeting.get_mut(list) else {
            continue;
        };
        if progress.is_done() {
            items.retain(|item| item["distributionState"] != "pendingRemove");
            items.iter_mut().for_each(|item| item["distributionState"] = json!(in_force));
        }
    }
    Value::Object(targeting)
}
