//! What the answer to a create means: the object exists, does not exist, or the create is in doubt.

use super::lists::ListOf;
use super::remote_create::RemoteCreate;
use super::service::Service;
use super::step_context::{StepContext, StepResult};
use dropship_hardware::{Error, Execution, Recovery};
use dropship_job::{CreateProgress, Event, HoldFault, HoldReason, RemoteId};

/// Records the result of a create.
pub(super) async fn record_result<S: Service>(
    ctx: &mut StepContext<'_, S>,
    object: &impl RemoteCreate<S>,
    response: Result<RemoteId, Error>,
) -> StepResult {
    let kind = object.kind();
    let error = match response {
        Ok(id) => return ctx.record_created(kind, id, false, object.go_live()).await,
        Err(error) => error,
    };
    if error.execution == Execution::Unknown {
        crate::observe::response_lost(
            ctx.pipeline.events().causes(),
            &ctx.job,
            object.kind(),
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
    match object.list_of() {
        ListOf::OwnObject => ctx.on_own_object_error(error).await,
        ListOf::Account => ctx.on_api_error(error).await,
    }
}
