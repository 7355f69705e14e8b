//! The layout of outboxes: names of files in a package's folder, their mode, and the outboxes of folders that name none.

use std::path::{Path, PathBuf};

/// The receipt.
pub const RECEIPT: &str = "receipt.json";
/// The signed package.
pub const SIGNED: &str = "signed.zip";
/// The driver metadata.
pub const METADATA: &str = "driver-metadata.json";
/// The certification report.
pub const CERTIFICATION: &str = "certification-report";
/// The shell package that derived submissions of the product start from.
pub const SHELL: &str = "derived-shell.hlkx";
/// The error report.
pub const ERRORS: &str = "error-report.txt";

/// Permissions of result files, unless the folder has an `outbox_mode`.
pub const DEFAULT_MODE: u32 = 0o640;

/// All results.
pub const RESULTS: [&str; 5] = [SIGNED, METADATA, CERTIFICATION, SHELL, ERRORS];

/// The outbox of a folder that names none, in the store.
#[must_use]
pub fn in_store(store: &Path, folder: &str) -> PathBuf {
    store.join("outbox").join(folder)
}
