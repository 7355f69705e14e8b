//! `dropship api submission upload`.

use std::path::Path;

use anyhow::Context;
use serde_json::json;

use super::args::SubmissionRef;
use super::session::{ApiSession, call_error, transfer_error};
use super::transfer_progress::TransferProgress;
use crate::cli::exit::Exit;
use dropship_hardware::{DownloadKind, TransferError};
use dropship_redact::Escaped;
use dropship_shared_folder::named_file;

/// Maximum number of new upload URLs to fetch after one has expired.
const MAX_RENEWALS: u32 = 3;

/// Uploads a package to a submission that is not committed yet.
pub(super) async fn run(
    submission_ref: SubmissionRef,
    file: &Path,
    dry_run: bool,
    session: &ApiSession<'_>,
) -> anyhow::Result<Exit> {
    let size = named_file::open(file)
        .and_then(|file| file.metadata())
        .with_context(|| format!("cannot read {}", file.display()))?
        .len();
    if dry_run {
        let body = json!({ "file": file.display().to_string(), "size": size });
        let request = json!({ "then": "PUT to its upload URL", "of": body });
        return session.print_request("GET", &submission_ref.path(), Some(&request));
    }
    let client = session.client()?;
    let progress = TransferProgress::new(Some(size));
    let mut renewals = 0;
    let uploaded = loop {
        let submission =
            client.submission(submission_ref.product, submission_ref.submission).await.map_err(call_error)?;
        let Some(url) = submission.download(&DownloadKind::InitialPackage) else {
            progress.finish();
            anyhow::bail!(
                "cannot upload to submission {}: it offers no upload URL",
                submission_ref.submission
            );
        };
        match client.upload(&url, file, &|bytes| progress.update(bytes)).await {
            Err(TransferError::Expired) if renewals < MAX_RENEWALS => renewals += 1,
            result => break result,
        }
    };
    progress.finish();
    let uploaded = uploaded.map_err(transfer_error)?;
    let document =
        json!({ "file": file.display().to_string(), "size": uploaded.bytes, "verified": uploaded.verified });
    session.output.print_result(&document, || {
        format!(
            "uploaded {} ({} bytes); commit it with `dropship api submission commit {} {}`",
            Escaped(&file.display().to_string()),
            uploaded.bytes,
            submission_ref.product,
            submission_ref.submission
        )
    })?;
    Ok(Exit::Done)
}
