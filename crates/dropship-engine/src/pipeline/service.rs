//! The calls of the Hardware dashboard API that jobs need. The API client implements them; tests use a simulation.

use std::future::Future;
use std::path::Path;

use dropship_hardware::{
    Audience, Client, Error, LabelId, LabelUpdate, Listing, NewProduct, NewShippingLabel, NewSubmission,
    Product, ProductId, ShippingLabel, Submission, SubmissionId, TransferError,
};
use dropship_redact::SafeUrl;

/// The Hardware dashboard API.
///
/// A list is returned as far as it could be read; an error means that nothing of it could be read, or that the account is
/// refused or throttled.
///
/// Implementations must not repeat a call that creates, commits or changes anything: only the store knows whether a
/// repetition is safe.
pub trait Service: Clone + Send + Sync + 'static {
    /// Checks that the account works, without changing anything.
    fn probe(&self) -> impl Future<Output = Result<(), Error>> + Send;
    /// All products of the account.
    fn products(&self) -> impl Future<Output = Result<Listing<Product>, Error>> + Send;
    /// One product.
    fn product(&self, product: ProductId) -> impl Future<Output = Result<Product, Error>> + Send;
    /// Creates a product.
    fn create_product(&self, new: &NewProduct) -> impl Future<Output = Result<Product, Error>> + Send;
    /// All submissions of a product.
    fn submissions(
        &self,
        product: ProductId,
    ) -> impl Future<Output = Result<Listing<Submission>, Error>> + Send;
    /// One submission with its workflow and downloads.
    fn submission(
        &self,
        product: ProductId,
        submission: SubmissionId,
    ) -> impl Future<Output = Result<Submission, Error>> + Send;
    /// Creates a submission.
    fn create_submission(
        &self,
        product: ProductId,
        new: &NewSubmission,
    ) -> impl Future<Output = Result<Submission, Error>> + Send;
    /// Commits a submission.
    fn commit(
        &self,
        product: ProductId,
        submission: SubmissionId,
    ) -> impl Future<Output = Result<(), Error>> + Send;
    /// All labels of a submission, without their targeting.
    fn labels(
        &self,
        product: ProductId,
        submission: SubmissionId,
    ) -> impl Future<Output = Result<Listing<ShippingLabel>, Error>> + Send;
    /// One label with its targeting.
    fn label(
        &self,
        product: ProductId,
        submission: SubmissionId,
        label: LabelId,
    ) -> impl Future<Output = Result<ShippingLabel, Error>> + Send;
    /// Creates a label, which requests its publication.
    fn create_label(
        &self,
        product: ProductId,
        submission: SubmissionId,
        new: &NewShippingLabel,
    ) -> impl Future<Output = Result<ShippingLabel, Error>> + Send;
    /// Changes a label's targeting.
    fn update_label(
        &self,
        product: ProductId,
        submission: SubmissionId,
        label: LabelId,
        update: &LabelUpdate,
    ) -> impl Future<Output = Result<(), Error>> + Send;
    /// Requests that a label is withdrawn.
    fn cancel_label(
        &self,
        product: ProductId,
        submission: SubmissionId,
        label: LabelId,
    ) -> impl Future<Output = Result<(), Error>> + Send;
    /// All audiences of the account.
    fn audiences(&self) -> impl Future<Output = Result<Listing<Audience>, Error>> + Send;
    /// Uploads a file if it has this SHA-256; verifies its length at the destination.
    fn upload(
        &self,
        url: &SafeUrl,
        file: &Path,
        sha256: &str,
    ) -> impl Future<Output = Result<u64, TransferError>> + Send;
    /// Downloads at most `max_bytes` into a file, completely or not at all.
    fn download(
        &self,
        url: &SafeUrl,
        file: &Path,
        max_bytes: u64,
    ) -> impl Future<Output = Result<u64, TransferError>> + Send;
}

impl Service for Client {
    async fn probe(&self) -> Result<(), Error> {
        Self::probe(self).await
    }
    async fn products(&self) -> Result<Listing<Product>, Error> {
        Self::products(self).read().await
    }
    async fn product(&self, product: ProductId) -> Result<Product, Error> {
        Self::product(self, product).await
    }
    async fn create_product(&self, new: &NewProduct) -> Result<Product, Error> {
        Self::create_product(self, new).await
    }
    async fn submissions(&self, product: ProductId) -> Result<Listing<Submission>, Error> {
        Self::submissions(self, product).read().await
    }
    async fn submission(&self, product: ProductId, submission: SubmissionId) -> Result<Submission, Error> {
        Self::submission(self, product, submission).await
    }
    async fn create_submission(&self, product: ProductId, new: &NewSubmission) -> Result<Submission, Error> {
        Self::create_submission(self, product, new).await
    }
    async fn commit(&self, product: ProductId, submission: SubmissionId) -> Result<(), Error> {
        Self::commit(self, product, submission).await
    }
    async fn labels(
        &self,
        product: ProductId,
        submission: SubmissionId,
    ) -> Result<Listing<ShippingLabel>, Error> {
        Self::labels(self, product, submission).read().await
    }
    async fn label(
        &self,
        product: ProductId,
        submission: SubmissionId,
        label: LabelId,
    ) -> Result<ShippingLabel, Error> {
        Self::label(self, product, submission, label, true).await
    }
    async fn create_label(
        &self,
        product: ProductId,
        submission: SubmissionId,
        new: &NewShippingLabel,
    ) -> Result<ShippingLabel, Error> {
        Self::create_label(self, product, submission, new).await
    }
    async fn update_label(
        &self,
        product: ProductId,
        submission: SubmissionId,
        label: LabelId,
        update: &LabelUpdate,
    ) -> Result<(), Error> {
        Self::update_label(self, product, submission, label, update).await
    }
    async fn cancel_label(
        &self,
        product: ProductId,
        submission: SubmissionId,
        label: LabelId,
    ) -> Result<(), Error> {
        Self::cancel_label(self, product, submission, label).await
    }
    async fn audiences(&self) -> Result<Listing<Audience>, Error> {
        Self::audiences(self).read().await
    }
    async fn upload(&self, url: &SafeUrl, file: &Path, sha256: &str) -> Result<u64, TransferError> {
        self.upload_checked(url, file, sha256, &|_| {}).await.map(|uploaded| uploaded.bytes)
    }
    async fn download(&self, url: &SafeUrl, file: &Path, max_bytes: u64) -> Result<u64, TransferError> {
        self.download_staged(url, file, max_bytes, &|_| {}).await
    }
}
