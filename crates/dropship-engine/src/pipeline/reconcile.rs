//! Finds out whether a create without a response took effect, and sends it again only if it certainly had none.

use jiff::Timestamp;

use super::create_result::record_result;
use super::lists;
use super::object_owner::{is_free, lock_name};
use super::remote_create::{Candidate, RemoteCreate};
use super::service::Service;
use super::step_context::{Interrupt, StepContext, StepResult};
use dropship_job::{
    CreateProgress, Event, HoldFault, HoldReason, Intent, JobId, RemoteId, RemoteKind, Resolution,
    WaitReason, words,
};

/// Maximum number of repetitions of a create without a response; then the job is held.
const MAX_REPEATS: u32 = 3;

/// Finds out whether a create without a response took effect.
pub(super) async fn reconcile<S: Service>(
    ctx: &mut StepContext<'_, S>,
    object: &impl RemoteCreate<S>,
) -> StepResult {
    let kind = object.kind();
    let service = ctx.service().await?;
    let Some(intent) = ctx.job.creation(kind).and_then(CreateProgress::intent).cloned() else {
        return Ok(());
    };
    // No other job may create an object with that name during the search.
    let lock_age = lock_name(ctx, kind, object.name()).await?;
    match intent.decided {
        Some(Resolution::Adopt { id }) if is_free(ctx, id)? => {
            return ctx.record_created(kind, id, true, object.go_live()).await;
        }
        Some(Resolution::Repeat) => return reissue(ctx, object, &service).await,
        Some(Resolution::Adopt { .. }) | None => {}
    }
    // Measured with the monotonic clock; it starts again with the daemon.
    let uncertain = ctx.pipeline.settings.uncertain;
    if intent.not_found_count > 0 && lock_age < uncertain {
        return ctx.wait_or_defer(uncertain.saturating_sub(lock_age), WaitReason::CreateInDoubt).await;
    }
    let attempts = ctx.job.attempts();
    let found = match lists::accept(&service, object.list_of(), attempts, object.find(&service).await).await {
        Ok(found) => found,
        Err(error) => return ctx.on_list_error(object.list_of(), error).await,
    };
    let incomplete = found.incomplete.map(|incomplete| incomplete.to_string());
    let NewObjects { adoptable, unproven, go_live } = new_objects(ctx, &intent, found.items)?;
    // A new object is proof if it was certainly absent before; absence is proof if the list has its end.
    let is_new = intent.incomplete_list.is_none();
    let is_complete = incomplete.is_none();
    match (adoptable.as_slice(), unproven.is_empty()) {
        ([id], true) if is_new => {
            ctx.record_created(kind, *id, true, go_live.or_else(|| object.go_live())).await
        }
        ([], true) if intent.not_found_count == 0 => wait_for_effect(ctx, kind).await,
        ([], true) if is_complete => reissue(ctx, object, &service).await,
        _ if is_new && is_complete => {
            let message = format!(
                "the response to the create of the {} `{}` was lost, and these objects have that name, none of them provably of this \
                 create: {}; check them in Partner Center, then cancel this job, or approve to search again",
                object.kind(),
                object.name(),
                list(&adoptable, unproven),
            );
            ctx.hold(HoldFault::new(HoldReason::Ambiguous, message)).await
        }
        (ids, all_equal) => {
            let resolution = match ids {
                [id] if all_equal => Resolution::Adopt { id: *id },
                _ => Resolution::Repeat,
            };
            if resolution == Resolution::Repeat && intent.not_found_count == 0 {
                return wait_for_effect(ctx, kind).await;
            }
            let why = intent.incomplete_list.or(incomplete).unwrap_or_default();
            hold_for_decision(ctx, object, resolution, &why, &list(&adoptable, unproven)).await
        }
    }
}

/// The objects with the name of a create in doubt that can be its effect: absent before, and of no other job.
struct NewObjects {
    /// Ids of those that equal the request.
    adoptable: Vec<RemoteId>,
    /// Those that cannot be of the create, each with the reason.
    unproven: Vec<String>,
    /// The go-live date of an adoptable label.
    go_live: Option<Timestamp>,
}

fn new_objects<S: Service>(
    ctx: &StepContext<'_, S>,
    intent: &Intent,
    found: Vec<Candidate>,
) -> StepResult<NewObjects> {
    let mut new = NewObjects { adoptable: Vec::new(), unproven: Vec::new(), go_live: None };
    for candidate in found {
        if intent.existing_ids.contains(&candidate.id) || !is_free(ctx, candidate.id)? {
            continue;
        }
        match candidate.mismatch {
            None => {
                new.go_live = new.go_live.or(candidate.go_live);
                new.adoptable.push(candidate.id);
            }
            Some(why) => new.unproven.push(format!("{} ({why})", candidate.id)),
        }
    }
    Ok(new)
}

/// Searches again when the create can no longer take effect.
async fn wait_for_effect<S: Service>(ctx: &mut StepContext<'_, S>, kind: RemoteKind) -> StepResult {
    let due = ctx.pipeline.clock.after(ctx.pipeline.settings.uncertain);
    ctx.record(vec![Event::NotFound { kind, due }]).await?;
    ctx.suspend_or_defer(due, WaitReason::CreateInDoubt)
}

fn list(adoptable: &[RemoteId], unproven: Vec<String>) -> String {
    adoptable.iter().map(RemoteId::to_string).chain(unproven).collect::<Vec<_>>().join(", ")
}

/// Holds the job because no list can prove whether the create took effect. Approval decides, and is not asked for again.
async fn hold_for_decision<S: Service>(
    ctx: &mut StepContext<'_, S>,
    object: &impl RemoteCreate<S>,
    resolution: Resolution,
    why: &str,
    ids: &str,
) -> StepResult {
    let (noun, name) = (object.kind(), object.name());
    let job = ctx.job.id().clone();
    let choice = match resolution {
        Resolution::Adopt { id } => format!(
            "{noun} {id} has that name and equals the request; check it in Partner Center, then run `dropship approve {job}` to \
             continue with it, or `dropship cancel {job}` if it belongs to something else"
        ),
        Resolution::Repeat if ids.is_empty() => format!(
            "no {noun} with that name was found; search for it in Partner Center, then run `dropship approve {job}` if it does not \
             exist, to create it again, or `dropship cancel {job}` if it exists"
        ),
        Resolution::Repeat => format!(
            "these have that name: {ids}; check them in Partner Center, then run `dropship approve {job}` if none is of this job, to \
             create it again, or `dropship cancel {job}`"
        ),
    };
    let message = format!(
        "the response to the create of the {noun} `{name}` was lost, and the list that could prove its effect is incomplete \
         ({why}); {choice}"
    );
    ctx.record(vec![Event::Unproven { kind: object.kind(), resolution }]).await?;
    ctx.hold(HoldFault::new(HoldReason::IncompleteList, message)).await
}

/// Sends a create again after two searches found nothing, or an operator decided so.
async fn reissue<S: Service>(
    ctx: &mut StepContext<'_, S>,
    object: &impl RemoteCreate<S>,
    service: &S,
) -> StepResult {
    let pipeline = ctx.pipeline;
    object.confirm(ctx, service).await?;
    let intent = ctx.job.creation(object.kind()).and_then(CreateProgress::intent);
    let (noun, name) = (object.kind(), object.name());
    let request = object.digest().to_owned();
    if intent.is_some_and(|intent| intent.request != request) {
        let fault = HoldFault::new(HoldReason::RequestChanged, request_changed(ctx.job.id(), object));
        return ctx.hold_for_request(fault, request).await;
    }
    if intent.is_some_and(|intent| intent.reissued >= MAX_REPEATS) {
        let message = format!(
            "the create of the {noun} `{name}` was sent several times without a response and had no effect; check Partner \
             Center, then approve to send it again, or cancel",
        );
        return ctx.hold(HoldFault::new(HoldReason::Unanswered, message)).await;
    }
    let Some(permit) = pipeline.guards.pause.permit(ctx.job.package().folder.as_deref()).await else {
        return ctx.wait_paused().await;
    };
    if pipeline.shutdown.is_cancelled() {
        return Err(Interrupt::ShuttingDown);
    }
    let may_complete_until = pipeline.clock.after(pipeline.settings.uncertain);
    ctx.record(vec![Event::Reissued { kind: object.kind(), may_complete_until }]).await?;
    pipeline.guards.names.renew(&ctx.job);
    let response = object.send(service).await;
    drop(permit);
    record_result(ctx, object, response).await
}

/// The message of a hold for a request that has changed since it was sent without effect. `show` presents the request for a
/// label, which may have thousands of targets.
fn request_changed<S: Service>(job: &JobId, object: &impl RemoteCreate<S>) -> String {
    let (noun, name) = (object.kind(), object.name());
    let request = match object.kind() {
        RemoteKind::Label(_) => {
            format!("`dropship show {job}` presents the new request and the command that approves it")
        }
        RemoteKind::Product | RemoteKind::Submission => {
            let request =
                object.request().map_or_else(|error| format!("no JSON form: {error}"), |of| words(&of));
            format!("the new request has {request}; `dropship approve {job}` sends it")
        }
    };
    format!(
        "the create of the {noun} `{name}` had no response and no effect, and its request has changed since; {request}; \
         `dropship cancel {job}` ends the job"
    )
}
