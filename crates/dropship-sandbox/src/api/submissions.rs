//! Submissions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::OnceCell;

use crate::api::json::{object, text, value_of};
use crate::api::paging::{self, PageRange};
use crate::api::sharing;
use crate::api::views::{self, SubmissionDetail};
use crate::app::{ApiCaller, App};
use crate::lock::lock;
use crate::options::Options;
use crate::package::analysis;
use crate::quirks::Quirk;
use crate::reply::{ErrorCode, ErrorReply, Reply};
use crate::state::{Blobs, Product, Submission};
use crate::workflow;

/// The service's message, as it was reported in microsoft/SDCM#69.
const DERIVED_REFUSAL: &str =
    "Cannot create derived submission for Attestation, TestSigned and ExtensionInf type of products.";

/// `GET /products/{pid}/submissions`
pub(crate) fn list(app: &App, caller: &ApiCaller, pid: u64, query: &str) -> Result<Reply, ErrorReply> {
    let page = PageRange::of(app, query)?;
    let mut state = lock(&app.state);
    let product = state.product(&caller.account, pid)?;
    let path = format!("products/{pid}/submissions");
    let items: Vec<Value> = product
        .submissions
        .values()
        .map(|sub| views::submission(app, caller, product, sub, SubmissionDetail::Listed))
        .collect();
    if app.has(Quirk::PageEveryList) {
        return paging::paged(app, caller, &path, page, items.len(), |at| {
            items.get(at).cloned().unwrap_or_default()
        });
    }
    Ok(paging::complete(caller, &path, &items))
}

/// `GET …/submissions/{sid}`
pub(crate) fn get(app: &App, caller: &ApiCaller, pid: u64, sid: u64) -> Result<Reply, ErrorReply> {
    let mut state = lock(&app.state);
    views::submission_by_id(app, caller, &mut state, pid, sid, SubmissionDetail::Whole)
        .map(|body| Reply::Json(200, body))
}

fn name_of(body: &Value) -> Result<String, ErrorReply> {
    let name = text(object(body)?, "name");
    if name.trim().is_empty() {
        return Err(ErrorReply::field("name", "The name field is required."));
    }
    Ok(name.to_owned())
}

/// `POST /products/{pid}/submissions`
pub(crate) fn create(app: &App, caller: &ApiCaller, pid: u64, body: &Value) -> Result<Reply, ErrorReply> {
    let name = name_of(body)?;
    let kind = text(object(body)?, "type").to_ascii_lowercase();
    let mut state = lock(&app.state);
    let now = app.clock.work();
    let product = state.product(&caller.account, pid)?;
    require_creatable(product, &kind, now, &app.options)?;
    sharing::require_unblocked(&state, &caller.account, pid)?;
    let blobs = Blobs::new(&mut state.ids);
    let sid = state.ids.long();
    let sub = Submission {
        id: sid,
        name,
        is_derived: kind == "derived",
        created: app.clock.wall(),
        blobs,
        committed: None,
        review_released: None,
        metadata_asked: None,
        is_metadata_withheld: false,
        metadata_incomplete: None,
        facts: Arc::new(OnceCell::new()),
        labels: BTreeMap::new(),
    };
    state.product(&caller.account, pid)?.submissions.insert(sid, sub);
    views::submission_by_id(app, caller, &mut state, pid, sid, SubmissionDetail::Created)
        .map(|body| Reply::Json(201, body))
}

/// Rejects a submission of a kind that the product cannot have now.
fn require_creatable(
    product: &Product,
    kind: &str,
    now: Duration,
    options: &Options,
) -> Result<(), ErrorReply> {
    const NO_INITIAL: &str = "Can't create derived submission since no initial submission created";
    if product.origin.is_some() && kind != "derived" {
        let message = "Only derived submissions can be created for a shared product.";
        return Err(ErrorReply::api(ErrorCode::UpdateUnauthorized, message));
    }
    let initial = product.submissions.values().find(|sub| !sub.is_derived);
    match (kind, initial) {
        ("initial", Some(_)) => Err(ErrorReply::wrong_state("Initial submission already exists")),
        ("initial", None) => Ok(()),
        ("derived", None) => Err(ErrorReply::wrong_state(NO_INITIAL)),
        ("derived", Some(_)) if options.quirks.has(Quirk::DerivedRefusal) && product.has_no_derived() => {
            Err(ErrorReply::Status {
                status: 400,
                code: ErrorCode::InvalidInput,
                message: DERIVED_REFUSAL.to_owned(),
            })
        }
        ("derived", Some(_)) if product.is_attestation() => {
            let message = "Derived submissions can't be created for an attestation product.";
            Err(ErrorReply::wrong_state(message))
        }
        ("derived", Some(initial)) => match workflow::submission(initial, now, options) {
            Some(progress) if progress.failed.is_some() => {
                let message = "The workflow of the initial submission failed.";
                Err(ErrorReply::api(ErrorCode::UpdateUnauthorized, message))
            }
            Some(progress) if progress.is_done() => Ok(()),
            _ => Err(ErrorReply::wrong_state(NO_INITIAL)),
        },
        _ => Err(ErrorReply::field("type", "The submission type must be initial or derived.")),
    }
}

/// `PATCH …/submissions/{sid}`
pub(crate) fn update(
    app: &App,
    caller: &ApiCaller,
    pid: u64,
    sid: u64,
    body: &Value,
) -> Result<Reply, ErrorReply> {
    let mut state = lock(&app.state);
    let product = state.product(&caller.account, pid)?;
    let shared = product.origin.is_some();
    let sub = product.submission(sid)?;
    let other: Vec<_> = object(body)?
        .keys()
        .filter(|key| !key.eq_ignore_ascii_case("name"))
        .map(|key| (key.clone(), "The property cannot be updated.".to_owned()))
        .collect();
    if !other.is_empty() {
        return Err(ErrorReply::invalid(other));
    }
    if value_of(object(body)?, "name").is_none_or(Value::is_null) {
        return Err(ErrorReply::field("submission", "At least one property is required for update."));
    }
    if shared {
        return Err(ErrorReply::api(
            ErrorCode::UpdateUnauthorized,
            "Not authorized to update the submission.",
        ));
    }
    if workflow::submission(sub, app.clock.work(), &app.options)
        .is_some_and(|progress| progress.failed.is_some())
    {
        let message = "Can't update the submission since the workflows have failed.";
        return Err(ErrorReply::api(ErrorCode::UpdateUnauthorized, message));
    }
    sub.name = name_of(body)?;
    Ok(Reply::Empty(204))
}

/// `POST …/submissions/{sid}/commit`
pub(crate) fn commit(app: &Arc<App>, caller: &ApiCaller, pid: u64, sid: u64) -> Result<Reply, ErrorReply> {
    {
        let mut state = lock(&app.state);
        let sub = state.submission(&caller.account, pid, sid)?;
        if sub.committed.is_some() {
            return Err(ErrorReply::wrong_state("Only pending submissions can be committed."));
        }
        sub.committed = Some(app.clock.work());
    }
    // Analysed now, so that the next request does not have to wait for it.
    let app = Arc::clone(app);
    tokio::spawn(async move { analysis::analyze(&app, pid, sid).await });
    Ok(Reply::Empty(202))
}

/// `POST …/submissions/{sid}/createpublishermetadata`
pub(crate) fn create_metadata(
    app: &App,
    caller: &ApiCaller,
    pid: u64,
    sid: u64,
) -> Result<Reply, ErrorReply> {
    let mut state = lock(&app.state);
    let now = app.clock.work();
    let sub = state.submission(&caller.account, pid, sid)?;
    match workflow::submission(sub, now, &app.options) {
        Some(progress) if progress.is_done() => {}
        Some(progress) if progress.failed.is_some() => {
            return Err(ErrorReply::api(
                ErrorCode::UpdateUnauthorized,
                "The workflow of the submission failed.",
            ));
        }
        _ => {
            return Err(ErrorReply::wrong_state(
                "The submission isn't yet ready to create publisher metadata. Retry after some time.",
            ));
        }
    }
    sub.metadata_asked.get_or_insert(now);
    Ok(Reply::Empty(202))
}
