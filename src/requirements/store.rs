//! The store of the configuration.

use std::os::unix::net::UnixStream;

use super::folders::try_write;
use super::problem;
use crate::config::Problem;
use crate::config::model::Config;
use crate::daemon::endpoint_mismatch;
use dropship_store::{DiskStore, StoreError};

/// Problems of the store: it cannot be written, has another form, or belongs to another endpoint or account. The next start is tried
/// on a copy; while a daemon runs, the store is in use and fits.
#[must_use]
pub fn of_store(config: &Config) -> Vec<Problem> {
    let home = &config.store.path;
    if UnixStream::connect(&config.control.socket).is_ok() {
        return Vec::new();
    }
    if let Err(error) = try_write(home) {
        let message = format!("[store]: cannot write to {}: {error}", home.display());
        return vec![problem(config, message).with_help("grant the daemon's user write access to the store")];
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
