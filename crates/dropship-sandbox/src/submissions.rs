//! Submissions.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::OnceCell;

use super::analysis;
use super::app::{App, Caller};
use super::lock;
use super::paging::{self, Page};
use super::products::{object, value_of};
use super::quirks::Quirk;
use super::reply::{Code, Fail, Reply};
use super::state::{Blobs, Submission, World};
use super::views::{self, Detail};
use super::workflow;

/// `GET /products/{pid}/submissions`
pub(super) fn list(app: &App, caller: &Caller, pid: u64, query: &str) -> Result<Reply, Fail> {
    let page = Page::of(app, query)?;
    let mut world = lock(&app.world);
    let product = world.product(&caller.account, pid)?;
    let path = format!("products/{pid}/submissions");
    let items: Vec<Value> = product
        .submissions
        .values()
        .map(|sub| views::submission(app, caller, product, sub, Detail::Listed))
        .collect();
    if app.has(Quirk::PageEveryList) {
        return paging::paged(app, caller, &path, page, items.len(), |at| {
            items.get(at).cloned().unwrap_or_default()
        });
    }
    Ok(paging::whole(caller, &path, &items))
}

/// `GET …/submissions/{sid}`
pub(super) fn get(app: &App, caller: &Caller, pid: u64, sid: u64) -> Result<Reply, Fail> {
    let mut world = lock(&app.world);
    shown(app, caller, &mut world, pid, sid, Detail::Whole).map(|body| Reply::Json(200, body))
}

/// A submission as an answer shows it.
pub(super) fn shown(
    app: &App,
    caller: &Caller,
    world: &mut World,
    pid: u64,
    sid: u64,
    detail: Detail,
) -> Result<Value, Fail> {
    world.submission(&caller.account, pid, sid)?;
    let product = world.product(&caller.account, pid)?;
    let sub = product.submissions.get(&sid).ok_or_else(|| Fail::not_found("No submission found"))?;
    Ok(views::submission(app, caller, product, sub, detail))
}

fn name_of(body: &Value) -> Result<String, Fail> {
    let name = value_of(object(body)?, "name").and_then(Value::as_str).unwrap_or_default();
    if name.trim().is_empty() {
        return Err(Fail::field("name", "The name field is required."));
    }
    Ok(name.to_owned())
}

/// `POST /products/{pid}/submissions`
pub(super) fn create(app: &App, caller: &Caller, pid: u64, body: &Value) -> Result<Reply, Fail> {
    let name = name_of(body)?;
    let kind =
        value_of(object(body)?, "type").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    let mut world = lock(&app.world);
    let now = app.clock.work();
    let product = world.product(&caller.account, pid)?;
    if product.origin.is_some() {
        return Err(Fail::api(
            Code::UpdateUnauthorized,
            "Submissions can't be created for a shared product.",
        ));
    }
    let initial = product.submissions.values().find(|sub| !sub.derived);
    match (kind.as_str(), initial) {
        ("initial", Some(_)) => return Err(Fail::state("Initial submission already exists")),
        ("initial", None) => {}
        ("derived", None) => {
            return Err(Fail::state("Can't create derived submission since no initial submission created"));
        }
        ("derived", Some(initial)) => {
            if product.is_attestation() {
                let message = "Derived submissions can't be created for an attestation product.";
                return Err(Fail::state(message));
            }
            match workflow::submission(initial, now, &app.options) {
                Some(progress) if progress.failed.is_some() => {
                    return Err(Fail::api(
                        Code::UpdateUnauthorized,
                        "The workflow of the initial submission failed.",
                    ));
                }
                Some(progress) if progress.is_done() => {}
                _ => {
                    return Err(Fail::state(
                        "Can't create derived submission since no initial submission created",
                    ));
                }
            }
        }
        _ => {
            return Err(Fail::field("type", "The submission type must be initial or derived."));
        }
    }
    let derived = kind == "derived";
    let blobs = Blobs::new(&mut world.ids);
    let sid = world.ids.long();
    let sub = Submission {
        id: sid,
        name,
        derived,
        created: app.clock.wall(),
        blobs,
        committed: None,
        review_released: None,
        metadata_asked: None,
        metadata_withheld: false,
        analysis: Arc::new(OnceCell::new()),
        labels: BTreeMap::new(),
    };
    world.product(&caller.account, pid)?.submissions.insert(sid, sub);
    shown(app, caller, &mut world, pid, sid, Detail::Created).map(|body| Reply::Json(201, body))
}

/// `PATCH …/submissions/{sid}`
pub(super) fn update(app: &App, caller: &Caller, pid: u64, sid: u64, body: &Value) -> Result<Reply, Fail> {
    let mut world = lock(&app.world);
    let product = world.product(&caller.account, pid)?;
    let shared = product.origin.is_some();
    let sub = product.submission(sid)?;
    let other: Vec<_> = object(body)?
        .keys()
        .filter(|key| !key.eq_ignore_ascii_case("name"))
        .map(|key| (key.clone(), "The property cannot be updated.".to_owned()))
        .collect();
    if !other.is_empty() {
        return Err(Fail::invalid(other));
    }
    if value_of(object(body)?, "name").is_none_or(Value::is_null) {
        return Err(Fail::field("submission", "At least one property is required for update."));
    }
    if shared {
        return Err(Fail::api(Code::UpdateUnauthorized, "Not authorized to update the submission."));
    }
    if workflow::submission(sub, app.clock.work(), &app.options)
        .is_some_and(|progress| progress.failed.is_some())
    {
        let message = "Can't update the submission since the workflows have failed.";
        return Err(Fail::api(Code::UpdateUnauthorized, message));
    }
    sub.name = name_of(body)?;
    Ok(Reply::Empty(204))
}

/// `POST …/submissions/{sid}/commit`
pub(super) fn commit(app: &Arc<App>, caller: &Caller, pid: u64, sid: u64) -> Result<Reply, Fail> {
    {
        let mut world = lock(&app.world);
        let sub = world.submission(&caller.account, pid, sid)?;
        if sub.committed.is_some() {
            return Err(Fail::state("Only pending submissions can be committed."));
        }
        sub.committed = Some(app.clock.work());
    }
    // Looked at now, so that whoever polls does not wait for it.
    let app = Arc::clone(app);
    tokio::spawn(async move { analysis::settle(&app, pid, sid).await });
    Ok(Reply::Empty(202))
}

/// `POST …/submissions/{sid}/createpublishermetadata`
pub(super) fn create_metadata(app: &App, caller: &Caller, pid: u64, sid: u64) -> Result<Reply, Fail> {
    let mut world = lock(&app.world);
    let now = app.clock.work();
    let sub = world.submission(&caller.account, pid, sid)?;
    match workflow::submission(sub, now, &app.options) {
        Some(progress) if progress.is_done() => {}
        Some(progress) if progress.failed.is_some() => {
            return Err(Fail::api(Code::UpdateUnauthorized, "The workflow of the submission failed."));
        }
        _ => {
            return Err(Fail::state(
                "The submission isn't yet ready to create publisher metadata. Retry after some time.",
            ));
        }
    }
    sub.metadata_asked.get_or_insert(now);
    Ok(Reply::Empty(202))
}
