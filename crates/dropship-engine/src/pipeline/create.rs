//! Creates objects exactly once, at a service without idempotency keys and without delete.
//!
//! Before the call an intent is made durable: the name of the new object and the ids of objects that have that name
//! already. A response closes the intent. When the response is lost, the object is searched for. If it is found and
//! provably of this create, it is adopted. If it is found and not provable, the job is held for an operator. If it is
//! absent, the search is repeated after the time in which the call may still take effect, and only then is the create
//! sent again.
//!
//! Not every list can be read to its end. An incomplete list never blocks a create. But it proves nothing: after a lost
//! response, an object that is found may have existed before an incomplete list, and one that is not found may be missing
//! in an incomplete list. Then an operator decides, once, after a look in Partner Center ([`Resolution`]).

use super::create_result::record_result;
use super::lists;
use super::object_owner::{is_free, lock_name};
use super::reconcile::reconcile;
use super::remote_create::RemoteCreate;
use super::service::Service;
use super::step_context::{Interrupt, StepContext, StepResult};
use dropship_job::{CreateProgress, ErrorKind, Event, Fault, Intent, RemoteId, RemoteKind};

/// Creates the object unless it exists; resolves a create whose response was lost.
pub(super) async fn create<S: Service>(
    ctx: &mut StepContext<'_, S>,
    object: &impl RemoteCreate<S>,
) -> StepResult {
    loop {
        match ctx.job.creation(object.kind()) {
            Some(CreateProgress::Done(_)) => return Ok(()),
            Some(CreateProgress::Intended(_)) => reconcile(ctx, object).await?,
            Some(CreateProgress::Open) => start(ctx, object).await?,
            None => {
                let message = format!("the plan has no such {}", object.kind());
                return ctx.fail(Fault::new(ErrorKind::PlanLost, message)).await;
            }
        }
    }
}

/// Makes an intent durable and sends the create.
async fn start<S: Service>(ctx: &mut StepContext<'_, S>, object: &impl RemoteCreate<S>) -> StepResult {
    let service = ctx.service().await?;
    if ctx.is_paused().await {
        return ctx.wait_paused().await;
    }
    lock_name(ctx, object.kind(), object.name()).await?;
    let result = intend_and_call(ctx, object, &service).await;
    // `release` keeps the name while the create is in doubt, so that no other job creates it.
    ctx.pipeline.guards.names.release(&ctx.job);
    result
}

async fn intend_and_call<S: Service>(
    ctx: &mut StepContext<'_, S>,
    object: &impl RemoteCreate<S>,
    service: &S,
) -> StepResult {
    let kind = object.kind();
    let attempts = ctx.job.attempts();
    let existing = match ctx.unless_shutting_down(object.existing_ids(service, attempts)).await? {
        Ok(existing) => existing,
        Err(error) => return ctx.on_list_error(object.list_of(), error).await,
    };
    if adopt_earlier(ctx, object, service, &existing.items).await? {
        return Ok(());
    }
    let incomplete_list = existing.incomplete.map(|incomplete| incomplete.to_string());
    if let Some(why) = &incomplete_list {
        crate::observe::list_incomplete(&ctx.job, kind, object.name(), why);
    }
    object.confirm(ctx, service).await?;
    // Listing may take so long that another job has taken over the name.
    lock_name(ctx, kind, object.name()).await?;
    let pipeline = ctx.pipeline;
    let Some(permit) = pipeline.guards.pause.permit(ctx.job.package().folder.as_deref()).await else {
        return ctx.wait_paused().await;
    };
    if pipeline.shutdown.is_cancelled() {
        return Err(Interrupt::ShuttingDown);
    }
    let may_complete_until = pipeline.clock.after(pipeline.settings.uncertain);
    let intent = Intent {
        existing_ids: existing.items,
        incomplete_list,
        ..Intent::new(object.name(), object.digest(), may_complete_until)
    };
    ctx.record(vec![Event::Intended { kind, intent }]).await?;
    pipeline.guards.names.renew(&ctx.job);
    let response = object.send(service).await;
    drop(permit);
    record_result(ctx, object, response).await
}

/// Uses an equal object that exists before the first request, where only this job creates objects: an earlier run created it,
/// and the store was restored from a backup made before. Returns whether there is one.
async fn adopt_earlier<S: Service>(
    ctx: &mut StepContext<'_, S>,
    object: &impl RemoteCreate<S>,
    service: &S,
    existing: &[RemoteId],
) -> StepResult<bool> {
    let RemoteKind::Label(index) = object.kind() else { return Ok(false) };
    let stray_ids = ctx.job.strays().iter().filter(|stray| stray.label == index).map(|stray| stray.remote.id);
    let former_ids =
        ctx.job.labels().get(index).into_iter().flat_map(|label| label.former_ids().iter().copied());
    let known_ids: Vec<_> = former_ids.chain(stray_ids).collect();
    if existing.iter().all(|id| known_ids.contains(id)) {
        return Ok(false);
    }
    let found = match lists::accept(service, object.list_of(), ctx.job.attempts(), object.find(service).await)
        .await
    {
        Ok(found) => found,
        Err(error) => return ctx.on_list_error(object.list_of(), error).await,
    };
    for candidate in found.items {
        if candidate.mismatch.is_none() && !known_ids.contains(&candidate.id) && is_free(ctx, candidate.id)? {
            ctx.record_created(object.kind(), candidate.id, true, candidate.go_live).await?;
            return Ok(true);
        }
    }
    Ok(false)
}
