//! What the `api` commands make anew: products, submissions and labels from files, packages in their slots.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::desk::{Desk, told, transfer, usage};
use super::download::Moving;
use super::submission::Which;
use crate::cli::exit::Exit;
use crate::observe::Shown;
use dropship_hardware::{
    Client, DownloadKind, Error, NewProduct, NewShippingLabel, NewSubmission, ProductId, SubmissionKind,
    TransferError,
};

/// Fresh URLs that are fetched when one has run out.
const FRESH: u32 = 3;

/// A request under the API's own names.
#[derive(Debug, clap::Args)]
pub(super) struct FromFile {
    /// The request as a JSON file, under the API's own names; `-` is standard input
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// Print the request and send nothing
    #[arg(long)]
    dry_run: bool,
}

impl FromFile {
    fn read<T: DeserializeOwned>(&self) -> anyhow::Result<T> {
        let text = if self.file == Path::new("-") {
            std::io::read_to_string(std::io::stdin()).context("standard input cannot be read")?
        } else {
            std::fs::read_to_string(&self.file)
                .with_context(|| format!("{} cannot be read", self.file.display()))?
        };
        serde_json::from_str(&text).map_err(|error| usage(format!("{}: {error}", self.file.display())))
    }
}

/// Makes an object and shows it; a dry run prints the request instead.
async fn make<T: Serialize>(
    desk: &Desk<'_>,
    path: &str,
    body: &impl Serialize,
    dry_run: bool,
    send: impl AsyncFnOnce(&Client) -> Result<T, Error>,
) -> anyhow::Result<Exit> {
    if dry_run {
        return desk.dry("POST", path, Some(&serde_json::to_value(body)?));
    }
    desk.show(&send(desk.client()?).await.map_err(told)?)
}

pub(super) async fn product(from: &FromFile, desk: &Desk<'_>) -> anyhow::Result<Exit> {
    let new: NewProduct = from.read()?;
    make(desk, "products", &new, from.dry_run, async |client| client.create_product(&new).await).await
}

pub(super) async fn label(of: Which, from: &FromFile, desk: &Desk<'_>) -> anyhow::Result<Exit> {
    let new: NewShippingLabel = from.read()?;
    let path = format!("{}/shippingLabels", of.path());
    let send = async |client: &Client| client.create_label(of.product, of.submission, &new).await;
    make(desk, &path, &new, from.dry_run, send).await
}

pub(super) async fn submission(
    product: ProductId,
    name: &str,
    derived: bool,
    dry_run: bool,
    desk: &Desk<'_>,
) -> anyhow::Result<Exit> {
    let kind = if derived { SubmissionKind::Derived } else { SubmissionKind::Initial };
    let new = NewSubmission { name: name.to_owned(), kind };
    let path = format!("products/{product}/submissions");
    make(desk, &path, &new, dry_run, async |client| client.create_submission(product, &new).await).await
}

/// Brings a package into the slot of a submission that is not committed yet.
pub(super) async fn upload(of: Which, file: &Path, dry_run: bool, desk: &Desk<'_>) -> anyhow::Result<Exit> {
    let size = file.metadata().with_context(|| format!("{} cannot be read", file.display()))?.len();
    if dry_run {
        let body = json!({ "file": file.display().to_string(), "size": size });
        return desk.dry("GET", &of.path(), Some(&json!({ "then": "PUT to its upload URL", "of": body })));
    }
    let client = desk.client()?;
    let moving = Moving::of(Some(size));
    let mut fresh = 0;
    let done = loop {
        let found = client.submission(of.product, of.submission).await.map_err(told)?;
        let Some(url) = found.download(&DownloadKind::InitialPackage) else {
            moving.end();
            anyhow::bail!("submission {} offers no place to upload to", of.submission);
        };
        match client.upload(&url, file, &|bytes| moving.show(bytes)).await {
            Err(TransferError::Expired) if fresh < FRESH => fresh += 1,
            done => break done,
        }
    };
    moving.end();
    let done = done.map_err(transfer)?;
    let document =
        json!({ "file": file.display().to_string(), "size": done.bytes, "verified": done.verified });
    let next = format!("dropship api submission commit {} {}", of.product, of.submission);
    desk.output.give(&document, || {
        format!(
            "{}, {} bytes, is uploaded; `{next}` hands it over",
            Shown(&file.display().to_string()),
            done.bytes
        )
    })?;
    Ok(Exit::Done)
}
