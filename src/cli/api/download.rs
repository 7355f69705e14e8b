//! `dropship api submission download`.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::ValueEnum;
use serde_json::json;

use super::args::SubmissionRef;
use super::session::{ApiSession, call_error, transfer_error};
use super::transfer_progress::TransferProgress;
use crate::cli::exit::Exit;
use crate::observe::Escaped;
use dropship_hardware::{DownloadKind, Submission, TransferError};
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
    which: SubmissionRef,
    /// File to download
    #[arg(long, value_enum, default_value_t = Kind::Signed)]
    kind: Kind,
    /// File or folder to write to [default: a file in the current folder, named after kind and submission id]
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Overwrite an existing file
    #[arg(long)]
    force: bool,
}

/// The files that a submission offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
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

impl Kind {
    /// The URL in a submission, if the service offers this file.
    pub(super) fn url(self, submission: &Submission) -> Option<SafeUrl> {
        submission.download(&match self {
            Self::Signed => DownloadKind::SignedPackage,
            Self::Metadata => DownloadKind::DriverMetadata,
            Self::Certification => DownloadKind::CertificationReport,
            Self::Initial => DownloadKind::InitialPackage,
            Self::Derived => DownloadKind::DerivedPackage,
            Self::ErrorReport => return submission.workflow_status.as_ref()?.error_report.clone(),
        })
    }

    fn file(self, which: SubmissionRef) -> String {
        let id = which.submission;
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
    let name = args.kind.file(args.which);
    let to = match &args.to {
        Some(to) if to.is_dir() => to.join(name),
        Some(to) => to.clone(),
        None => PathBuf::from(name),
    };
    if !args.force && to.symlink_metadata().is_ok() {
        bail!("{} exists; use --force to overwrite it", to.display());
    }
    let progress = TransferProgress::new(None);
    let fetched = fetch(args.which, args.kind, &to, &|bytes| progress.update(bytes), session).await;
    progress.finish();
    let size = fetched?;
    let document = json!({ "file": to.display().to_string(), "size": size });
    let text = || format!("{}, {size} bytes", Escaped(&to.display().to_string()));
    session.output.give(&document, text)?;
    Ok(Exit::Done)
}

/// Downloads to a file and returns its size in bytes. An expired URL is replaced by a new one.
pub(super) async fn fetch(
    which: SubmissionRef,
    kind: Kind,
    to: &Path,
    progress: &(dyn Fn(u64) + Send + Sync),
    session: &ApiSession<'_>,
) -> anyhow::Result<u64> {
    let client = session.client()?;
    let mut renewals = 0;
    loop {
        let submission = client.submission(which.product, which.submission).await.map_err(call_error)?;
        let Some(url) = kind.url(&submission) else { bail!("{}", absent(kind, &submission)) };
        match client.download(&url, to, progress).await {
            Err(TransferError::Expired) if renewals < MAX_RENEWALS => renewals += 1,
            result => return result.map_err(transfer_error),
        }
    }
}

/// Says which files the submission offers instead.
fn absent(kind: Kind, submission: &Submission) -> String {
    let offered = Kind::value_variants().iter().filter(|kind| kind.url(submission).is_some());
    let name = |kind: &Kind| kind.to_possible_value().map(|value| value.get_name().to_owned());
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
