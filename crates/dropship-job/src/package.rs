//! The dropped package of a job, and the results that are delivered for it.

use serde::{Deserialize, Serialize};

/// The dropped file, as it was captured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// File name; invalid UTF-8 is shown as replacement characters.
    pub name: String,
    /// Where it was found; absent for a submitted file.
    pub path: Option<String>,
    /// Name of the folder that it was found in.
    pub folder: Option<String>,
    /// SHA-256 of the captured copy, lower-case hex.
    pub sha256: String,
    /// Length in bytes.
    pub size: u64,
    /// The outbox folder that results go to, absolute.
    pub outbox: String,
}

/// One result file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    /// File name in the outbox folder.
    pub name: String,
    /// Length in bytes.
    pub size: u64,
    /// SHA-256, lower-case hex.
    pub sha256: String,
}
