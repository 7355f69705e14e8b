//! Submissions of a product.

use reqwest::Method;

use crate::error::Error;
use crate::paging::Pages;
use crate::{NewSubmission, ProductId, Submission, SubmissionId, SubmissionUpdate};

use super::call::{Call, CallBody};
use super::core::Client;
use super::products::product;

impl Client {
    /// All submissions of a product, page by page; without workflow and downloads.
    #[must_use]
    pub fn submissions(&self, id: ProductId) -> Pages<Submission> {
        Pages::new(self.clone(), Call::get("list submissions", under(product(id), "submissions")))
    }

    /// One submission, with its workflow and downloads.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn submission(&self, product: ProductId, id: SubmissionId) -> Result<Submission, Error> {
        self.object(Call::get("get submission", submission(product, id))).await
    }

    /// Creates a submission. Never repeated here: after [`Execution::Unknown`](crate::Execution::Unknown) search for it first.
    /// The response may lack the upload slot, which a GET has.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn create_submission(&self, id: ProductId, new: &NewSubmission) -> Result<Submission, Error> {
        const OPERATION: &str = "create submission";
        let body = CallBody::json(OPERATION, new)?;
        self.object(Call::create(OPERATION, Method::POST, under(product(id), "submissions"), body)).await
    }

    /// Renames a submission.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn update_submission(
        &self,
        product: ProductId,
        id: SubmissionId,
        update: &SubmissionUpdate,
    ) -> Result<(), Error> {
        const OPERATION: &str = "update submission";
        let body = CallBody::json(OPERATION, update)?;
        self.nothing(Call::idempotent(OPERATION, Method::PATCH, submission(product, id), body)).await
    }

    /// Commits a submission: the service starts to process it. Never repeated here: a second commit after a successful one is
    /// rejected with [`Recovery::Reconcile`](crate::Recovery::Reconcile); read the submission then.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn commit(&self, product: ProductId, id: SubmissionId) -> Result<(), Error> {
        let path = under(submission(product, id), "commit");
        self.nothing(Call::once("commit submission", Method::POST, path, CallBody::Empty)).await
    }

    /// Requests driver metadata of a submission that has none: an old one, or one that a partner shared. It takes hours.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn create_publisher_metadata(&self, product: ProductId, id: SubmissionId) -> Result<(), Error> {
        let path = under(submission(product, id), "createpublishermetadata");
        self.nothing(Call::once("create publisher metadata", Method::POST, path, CallBody::Empty)).await
    }

    /// This account's copy of a submission that a partner shared. Undocumented; Microsoft's own client uses it, and the
    /// misspelling in the path is the service's.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn translate(
        &self,
        publisher: u64,
        product: ProductId,
        submission: SubmissionId,
    ) -> Result<Submission, Error> {
        let path = [
            "products",
            "relationships",
            "sourcepubliherid",
            &publisher.to_string(),
            "sourceproductid",
            &product.to_string(),
            "sourcesubmissionid",
            &submission.to_string(),
        ];
        self.object(Call::get("translate a partner's ids", path.map(str::to_owned).to_vec())).await
    }
}

/// Path of a submission.
pub(super) fn submission(of: ProductId, id: SubmissionId) -> Vec<String> {
    under(under(product(of), "submissions"), &id.to_string())
}

/// A path and one segment more.
pub(super) fn under(mut path: Vec<String>, segment: &str) -> Vec<String> {
    path.push(segment.to_owned());
    path
}
