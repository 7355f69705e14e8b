//! `dropship api submission download`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use serde_json::json;

use super::args::SubmissionRef;
use super::session::{ApiSession, call_error};
use super::transfer_progress::TransferProgress;
use crate::cli::exit::Exit;
use dropship_hardware::{DownloadKind, MAX_ERROR_REPORT, Submission, TransferError};
use dropship_job::counted;
use dropship_redact::Escaped;
use dropship_redact::SafeUrl;

/// Maximum number of new download URLs to fetch after one has expired.
const MAX_RENEWALS: u32 = 3;

/// Download the signed package or another file of a submission
///
/// The file appears complete or not at all. Run the command again to resume an interrupted download; its bytes are
/// kept in `FILE.part`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    submission_ref: SubmissionRef,
    /// File to download
    #[arg(long, value_enum, default_value_t = OfferedFile::Signed)]
    kind: OfferedFile,
    /// File or folder to write to [default: a file in the current folder, named after kind and submission id]
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Overwrite an existing file
    #[arg(long)]
    force: bool,
}

/// The files that a submission offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OfferedFile {
    /// The package that Microsoft signed (ZIP)
    Signed,
    /// The driver metadata: the hardware ids that labels can target (JSON)
    Metadata,
    /// The certification report
    Certification,
    /// The package that was submitted
    Initial,
    /// The shell package for a derived submission (HLKX)
    Derived,
    /// The reasons for which the service rejected the submission
    ErrorReport,
}

impl OfferedFile {
    /// The type of this file among the downloads of a submission; `None` for the error report, which the workflow has.
    fn download_kind(self) -> Option<DownloadKind> {
        match self {
            Self::Signed => Some(DownloadKind::SignedPackage),
            Self::Metadata => Some(DownloadKind::DriverMetadata),
            Self::Certification => Some(DownloadKind::CertificationReport),
            Self::Initial => Some(DownloadKind::InitialPackage),
            Self::Derived => Some(DownloadKind::DerivedPackage),
            Self::ErrorReport => None,
        }
    }

    /// The service's name of this file.
    fn service_name(self) -> String {
        self.download_kind().map_or_else(|| "errorReport".to_owned(), |kind| kind.as_str().to_owned())
    }

    /// The URL in a submission, if the service offers this file.
    pub(super) fn url(self, submission: &Submission) -> Option<SafeUrl> {
        match self.download_kind() {
            Some(kind) => submission.download(&kind),
            None => submission.workflow_status.as_ref()?.error_report.clone(),
        }
    }

    fn default_name(self, submission_ref: SubmissionRef) -> String {
        let id = submission_ref.submission;
        match self {
            Self::Signed => format!("signed-{id}.zip"),
            Self::Metadata => format!("driver-metadata-{id}.json"),
            Self::Certification => format!("certification-report-{id}"),
            Self::Initial => format!("initial-{id}"),
            Self::Derived => format!("derived-{id}.hlkx"),
            Self::ErrorReport => format!("error-report-{id}.txt"),
        }
    }
}

pub(super) async fn run(args: &Args, session: &ApiSession<'_>) -> anyhow::Result<Exit> {
    let name = args.kind.default_name(args.submission_ref);
    let to = match &args.to {
        Some(to) if to.is_dir() => to.join(name),
        Some(to) => to.clone(),
        None => PathBuf::from(name),
    };
    if !args.force && to.symlink_metadata().is_ok() {
        bail!("{} exists; use --force to overwrite it", to.display());
    }
    let progress = TransferProgress::new(None);
    let fetched = fetch(args.submission_ref, args.kind, &to, &|bytes| progress.update(bytes), session).await;
    progress.finish();
    let size = fetched?;
    let document = json!({ "file": to.display().to_string(), "size": size });
    let text = || format!("{}, {}", Escaped(&to.display().to_string()), counted(size, "byte"));
    session.output.print_result(&document, text)?;
    Ok(Exit::Done)
}

/// Downloads to a file and returns its size in bytes. An expired URL is replaced by a new one.
pub(super) async fn fetch(
    submission_ref: SubmissionRef,
    kind: OfferedFile,
    to: &Path,
    progress: &(dyn Fn(u64) + Send + Sync),
    session: &ApiSession<'_>,
) -> anyhow::Result<u64> {
    let client = session.client()?;
    let mut renewals = 0;
    let max_bytes = kind.download_kind().map_or(MAX_ERROR_REPORT, |kind| kind.max_bytes());
    loop {
        let submission =
            client.submission(submission_ref.product, submission_ref.submission).await.map_err(call_error)?;
        let Some(url) = kind.url(&submission) else { bail!("{}", not_offered(kind, &submission)) };
        match client.download_within(&url, to, max_bytes, progress).await {
            Err(TransferError::Expired) if renewals < MAX_RENEWALS => renewals += 1,
            Err(TransferError::Service(error)) => return Err(call_error(error)),
            result => return result.with_context(|| format!("cannot download {}", kind.service_name())),
        }
    }
}

/// Why a file cannot be downloaded, and which files the submission offers instead.
fn not_offered(kind: OfferedFile, submission: &Submission) -> String {
    if let Some(download_kind) = kind.download_kind() {
        let id = submission.id;
        if let Some(url) = submission.unusable_download(&download_kind) {
            return format!(
                "submission {id}: the service names `{}` as the URL of {download_kind}, which is not a usable URL; check the submission in \
                 Partner Center",
                Escaped(url)
            );
        }
        if submission.lists_without_url(&download_kind) {
            return format!(
                "submission {id}: the service lists {download_kind} without a URL; try again later, or check the submission in Partner Center"
            );
        }
    }
    let offered = OfferedFile::value_variants().iter().filter(|kind| kind.url(submission).is_some());
    let name = |kind: &OfferedFile| kind.to_possible_value().map(|value| value.get_name().to_owned());
    let offered: Vec<_> = offered.filter_map(name).collect();
    let progress = submission.workflow_status.as_ref().and_then(|status| {
        let (step, state) = (status.current_step.as_ref()?, status.state.as_ref()?);
        Some(format!(" ({step}, {state})"))
    });
    format!(
        "submission {}{} does not offer {}; it offers {}",
        submission.id,
        Escaped(&progress.unwrap_or_default()),
        name(&kind).unwrap_or_default(),
        if offered.is_empty() { "nothing yet".to_owned() } else { offered.join(", ") },
    )
}
