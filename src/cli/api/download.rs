//! `dropship api submission download`.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::ValueEnum;
use serde_json::json;

use super::desk::{Desk, told, transfer};
use super::submission::Which;
use crate::cli::exit::Exit;
use crate::observe::Shown;
use dropship_hardware::{DownloadKind, Submission, TransferError};
use dropship_redact::SafeUrl;

/// Fresh URLs that are fetched when one has run out.
const FRESH: u32 = 3;

/// Fetch the signed package, or another result
///
/// The file appears whole or not at all. A download that was cut goes on where it ended, from `FILE.part`,
/// when the command is given again.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    which: Which,
    /// What to fetch
    #[arg(long, value_enum, default_value_t = Kind::Signed)]
    kind: Kind,
    /// Where to put it: a file, or a folder; by default a name of ours in this folder
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Overwrite a file that is there
    #[arg(long)]
    force: bool,
}

/// What a submission offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// The package that Microsoft signed, a ZIP
    Signed,
    /// The driver metadata: the hardware ids as labels name them, JSON
    Metadata,
    /// The certification report
    Certification,
    /// The package as it was submitted
    Initial,
    /// The shell for a derived submission
    Derived,
    /// Why the service gave the submission up
    ErrorReport,
}

impl Kind {
    /// Where the service offers it.
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

    fn file(self, which: Which) -> String {
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

pub(super) async fn run(args: &Args, desk: &Desk<'_>) -> anyhow::Result<Exit> {
    let name = args.kind.file(args.which);
    let to = match &args.to {
        Some(to) if to.is_dir() => to.join(name),
        Some(to) => to.clone(),
        None => PathBuf::from(name),
    };
    if !args.force && to.symlink_metadata().is_ok() {
        bail!("{} is there already; --force overwrites it", to.display());
    }
    let moving = Moving::of(None);
    let fetched = fetch(args.which, args.kind, &to, &|bytes| moving.show(bytes), desk).await;
    moving.end();
    let size = fetched?;
    let document = json!({ "file": to.display().to_string(), "size": size });
    let text = || format!("{}, {size} bytes", Shown(&to.display().to_string()));
    desk.output.give(&document, text)?;
    Ok(Exit::Done)
}

/// Fetches into a file; a URL that has run out is replaced by a fresh one.
pub(super) async fn fetch(
    which: Which,
    kind: Kind,
    to: &Path,
    progress: &(dyn Fn(u64) + Send + Sync),
    desk: &Desk<'_>,
) -> anyhow::Result<u64> {
    let client = desk.client()?;
    let mut fresh = 0;
    loop {
        let submission = client.submission(which.product, which.submission).await.map_err(told)?;
        let Some(url) = kind.url(&submission) else { bail!("{}", absent(kind, &submission)) };
        match client.download(&url, to, progress).await {
            Err(TransferError::Expired) if fresh < FRESH => fresh += 1,
            done => return done.map_err(transfer),
        }
    }
}

/// What is there instead.
fn absent(kind: Kind, submission: &Submission) -> String {
    let offered = Kind::value_variants().iter().filter(|kind| kind.url(submission).is_some());
    let name = |kind: &Kind| kind.to_possible_value().map(|value| value.get_name().to_owned());
    let offered: Vec<_> = offered.filter_map(name).collect();
    let stands = submission.workflow_status.as_ref().and_then(|status| {
        let (step, state) = (status.current_step.as_ref()?, status.state.as_ref()?);
        Some(format!(", which stands at {step}, {state},"))
    });
    format!(
        "submission {}{} offers no {}; it offers {}",
        submission.id,
        Shown(&stands.unwrap_or_default()),
        name(&kind).unwrap_or_default(),
        if offered.is_empty() { "nothing yet".to_owned() } else { offered.join(", ") },
    )
}

/// A line on the terminal that moves while bytes come.
pub(super) struct Moving {
    began: Instant,
    /// How many bytes there are in all, where that is known.
    total: Option<u64>,
    /// When the line was last drawn; absent where nobody watches.
    drawn: Option<Mutex<Option<Instant>>>,
}

impl Moving {
    pub(super) fn of(total: Option<u64>) -> Self {
        let watched = std::io::stderr().is_terminal();
        Self { began: Instant::now(), total, drawn: watched.then(Mutex::default) }
    }

    pub(super) fn show(&self, bytes: u64) {
        let Some(Ok(mut drawn)) = self.drawn.as_ref().map(Mutex::lock) else { return };
        if drawn.is_some_and(|at| at.elapsed() < Duration::from_millis(100)) {
            return;
        }
        *drawn = Some(Instant::now());
        let line = bar(bytes, self.total) + &line(bytes, self.began.elapsed());
        let mut err = std::io::stderr().lock();
        drop(write!(err, "\r\x1b[K{line}").and_then(|()| err.flush()));
    }

    pub(super) fn end(&self) {
        if self.drawn.is_some() {
            let mut err = std::io::stderr().lock();
            drop(write!(err, "\r\x1b[K").and_then(|()| err.flush()));
        }
    }
}

/// A bar of thirty places, where the whole is known.
fn bar(bytes: u64, total: Option<u64>) -> String {
    const PLACES: u64 = 30;
    let Some(total) = total.filter(|total| *total > 0) else { return String::new() };
    let share = |of: u64| usize::try_from(bytes.min(total).saturating_mul(of) / total).unwrap_or(0);
    let (done, places) = (share(PLACES), usize::try_from(PLACES).unwrap_or(0));
    format!("[{:<places$}] {:>3} %  ", "#".repeat(done), share(100))
}

/// How many tenths of a MiB have come, and how fast.
fn line(bytes: u64, took: Duration) -> String {
    let tenths = |bytes: u64| bytes.saturating_mul(10) / (1 << 20);
    let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
    let (here, speed) = (tenths(bytes), tenths(bytes.saturating_mul(1000) / milliseconds));
    format!("{}.{} MiB, {}.{} MiB/s", here / 10, here % 10, speed / 10, speed % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_much_and_how_fast() {
        assert_eq!(line(0, Duration::ZERO), "0.0 MiB, 0.0 MiB/s");
        assert_eq!(line(3 << 20, Duration::from_secs(2)), "3.0 MiB, 1.5 MiB/s");
        assert_eq!(bar(1, None), "");
        assert_eq!(bar(50, Some(100)), format!("[{}{}]  50 %  ", "#".repeat(15), " ".repeat(15)));
        assert_eq!(line(u64::MAX, Duration::from_secs(1)).split(' ').count(), 4);
    }
}
