//! Which job owns a name or an object at the service: no two jobs create objects of one name at a time, or use one object.

use std::time::Duration;

use super::service::Service;
use super::step_context::{Interrupt, StepContext, StepResult};
use dropship_job::{RemoteId, RemoteKind, WaitReason};

/// How long a job waits while another job creates an object with the same name.
const NAME_IN_USE_DELAY: Duration = Duration::from_secs(5);

/// Locks the name of the object for this job; returns how long the job has held it.
pub(super) async fn lock_name<S: Service>(
    ctx: &mut StepContext<'_, S>,
    kind: RemoteKind,
    name: &str,
) -> StepResult<Duration> {
    let stale_after = ctx.pipeline.settings.uncertain.saturating_mul(3);
    match ctx.pipeline.guards.names.acquire(&ctx.job, kind, name, stale_after) {
        Some(held) => Ok(held),
        None => {
            ctx.wait_or_defer(NAME_IN_USE_DELAY, WaitReason::NameInUse { kind, name: name.to_owned() }).await
        }
    }
}

/// Whether no other job owns the object.
pub(super) fn is_free<S: Service>(ctx: &StepContext<'_, S>, id: RemoteId) -> StepResult<bool> {
    let owner = ctx.pipeline.store.owner(id).map_err(Interrupt::Store)?;
    Ok(owner.is_none_or(|owner| owner == *ctx.job.id()))
}
