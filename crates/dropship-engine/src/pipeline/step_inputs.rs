//! The inputs of steps: the client of the account, the plan, remote ids, the submission.

use super::service::Service;
use super::step_context::{StepContext, StepResult};
use crate::package_store::PlanSnapshot;
use crate::service_id::ServiceId;
use dropship_hardware::{ProductId, Submission, SubmissionId};
use dropship_job::{ErrorKind, Fault, HoldFault, HoldReason, RemoteId};
use dropship_rules::plan::Plan;

impl<S: Service> StepContext<'_, S> {
    /// The client of the job's account. Holds the job when the account is not configured.
    pub(super) async fn service(&mut self) -> StepResult<S> {
        let account = self.account().to_owned();
        let service = self.pipeline.services.get(&account).cloned();
        match service {
            Some(service) => Ok(service),
            None => {
                let message = format!(
                    "account `{account}` is no longer configured; add it to the configuration and restart, then approve"
                );
                self.hold(HoldFault::new(HoldReason::NoAccount, message)).await
            }
        }
    }

    /// The plan that the job was accepted with. Waits while its storage is away, and holds the job when it cannot be read.
    pub(super) async fn plan_snapshot(&mut self) -> StepResult<PlanSnapshot> {
        let Some(digest) = self.job.plan().map(str::to_owned) else {
            let message = format!(
                "the plan of job {0} was lost with an earlier store; finish it with `dropship api`, then `dropship cancel {0}`",
                self.job.id()
            );
            return self.hold(HoldFault::new(HoldReason::PlanLost, message)).await;
        };
        let (packages, id) = (self.pipeline.packages.clone(), self.job.id().clone());
        let read = super::file_work::run(move || packages.plan_snapshot(&id, &digest)).await;
        match read {
            Ok(snapshot) => Ok(snapshot),
            Err(error) if super::file_work::is_passing(&error) => {
                let message = format!("cannot read the plan of job {}: {error}", self.job.id());
                self.retry_later(Fault::new(ErrorKind::Transfer, message), None).await
            }
            Err(error) => {
                let message = format!(
                    "cannot read the plan of job {}: {error}; restore it, then approve",
                    self.job.id()
                );
                self.hold(HoldFault::new(HoldReason::PlanLost, message)).await
            }
        }
    }

    /// The plan of the job, if it has one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) async fn stored_plan(&self) -> std::io::Result<Option<Plan>> {
        let Some(digest) = self.job.plan().map(str::to_owned) else { return Ok(None) };
        let (packages, id) = (self.pipeline.packages.clone(), self.job.id().clone());
        let read = super::file_work::run(move || packages.plan_snapshot(&id, &digest)).await;
        Ok(Some(read?.plan))
    }

    /// Id of the product. Fails the job when there is none.
    pub(super) async fn product(&mut self) -> StepResult<RemoteId> {
        match self.job.product().id() {
            Some(id) => Ok(id),
            None => {
                self.fail(Fault::new(
                    ErrorKind::NoProduct,
                    "the job has no product; retry with --new-product",
                ))
                .await
            }
        }
    }

    /// Ids of the product and the submission. Fails the job when one is missing.
    pub(super) async fn remote(&mut self) -> StepResult<(ProductId, SubmissionId)> {
        let product = self.product().await?;
        match self.job.submission().id() {
            Some(id) => Ok((ProductId::of(product), SubmissionId::of(id))),
            None => {
                let message = "the job has no submission; retry with --new-product";
                self.fail(Fault::new(ErrorKind::NoSubmission, message)).await
            }
        }
    }

    /// The submission in its present state at the service.
    pub(super) async fn fetch_submission(&mut self, service: &S) -> StepResult<Submission> {
        let (product, submission) = self.remote().await?;
        match self.unless_shutting_down(service.submission(product, submission)).await? {
            Ok(submission) => Ok(submission),
            Err(error) => self.on_read_error(error).await,
        }
    }
}
