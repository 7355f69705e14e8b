//! Shipping labels of a submission.

use reqwest::Method;

use crate::error::{Error, Recovery};
use crate::paging::Pages;
use crate::{LabelId, LabelUpdate, NewShippingLabel, ProductId, ShippingLabel, SubmissionId};

use super::call::{Call, CallBody, CallQuery};
use super::core::Client;
use super::submissions::{submission, under};

impl Client {
    /// All labels of a submission, page by page; without targeting.
    #[must_use]
    pub fn labels(&self, product: ProductId, of: SubmissionId) -> Pages<ShippingLabel> {
        let path = under(under(submission(product, of), "shippingLabels"), "");
        Pages::new(self.clone(), Call::get("list shipping labels", path))
    }

    /// One label, with its targeting on request.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn label(
        &self,
        product: ProductId,
        of: SubmissionId,
        id: LabelId,
        with_targeting: bool,
    ) -> Result<ShippingLabel, Error> {
        let mut call = Call::get("get shipping label", label(product, of, id));
        if with_targeting {
            call.query = CallQuery::Raw("includeTargetingInfo=true".to_owned());
        }
        self.object(call).await
    }

    /// Creates a label, which requests its publication. Never repeated here: after
    /// [`Execution::Unknown`](crate::Execution::Unknown) search for it first.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn create_label(
        &self,
        product: ProductId,
        of: SubmissionId,
        new: &NewShippingLabel,
    ) -> Result<ShippingLabel, Error> {
        const OPERATION: &str = "create shipping label";
        let body = CallBody::json(OPERATION, new)?;
        let path = under(submission(product, of), "shippingLabels");
        self.object(Call::create(OPERATION, Method::POST, path, body)).await
    }

    /// Changes a label's targeting. Not repeated here: a successful change locks the label, so its repetition would be rejected.
    ///
    /// # Errors
    /// See [`Error`]; an update without a change is rejected before it is sent, as the service would.
    pub async fn update_label(
        &self,
        product: ProductId,
        of: SubmissionId,
        id: LabelId,
        update: &LabelUpdate,
    ) -> Result<(), Error> {
        const OPERATION: &str = "update shipping label";
        if update.is_empty() {
            return Err(Error::not_sent(OPERATION, Recovery::Permanent, "the update changes nothing"));
        }
        let body = CallBody::json(OPERATION, update)?;
        self.nothing(Call::once(OPERATION, Method::PATCH, label(product, of, id), body)).await
    }

    /// Requests the withdrawal of a label. It takes more than a day; then the label shows as failed. Not repeated here: the
    /// repetition of a successful request may be rejected.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn cancel_label(&self, product: ProductId, of: SubmissionId, id: LabelId) -> Result<(), Error> {
        let path = under(label(product, of, id), "cancel");
        self.nothing(Call::once("cancel shipping label", Method::PUT, path, CallBody::Empty)).await
    }
}

/// Path of a label.
fn label(product: ProductId, of: SubmissionId, id: LabelId) -> Vec<String> {
    under(under(submission(product, of), "shippingLabels"), &id.to_string())
}
