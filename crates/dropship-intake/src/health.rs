//! The health of folders, for status, metrics and readiness checks.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How files of a folder are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FolderState {
    /// At once by events, and by a full scan at each `poll`.
    Ok,
    /// Only by a full scan at each `poll`.
    Polling,
    /// Some or all files are not found.
    Degraded,
}

impl FolderState {
    /// The value in JSON and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Polling => "polling",
            Self::Degraded => "degraded",
        }
    }
}

impl fmt::Display for FolderState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The health of one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderHealth {
    /// Name of the folder.
    pub name: String,
    /// Path of the folder.
    pub path: PathBuf,
    /// How files are found.
    pub state: FolderState,
    /// Why `state` is not [`FolderState::Ok`].
    pub reason: Option<String>,
    /// The remedy.
    pub advice: Option<String>,
    /// When the last complete scan ended.
    pub last_scan: Option<Timestamp>,
    /// Number of files that are not yet complete, settled or readable.
    pub candidates: usize,
    /// Number of files that `include` matches and `exclude` leaves out.
    pub ignored: usize,
    /// Paths of the last of these below the folder, newest first, at most [`FolderHealth::MAX_IGNORED_NAMES`].
    pub last_ignored: Vec<PathBuf>,
    /// Why no file is offered now, although there may be some: the queue or the disk is full.
    pub backpressure: Option<String>,
    /// Number of events since the start.
    pub events: u64,
    /// Number of full scans since the start.
    pub scans: u64,
    /// Duration of the last full scan, from its first pass to its last file.
    pub last_scan_took: Duration,
    /// Number of files that the receiver admitted since the start.
    pub accepted: u64,
}

impl FolderHealth {
    /// Maximum length of `last_ignored`.
    pub const MAX_IGNORED_NAMES: usize = 5;
}

/// Counts over all folders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IntakeSummary {
    /// Number of watched folders.
    pub folders: usize,
    /// Number of degraded folders.
    pub degraded: usize,
    /// Number of folders whose files wait because of backpressure.
    pub backpressure: usize,
    /// Number of files that are not yet complete, settled or readable.
    pub candidates: usize,
}
