//! The request for a label, from its plan, the driver metadata and the account's audiences.

use super::prepared::{LabelRequestError, PreparedRequest};
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
use dropship_rules::schedule::GoLive;
use jiff::{SignedDuration, Timestamp};

/// Why a request cannot be built now.
pub(super) enum PrepareError {
    /// A call failed.
    Api(Error),
    /// The storage of the metadata is away.
    Unread(String),
    /// The plan, the metadata or the account's audiences do not allow it.
    Fault(HoldFault),
}

/// What a request is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestPurpose {
    /// To be sent. A fixed go-live date must not have passed.
    Send,
    /// To find the label of an earlier request. It is there, whatever has become of its date.
    Search,
}

impl RequestPurpose {
    /// The time that the request is built for.
    fn time(self, plan: &LabelPlan, now: Timestamp) -> Timestamp {
        let fixed = plan.go_live.and_then(GoLive::fixed).filter(|_| self == Self::Search);
        let before = fixed.and_then(|date| date.checked_sub(SignedDuration::from_secs(1)).ok());
        before.map_or(now, |before| now.min(before))
    }
}

/// Builds the request for a label. Holds the label when that is not possible.
pub(super) async fn prepare<S: Service>(
    ctx: &mut StepContext<'_, S>,
    plan: &LabelPlan,
    purpose: RequestPurpose,
) -> StepResult<PreparedRequest> {
    let service = ctx.service().await?;
    driver_metadata::refresh(ctx, &service, plan).await?;
    match try_prepare(ctx, &service, plan, purpose).await {
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
    purpose: RequestPurpose,
) -> Result<PreparedRequest, PrepareError> {
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
    let at = purpose.time(plan, ctx.pipeline.clock.now());
    let prepared = PreparedRequest::compute(plan, &metadata, &audiences.items, at);
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

/// The fault of a label whose fixed go-live date has passed before its request was sent.
pub(super) fn go_live_passed(job: &Job, label: &str, date: Timestamp) -> HoldFault {
    let message = format!(
        "cannot create label `{label}`: its go-live date {date:.0} (UTC) has passed; correct the rule, then run `dropship retry {}`",
        job.id()
    );
    HoldFault::new(HoldReason::GoLivePassed, message)
}
