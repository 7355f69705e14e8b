//! `dropship adopt`: reads a submission that was made elsewhere, and lets admission create its job.

use std::sync::Arc;

use crate::control::AdoptRequest;
use dropship_engine::admission::{Admission, AdoptedLabel, AdoptedSubmission};
use dropship_engine::operations::{ControlError, ControlErrorKind};
use dropship_engine::pipeline::Pipeline;
use dropship_engine::service_id::ServiceId;
use dropship_hardware::{Client, DownloadKind, ProductId, Submission, SubmissionId};
use dropship_job::JobId;

/// Creates the job of a submission.
pub(super) async fn adopt(
    pipeline: &Pipeline<Client>,
    admission: &Arc<Admission>,
    request: AdoptRequest,
    by: String,
) -> Result<JobId, ControlError> {
    let AdoptRequest { product, submission, .. } = request;
    let failed = |why: String| {
        let message = format!("cannot follow submission {submission} of product {product}: {why}");
        ControlError::new(ControlErrorKind::Failed, message)
    };
    if let Some(job) = pipeline.store().owner(submission.remote())? {
        let followed = dropship_engine::admission::AdoptError::Followed { submission, job };
        return Err(ControlError::new(ControlErrorKind::Illegal, followed.to_string()));
    }
    let (account, service, found) = find(pipeline, product, submission).await.map_err(failed)?;
    if !found.is_committed() && !found.is_failed() {
        return Err(failed(
            "it is not committed; commit it first with `dropship api submission commit`".to_owned(),
        ));
    }
    let Some(url) = found.download(&DownloadKind::InitialPackage) else {
        return Err(failed(
            "the service does not offer its package, so no rule can be planned for it".to_owned(),
        ));
    };
    let labels = service.labels(product, submission).read().await;
    let labels = labels.map_err(|error| failed(format!("cannot list its labels: {error}")))?;
    if let Some(why) = &labels.incomplete {
        return Err(failed(format!(
            "the list of its labels is incomplete ({why}), so a label could be created twice"
        )));
    }
    let mut adopted_labels = Vec::new();
    for label in &labels.items {
        // The list can lack the go-live date.
        let read = service.label(product, submission, label.id, false).await;
        let read = read
            .map_err(|error| failed(format!("cannot read label {} (`{}`): {error}", label.id, label.name)))?;
        adopted_labels.push(AdoptedLabel::from(&read));
    }
    let copy = admission.staging_path();
    let downloaded = service.download(&url, &copy, &|_| {}).await;
    downloaded.map_err(|error| failed(format!("cannot download its package: {error}")))?;
    let admission = Arc::clone(admission);
    let created = tokio::task::spawn_blocking(move || {
        let adopted = AdoptedSubmission {
            product,
            submission,
            name: &found.name,
            account: &account,
            labels: &adopted_labels,
            folder: request.folder.as_deref(),
            rule: request.rule.as_deref(),
            by: &by,
        };
        admission.adopt(&adopted, &copy).map(|job| job.id().clone())
    });
    let created = created.await.map_err(|error| failed(error.to_string()))?;
    created.map_err(|error| ControlError::new(ControlErrorKind::Illegal, error.to_string()))
}

/// The account that can read a submission, and the submission.
async fn find(
    pipeline: &Pipeline<Client>,
    product: ProductId,
    submission: SubmissionId,
) -> Result<(String, Client, Submission), String> {
    let mut refusals = Vec::new();
    for (name, service) in pipeline.services() {
        match service.submission(product, submission).await {
            Ok(found) => return Ok((name.clone(), service.clone(), found)),
            Err(error) => refusals.push(format!("account `{name}`: {error}")),
        }
    }
    Err(refusals.join("; "))
}
