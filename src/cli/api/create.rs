//! `dropship api … create`: products, submissions and labels.

use serde::Serialize;

use super::args::{FromFile, SubmissionRef};
use super::progress;
use super::request_fields;
use super::session::{ApiSession, call_error};
use crate::cli::exit::Exit;
use dropship_hardware::{
    Client, Error, NO_DERIVED_SUBMISSION, NewProduct, NewShippingLabel, NewSubmission, ProductId,
    SubmissionKind,
};

/// Creates an object and shows it; a dry run prints the request instead.
async fn create<T: Serialize>(
    session: &ApiSession<'_>,
    path: &str,
    body: &impl Serialize,
    dry_run: bool,
    send: impl AsyncFnOnce(&Client) -> Result<T, Error>,
) -> anyhow::Result<Exit> {
    if dry_run {
        return session.print_request("POST", path, Some(&serde_json::to_value(body)?));
    }
    session.show(&send(session.client()?).await.map_err(call_error)?)
}

pub(super) async fn product(from: &FromFile, session: &ApiSession<'_>) -> anyhow::Result<Exit> {
    let new: NewProduct = from.read(&request_fields::PRODUCT)?;
    create(session, "products", &new, from.dry_run, async |client| client.create_product(&new).await).await
}

pub(super) async fn label(
    submission_ref: SubmissionRef,
    from: &FromFile,
    session: &ApiSession<'_>,
) -> anyhow::Result<Exit> {
    let new: NewShippingLabel = from.read(&request_fields::LABEL)?;
    let path = format!("{}/shippingLabels", submission_ref.path());
    let send = async |client: &Client| {
        client.create_label(submission_ref.product, submission_ref.submission, &new).await
    };
    create(session, &path, &new, from.dry_run, send).await
}

pub(super) async fn submission(
    product: ProductId,
    new: &NewSubmission,
    dry_run: bool,
    session: &ApiSession<'_>,
) -> anyhow::Result<Exit> {
    if new.kind == SubmissionKind::Derived && !dry_run {
        require_derivable(product, session.client()?).await?;
    }
    let path = format!("products/{product}/submissions");
    if dry_run {
        return session.print_request("POST", &path, Some(&serde_json::to_value(new)?));
    }
    let created = session.client()?.create_submission(product, new).await.map_err(call_error)?;
    session.show_document(&progress::submission_document(&created, session).await?)
}

/// Refuses a derived submission that the service would refuse, before anything is sent.
async fn require_derivable(product: ProductId, client: &Client) -> anyhow::Result<()> {
    let found = client.product(product).await.map_err(call_error)?;
    let submissions = client.submissions(product).all().await.map_err(call_error)?;
    let initial = submissions.iter().find(|submission| submission.kind == Some(SubmissionKind::Initial));
    match found.underivable(initial) {
        None => Ok(()),
        Some(why) => anyhow::bail!(
            "product {product} cannot have a derived submission, because {why}; the service answers \
             \"{NO_DERIVED_SUBMISSION}\", so nothing was sent"
        ),
    }
}
