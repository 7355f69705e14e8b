//! The request for a label, from its plan, the driver metadata and the account's audiences.

use super::prepared::{LabelRequestError, Prepared};
use crate::pipeline::driver_metadata;
use crate::pipeline::file_work;
use crate::pipeline::lists::{self, ListOf};
use crate::pipeline::results;
use crate::pipeline::service::Service;
use crate::pipeline::step_context::{StepContext, StepResult};
use dropship_hardware::{Error, Listing};
use dropship_job::{ErrorKind, Fault, HoldFault, HoldReason, Job};
use dropship_rules::label;
use dropship_rules::plan::LabelPlan;

/// Why a request cannot be built now.
pub(super) enum PrepareError {
    /// A call failed.
    Api(Error),
    /// The storage of the metadata is away.
    Unread(String),
    /// The plan, the metadata or the account's audiences do not allow it.
    Fault(HoldFault),
}

/// Builds the request for a label. Holds the label when that is not possible.
pub(super) async fn prepare<S: Service>(
    ctx: &mut StepContext<'_, S>,
    plan: &LabelPlan,
) -> StepResult<Prepared> {
    let service = ctx.service().await?;
    driver_metadata::refresh(ctx, &service, plan).await?;
    match try_prepare(ctx, &service, plan).await {
        Ok(prepared) => Ok(prepared),
        Err(PrepareError::Api(error)) => ctx.on_list_error(ListOf::Account, error).await,
        Err(PrepareError::Unread(why)) => ctx.retry_later(Fault::new(ErrorKind::Transfer, why), None).await,
        Err(PrepareError::Fault(fault)) => ctx.hold(fault).await,
    }
}

/// Builds the request for a label, and changes nothing when that is not possible.
pub(super) async fn try_prepare<S: Service>(
    ctx: &StepContext<'_, S>,
    service: &S,
    plan: &LabelPlan,
) -> Result<Prepared, PrepareError> {
    let fault = |reason: HoldReason, message: String| PrepareError::Fault(HoldFault::new(reason, message));
    let packages = &ctx.pipeline.packages;
    let metadata = results::driver_metadata(packages, &ctx.job).await.map_err(|error| {
        if file_work::is_passing(&error) {
            return PrepareError::Unread(format!("cannot read the driver metadata: {error}"));
        }
        let message = format!(
            "cannot use the driver metadata {}: {error}; restore the file from a backup of the store, then approve",
            packages.metadata(ctx.job.id()).display()
        );
        fault(HoldReason::MetadataLost, message)
    })?;
    let audiences = match plan.audiences.is_empty() {
        true => Listing::complete_of(Vec::new()),
        false => {
            let (attempts, read) = (ctx.job.attempts(), service.audiences().await);
            lists::accept(service, ListOf::Account, attempts, read).await.map_err(PrepareError::Api)?
        }
    };
    let prepared = Prepared::compute(plan, &metadata, &audiences.items, ctx.pipeline.clock.now());
    let incomplete = audiences.incomplete.map(|why| why.to_string());
    prepared.map_err(|error| {
        PrepareError::Fault(label_request_fault(&ctx.job, plan, &error, incomplete.as_deref()))
    })
}

/// The fault of a label without a request. `incomplete` is the reason why the list of audiences is
/// incomplete, if it is.
pub(crate) fn label_request_fault(
    job: &Job,
    plan: &LabelPlan,
    error: &LabelRequestError,
    incomplete: Option<&str>,
) -> HoldFault {
    match error {
        LabelRequestError::Problems(problems) => {
            let gap = incomplete.map(|why| format!("; the list of audiences is incomplete: {why}"));
            let message = format!(
                "cannot create label `{}`: {error}{}; correct the rule, then run `dropship retry {}`",
                plan.name,
                gap.unwrap_or_default(),
                job.id()
            );
            let has_passed = problems.iter().all(|problem| problem.check == label::GO_LIVE_PASSED);
            HoldFault::new(
                if has_passed { HoldReason::GoLivePassed } else { HoldReason::LabelUnfit },
                message,
            )
        }
        LabelRequestError::NoJson(_) => {
            HoldFault::new(HoldReason::Internal, format!("label `{}`: {error}", plan.name))
        }
    }
}
