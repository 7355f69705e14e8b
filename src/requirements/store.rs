//! The store of the configuration.

use std::io::{self, ErrorKind};
use std::os::unix::net::UnixStream;

use super::folders::try_write;
use super::problem;
use crate::config::Problem;
use crate::config::model::Config;
use crate::daemon::endpoint_mismatch;
use dropship_store::{DiskStore, StoreError};

/// The problem of a store that this user cannot write to. The daemon itself handles a full disk.
#[must_use]
pub fn of_store_access(config: &Config) -> Option<Problem> {
    let home = &config.store.path;
    let is_full =
        |error: &io::Error| matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
    let error = try_write(home).err().filter(|error| !is_full(error))?;
    let message = format!("[store]: cannot write to {}: {error}", home.display());
    Some(problem(config, message).with_help("grant the daemon's user write access to the store"))
}

/// Problems of the store: it cannot be written, has another form, or belongs to another endpoint or account. The next start is tried
/// on a copy; while a daemon runs, the store is in use and fits.
#[must_use]
pub fn of_store(config: &Config) -> Vec<Problem> {
    let home = &config.store.path;
    if UnixStream::connect(&config.control.socket).is_ok() {
        return Vec::new();
    }
    if let Some(problem) = of_store_access(config) {
        return vec![problem];
    }
    if !home.join("journal").is_dir() {
        return Vec::new();
    }
    let unusable = match DiskStore::open_dry_run(home) {
        Ok(dry_run) => match endpoint_mismatch(&dry_run.store, config, false) {
            Ok(mismatch) => mismatch.map(|mismatch| mismatch.to_string()),
            Err(error) => Some(error.to_string()),
        },
        // Another process has it open; the daemon waits for it.
        Err(StoreError::Locked { .. }) => None,
        Err(error) => Some(error.to_string()),
    };
    unusable.map(|why| problem(config, format!("[store]: {why}"))).into_iter().collect()
}
