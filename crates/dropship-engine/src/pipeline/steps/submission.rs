//! The submission step: create the submission in the product.

use serde_json::Value;

use crate::pipeline::create::create;
use crate::pipeline::lists::{self, ListOf};
use crate::pipeline::remote_create::{Candidate, RemoteCreate, request_digest};
use crate::pipeline::service::Service;
use crate::pipeline::step_context::{StepContext, StepResult};
use crate::pipeline::submission_status::is_past_pending;
use crate::service_id::ServiceId;
use dropship_hardware::{
    DownloadKind, Error, Listing, NO_DERIVED_SUBMISSION, NewSubmission, ProductId, SubmissionKind,
};
use dropship_job::{Creation, HoldFault, HoldReason, RemoteId, RemoteKind, WaitReason};

/// Creates the submission.
pub(crate) async fn run<S: Service>(ctx: &mut StepContext<'_, S>) -> StepResult {
    let snapshot = ctx.plan_snapshot().await?;
    let product = ProductId::of(ctx.product().await?);
    if snapshot.plan.is_derived() && *ctx.job.submission() == Creation::Open {
        check_shell(ctx, product).await?;
    }
    let request = snapshot.plan.submission;
    let digest = match request_digest(&request) {
        Ok(digest) => digest,
        Err(fault) => return ctx.fail(fault).await,
    };
    create(ctx, &SubmissionCreate { product, request, digest }).await
}

/// Checks that the initial submission of the product offers the shell of derived submissions. Without it the service would
/// reject the submission, or fail it after the upload.
async fn check_shell<S: Service>(ctx: &mut StepContext<'_, S>, product: ProductId) -> StepResult {
    let service = ctx.service().await?;
    let attempts = ctx.job.attempts();
    let submissions = match lists::accept(
        &service,
        ListOf::OwnObject,
        attempts,
        service.submissions(product).await,
    )
    .await
    {
        Ok(submissions) => submissions,
        Err(error) => return ctx.on_list_error(ListOf::OwnObject, error).await,
    };
    let Some(initial) =
        submissions.items.iter().find(|submission| submission.kind != Some(SubmissionKind::Derived))
    else {
        let gap =
            submissions.incomplete.map(|why| format!(" in the part of its list that can be read ({why})"));
        let message = format!(
            "product {product} has no initial submission to derive from{}; submit its full package first, then approve",
            gap.unwrap_or_default()
        );
        return ctx.hold(HoldFault::new(HoldReason::NoShell, message)).await;
    };
    let found = match service.product(product).await {
        Ok(found) => found,
        Err(error) => return ctx.on_read_error(error).await,
    };
    if let Some(why) = found.underivable(Some(initial)) {
        let message = format!(
            "product {product} cannot have a driver update, because {why}; the service answers \"{NO_DERIVED_SUBMISSION}\", so \
             nothing was sent; {OTHER_PRODUCT}"
        );
        return ctx.hold(HoldFault::new(HoldReason::NoShell, message)).await;
    }
    // The list of submissions does not contain downloads.
    let initial = match service.submission(product, initial.id).await {
        Ok(initial) => initial,
        Err(error) => return ctx.on_read_error(error).await,
    };
    if initial.download(&DownloadKind::DerivedPackage).is_some() {
        return Ok(());
    }
    if !initial.is_signed() && !initial.is_failed() {
        let why = WaitReason::InitialSubmission { id: initial.id.remote() };
        return ctx.poll_again(ctx.pipeline.settings.sign, why).await;
    }
    let message = format!(
        "the initial submission {} of product {product} offers no shell to derive from: it failed, or its product was \
         signed by attestation, for which Microsoft has no derived submissions; {OTHER_PRODUCT}",
        initial.id,
    );
    ctx.hold(HoldFault::new(HoldReason::NoShell, message)).await
}

/// A cancelled job whose package is dropped again keeps its product.
const OTHER_PRODUCT: &str = "name another product in the rule, reload, cancel this job, and drop the package in another folder, or sign it \
                             again and drop it";

struct SubmissionCreate {
    product: ProductId,
    request: NewSubmission,
    /// Digest of the request.
    digest: String,
}

impl<S: Service> RemoteCreate<S> for SubmissionCreate {
    fn kind(&self) -> RemoteKind {
        RemoteKind::Submission
    }

    fn name(&self) -> &str {
        &self.request.name
    }

    fn digest(&self) -> &str {
        &self.digest
    }

    fn request(&self) -> serde_json::Result<Value> {
        serde_json::to_value(&self.request)
    }

    async fn find(&self, service: &S) -> Result<Listing<Candidate>, Error> {
        let all = service.submissions(self.product).await?;
        let named = all.items.into_iter().filter(|submission| submission.name == self.request.name);
        let found = named.map(|submission| {
            let mismatch = if is_past_pending(&submission) {
                Some("it is committed".to_owned())
            } else if submission.kind.as_ref().is_some_and(|kind| *kind != self.request.kind) {
                Some("it is of another type".to_owned())
            } else {
                None
            };
            Candidate { id: submission.id.remote(), mismatch, go_live: None }
        });
        Ok(Listing { items: found.collect(), incomplete: all.incomplete })
    }

    async fn send(&self, service: &S) -> Result<RemoteId, Error> {
        service.create_submission(self.product, &self.request).await.map(|submission| submission.id.remote())
    }
}
