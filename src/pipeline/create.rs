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

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::lists::{self, ListOf};
use super::service::Service;
use super::step_context::{Interrupt, StepContext, StepResult};
use crate::digest;
use dropship_hardware::{Error, Execution, Listing, Recovery};
use dropship_job::{
    CreateProgress, ErrorKind, Event, Fault, HoldFault, HoldReason, Intent, JobId, RemoteId, RemoteKind,
    Resolution, WaitReason, words,
};

/// Maximum number of repetitions of a create without a response; then the job is held.
const MAX_REPEATS: u32 = 3;

/// How long a job waits while another job creates an object with the same name.
pub(super) const NAME_TAKEN: Duration = Duration::from_secs(5);

/// An object at the service that has the name of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// Its id.
    pub(super) id: RemoteId,
    /// Why it cannot be of this create; `None` when it can.
    pub(super) mismatch: Option<String>,
    /// The go-live date of a label.
    pub(super) go_live: Option<Timestamp>,
}

/// An object that a job creates.
pub(super) trait RemoteCreate<S: Service>: Send + Sync {
    /// Its kind.
    fn kind(&self) -> RemoteKind;
    /// Its name.
    fn name(&self) -> &str;
    /// The request as far as approvals and repetitions are bound to it.
    fn request(&self) -> Value;
    /// The go-live date of the request, for a label.
    fn go_live(&self) -> Option<Timestamp> {
        None
    }
    /// Called right before the request is sent, to confirm what it depends on.
    fn confirm(
        &self,
        _ctx: &mut StepContext<'_, S>,
        _service: &S,
    ) -> impl Future<Output = StepResult> + Send {
        async { Ok(()) }
    }
    /// The list that contains the object.
    fn list_of(&self) -> ListOf {
        ListOf::OwnObject
    }
    /// All objects with the name, as far as the list can be read.
    fn find(&self, service: &S) -> impl Future<Output = Result<Listing<Candidate>, Error>> + Send;
    /// The ids of the objects with the name before the create. `attempts` of the job at this list have failed.
    fn existing_ids(
        &self,
        service: &S,
        attempts: u32,
    ) -> impl Future<Output = Result<Listing<RemoteId>, Error>> + Send {
        async move {
            let found = lists::accept(service, self.list_of(), attempts, self.find(service).await).await?;
            let items = found.items.iter().map(|found| found.id).collect();
            Ok(Listing { items, incomplete: found.incomplete })
        }
    }
    /// Sends the create; returns the id of the new object.
    fn make(&self, service: &S) -> impl Future<Output = Result<RemoteId, Error>> + Send;
}

/// Creates the object unless it exists; resolves a create whose response was lost.
pub(super) async fn create<S: Service>(
    ctx: &mut StepContext<'_, S>,
    what: &impl RemoteCreate<S>,
) -> StepResult {
    loop {
        match ctx.job.creation(what.kind()) {
            Some(CreateProgress::Done(_)) => return Ok(()),
            Some(CreateProgress::Intended(_)) => reconcile(ctx, what).await?,
            Some(CreateProgress::Open) => start(ctx, what).await?,
            None => {
                let message = format!("the plan has no such {}", what.kind());
                return ctx.fail(Fault::new(ErrorKind::PlanLost, message)).await;
            }
        }
    }
}

/// A request as JSON.
///
/// # Errors
/// The request has no JSON form. It could not be bound to an approval, so the job fails.
pub(super) fn request_json(request: &impl Serialize) -> Result<Value, Fault> {
    serde_json::to_value(request).map_err(|error| {
        let message = format!("internal error: the request has no JSON form: {error}; please report it");
        Fault::new(ErrorKind::Internal, message)
    })
}

/// Locks the name of the object for this job; returns how long the job has held it.
pub(super) async fn lock_name<S: Service>(
    ctx: &mut StepContext<'_, S>,
    kind: RemoteKind,
    name: &str,
) -> StepResult<Duration> {
    let stale_after = ctx.pipeline.settings.uncertain.saturating_mul(3);
    match ctx.pipeline.guards.names.acquire(&ctx.job, kind, name, stale_after) {
        Some(held) => Ok(held),
        None => ctx.wait_or_defer(NAME_TAKEN, WaitReason::NameInUse { kind, name: name.to_owned() }).await,
    }
}

/// Makes an intent durable and sends the create.
async fn start<S: Service>(ctx: &mut StepContext<'_, S>, what: &impl RemoteCreate<S>) -> StepResult {
    let service = ctx.service().await?;
    if ctx.is_paused().await {
        return ctx.wait_paused().await;
    }
    lock_name(ctx, what.kind(), what.name()).await?;
    let result = intend_and_call(ctx, what, &service).await;
    // `release` keeps the name while the create is in doubt, so that no other job creates it.
    ctx.pipeline.guards.names.release(&ctx.job);
    result
}

async fn intend_and_call<S: Service>(
    ctx: &mut StepContext<'_, S>,
    what: &impl RemoteCreate<S>,
    service: &S,
) -> StepResult {
    let kind = what.kind();
    let attempts = ctx.job.attempts();
    let existing = match ctx.unless_shutting_down(what.existing_ids(service, attempts)).await? {
        Ok(existing) => existing,
        Err(error) => return ctx.on_list_error(what.list_of(), error).await,
    };
    if adopt_earlier(ctx, what, service, &existing.items).await? {
        return Ok(());
    }
    let incomplete_list = existing.incomplete.map(|incomplete| incomplete.to_string());
    if let Some(why) = &incomplete_list {
        crate::observe::list_incomplete(&ctx.job, kind, what.name(), why);
    }
    what.confirm(ctx, service).await?;
    // Listing may take so long that another job has taken over the name.
    lock_name(ctx, kind, what.name()).await?;
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
        ..Intent::new(what.name(), digest(&what.request()), may_complete_until)
    };
    ctx.record(vec![Event::Intended { kind, intent }]).await?;
    pipeline.guards.names.renew(&ctx.job);
    let made = what.make(service).await;
    drop(permit);
    record_result(ctx, what, made).await
}

/// Uses an equal object that exists before the first request, where only this job creates objects: an earlier run created it,
/// and the store was restored from a backup made before. Returns whether there is one.
async fn adopt_earlier<S: Service>(
    ctx: &mut StepContext<'_, S>,
    what: &impl RemoteCreate<S>,
    service: &S,
    existing: &[RemoteId],
) -> StepResult<bool> {
    let RemoteKind::Label(index) = what.kind() else { return Ok(false) };
    let strays = ctx.job.strays().iter().filter(|stray| stray.label == index).map(|stray| stray.remote.id);
    let former = ctx.job.labels().get(index).into_iter().flat_map(|label| label.former_ids().iter().copied());
    let known: Vec<_> = former.chain(strays).collect();
    if existing.iter().all(|id| known.contains(id)) {
        return Ok(false);
    }
    let found =
        match lists::accept(service, what.list_of(), ctx.job.attempts(), what.find(service).await).await {
            Ok(found) => found,
            Err(error) => return ctx.on_list_error(what.list_of(), error).await,
        };
    for candidate in found.items {
        if candidate.mismatch.is_none() && !known.contains(&candidate.id) && is_free(ctx, candidate.id)? {
            ctx.record_created(what.kind(), candidate.id, true, candidate.go_live).await?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// Records the result of a create.
async fn record_result<S: Service>(
    ctx: &mut StepContext<'_, S>,
    what: &impl RemoteCreate<S>,
    made: Result<RemoteId, Error>,
) -> StepResult {
    let kind = what.kind();
    let error = match made {
        Ok(id) => return ctx.record_created(kind, id, false, what.go_live()).await,
        Err(error) => error,
    };
    if error.execution == Execution::Unknown {
        crate::observe::response_lost(
            ctx.pipeline.events().causes(),
            &ctx.job,
            what.kind(),
            &error.to_string(),
        );
        return Ok(());
    }
    let intent = ctx.job.creation(kind).and_then(CreateProgress::intent);
    let repeated = intent.is_some_and(|intent| intent.duplicate_check_at.is_some());
    if repeated && error.recovery == Recovery::Reconcile {
        // The existing object may be the result of the first call; it is searched for.
        return Ok(());
    }
    ctx.record(vec![Event::NotCreated { kind, why: error.to_string() }]).await?;
    if error.recovery == Recovery::Reconcile {
        let message =
            format!("{error}; list the existing objects with `dropship api`, then approve, cancel or retry");
        return ctx.hold(HoldFault::new(HoldReason::ExistsAlready, message)).await;
    }
    match what.list_of() {
        ListOf::OwnObject => ctx.on_own_object_error(error).await,
        ListOf::Account => ctx.on_api_error(error).await,
    }
}

/// Finds out whether a create without a response took effect.
async fn reconcile<S: Service>(ctx: &mut StepContext<'_, S>, what: &impl RemoteCreate<S>) -> StepResult {
    let kind = what.kind();
    let service = ctx.service().await?;
    let Some(intent) = ctx.job.creation(kind).and_then(CreateProgress::intent).cloned() else {
        return Ok(());
    };
    // No other job may create an object with that name during the search.
    let held = lock_name(ctx, kind, what.name()).await?;
    match intent.decided {
        Some(Resolution::Adopt { id }) if is_free(ctx, id)? => {
            return ctx.record_created(kind, id, true, what.go_live()).await;
        }
        Some(Resolution::Repeat) => return reissue(ctx, what, &service).await,
        Some(Resolution::Adopt { .. }) | None => {}
    }
    // Measured with the monotonic clock; it starts again with the daemon.
    let uncertain = ctx.pipeline.settings.uncertain;
    if intent.not_found_count > 0 && held < uncertain {
        return ctx.wait_or_defer(uncertain.saturating_sub(held), WaitReason::CreateInDoubt).await;
    }
    let attempts = ctx.job.attempts();
    let found = match lists::accept(&service, what.list_of(), attempts, what.find(&service).await).await {
        Ok(found) => found,
        Err(error) => return ctx.on_list_error(what.list_of(), error).await,
    };
    let incomplete = found.incomplete.map(|incomplete| incomplete.to_string());
    let NewObjects { adoptable, unproven, go_live } = new_objects(ctx, &intent, found.items)?;
    // A new object is proof if it was certainly absent before; absence is proof if the list has its end.
    let is_new = intent.incomplete_list.is_none();
    let is_whole = incomplete.is_none();
    match (adoptable.as_slice(), unproven.is_empty()) {
        ([id], true) if is_new => {
            ctx.record_created(kind, *id, true, go_live.or_else(|| what.go_live())).await
        }
        ([], true) if intent.not_found_count == 0 => wait_for_effect(ctx, kind).await,
        ([], true) if is_whole => reissue(ctx, what, &service).await,
        _ if is_new && is_whole => {
            let message = format!(
                "the response to the create of the {} `{}` was lost, and these objects have that name, none of them provably of this \
                 create: {}; check them in Partner Center, then cancel this job, or approve to search again",
                what.kind(),
                what.name(),
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
            hold_for_decision(ctx, what, resolution, &why, &list(&adoptable, unproven)).await
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

/// Whether no other job owns the object.
fn is_free<S: Service>(ctx: &StepContext<'_, S>, id: RemoteId) -> StepResult<bool> {
    let owner = ctx.pipeline.store.owner(id).map_err(Interrupt::Store)?;
    Ok(owner.is_none_or(|owner| owner == *ctx.job.id()))
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
    what: &impl RemoteCreate<S>,
    resolution: Resolution,
    why: &str,
    ids: &str,
) -> StepResult {
    let (noun, name) = (what.kind(), what.name());
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
    ctx.record(vec![Event::Unproven { kind: what.kind(), resolution }]).await?;
    ctx.hold(HoldFault::new(HoldReason::IncompleteList, message)).await
}

/// Sends a create again after two searches found nothing, or an operator decided so.
async fn reissue<S: Service>(
    ctx: &mut StepContext<'_, S>,
    what: &impl RemoteCreate<S>,
    service: &S,
) -> StepResult {
    let pipeline = ctx.pipeline;
    what.confirm(ctx, service).await?;
    let intent = ctx.job.creation(what.kind()).and_then(CreateProgress::intent);
    let (noun, name) = (what.kind(), what.name());
    let request = digest(&what.request());
    if intent.is_some_and(|intent| intent.request != request) {
        let fault = HoldFault::new(HoldReason::RequestChanged, request_changed(ctx.job.id(), what));
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
    ctx.record(vec![Event::Reissued { kind: what.kind(), may_complete_until }]).await?;
    pipeline.guards.names.renew(&ctx.job);
    let made = what.make(service).await;
    drop(permit);
    record_result(ctx, what, made).await
}

/// The message of a hold for a request that has changed since it was sent without effect. `show` presents the request for a
/// label, which may have thousands of targets.
fn request_changed<S: Service>(job: &JobId, what: &impl RemoteCreate<S>) -> String {
    let (noun, name) = (what.kind(), what.name());
    let request = match what.kind() {
        RemoteKind::Label(_) => {
            format!("`dropship show {job}` presents the new request and the command that approves it")
        }
        RemoteKind::Product | RemoteKind::Submission => {
            format!("the new request has {}; `dropship approve {job}` sends it", words(&what.request()))
        }
    };
    format!(
        "the create of the {noun} `{name}` had no response and no effect, and its request has changed since; {request}; \
         `dropship cancel {job}` ends the job"
    )
}

/// The digest of a request; intents and approvals are bound to it.
pub(super) fn digest(request: &Value) -> String {
    digest::of(request.to_string().as_bytes())
}
