//! Proof that labels at the service were created by a label's create.

use super::create::LabelCreate;
use super::request::{self, RequestPurpose};
use crate::pipeline::file_work::is_passing;
use crate::pipeline::remote_create::{Candidate, RemoteCreate};
use crate::pipeline::service::Service;
use crate::pipeline::step_context::{StepContext, StepResult};
use crate::service_id::ServiceId;
use dropship_hardware::{Error, ProductId, Recovery, SubmissionId};

/// The labels at the service that have the name of the job's label at this index, with the reason why one cannot be of its
/// create. Without the driver metadata or the plan nothing is proven.
pub(crate) async fn prove<S: Service>(
    ctx: &mut StepContext<'_, S>,
    service: &S,
    index: usize,
) -> StepResult<Result<Vec<Candidate>, Error>> {
    let (Some(product), Some(submission)) = (ctx.job.product().id(), ctx.job.submission().id()) else {
        return Ok(Ok(Vec::new()));
    };
    let parent = (ProductId::of(product), SubmissionId::of(submission));
    let stored = match ctx.stored_plan().await {
        Err(error) if is_passing(&error) => {
            let why = format!("cannot read the plan of job {}: {error}", ctx.job.id());
            return Ok(Err(Error::not_sent("find the labels of a job", Recovery::Retry, why)));
        }
        stored => stored.ok().flatten(),
    };
    let Some(plan) = stored.and_then(|plan| plan.labels.into_iter().nth(index)) else {
        return Ok(Ok(Vec::new()));
    };
    match request::try_prepare(ctx, service, &plan, RequestPurpose::Search).await {
        Ok(prepared) => {
            let create = LabelCreate::new(parent, index, &plan, prepared);
            Ok(create.find(service).await.map(|found| found.items))
        }
        Err(request::PrepareError::Api(error)) => Ok(Err(error)),
        Err(request::PrepareError::Unread(why)) => {
            Ok(Err(Error::not_sent("find the labels of a job", Recovery::Retry, why)))
        }
        Err(request::PrepareError::Fault(_)) => Ok(Ok(Vec::new())),
    }
}
