//! Arguments that several `api` commands take.

use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::request_fields::RequestFields;
use super::request_file;
use dropship_hardware::{LabelId, ProductId, SubmissionId};

/// A submission by its ids.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct SubmissionRef {
    /// Id of the product
    #[arg(value_name = "PID")]
    pub(super) product: ProductId,
    /// Id of the submission
    #[arg(value_name = "SID")]
    pub(super) submission: SubmissionId,
}

impl SubmissionRef {
    /// Path of the submission, relative to the base URL of the API.
    pub(super) fn path(self) -> String {
        format!("products/{}/submissions/{}", self.product, self.submission)
    }
}

/// A shipping label by its ids.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct LabelRef {
    #[command(flatten)]
    pub(super) submission_ref: SubmissionRef,
    /// Id of the label
    #[arg(value_name = "LID")]
    pub(super) label: LabelId,
}

impl LabelRef {
    /// Path of the label, relative to the base URL of the API.
    pub(super) fn path(self) -> String {
        format!("{}/shippingLabels/{}", self.submission_ref.path(), self.label)
    }
}

/// A request body from a file.
#[derive(Debug, clap::Args)]
pub(super) struct FromFile {
    /// Read the request from this JSON file, with the API's own field names or as SDCM writes it; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// Print the request instead of sending it
    #[arg(long)]
    pub(super) dry_run: bool,
}

impl FromFile {
    pub(super) fn read<T: DeserializeOwned + Serialize>(&self, fields: &RequestFields) -> anyhow::Result<T> {
        request_file::read(&self.file, fields)
    }
}
