//! The store of the configuration.

use std::io::{self, ErrorKind};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use rustix::io::Errno;

use super::folders::{may_pass, try_write};
use super::problem;
use super::secrets::secret_problem;
use crate::store_binding::{endpoint_mismatch, refuse_copy};
use dropship_config::Problem;
use dropship_config::model::{Config, Database, SecretAt};
use dropship_store::{DiskStore, Store, StoreError};

/// Folders of the store. Only those of an outbox can contain files of others.
const FOLDERS: [&str; 5] = ["journal", "sled", "node", "packages", "outbox"];

/// The problem of a store that this user cannot write to. The daemon itself handles a full disk.
#[must_use]
pub fn check_store_access(config: &Config) -> Option<Problem> {
    let home = &config.store.path;
    let is_full =
        |error: &io::Error| matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
    let message = match try_write(home).err().filter(|error| !is_full(error)) {
        Some(error) => format!("[store]: cannot write to {}: {error}", home.display()),
        None => {
            let (path, error) = find_closed_part(home)?;
            format!("[store]: cannot use {}: {error}", path.display())
        }
    };
    Some(
        problem(config, message)
            .with_help("grant the daemon's user access to the store and to everything in it"),
    )
}

/// A part of the store that this user cannot read and write, as after a restore by another user.
fn find_closed_part(home: &Path) -> Option<(PathBuf, Errno)> {
    for part in FOLDERS.map(|part| home.join(part)) {
        match access(&part, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK) {
            _ if part.is_file() => return Some((part, Errno::NOTDIR)),
            Ok(()) => {}
            Err(Errno::NOENT) => continue,
            Err(error) => return Some((part, error)),
        }
        let files = std::fs::read_dir(&part).into_iter().flatten().filter_map(|file| Some(file.ok()?.path()));
        let closed = files.filter(|_| !part.ends_with("outbox")).find_map(|file| {
            let error = access(&file, Access::READ_OK | Access::WRITE_OK).err();
            error.filter(|error| *error != Errno::NOENT).map(|error| (file, error))
        });
        if closed.is_some() {
            return closed;
        }
    }
    None
}

/// Problems of a database whose password is a credential of systemd. Only root can read the credential outside of the unit, so this is
/// checked before the process becomes the daemon's user. `None` if the database is checked with the store.
#[must_use]
pub fn check_database_of_credential(config: &Config) -> Option<Vec<Problem>> {
    let database = config.store.database.as_ref()?;
    matches!(database.password, Some(SecretAt::Credential(_)))
        .then(|| check_database(config, database).into_iter().collect())
}

/// Problems of the store: it cannot be written, has another form, or belongs to another endpoint or account. The next start is tried
/// on a copy; while a daemon runs, the store is in use and fits. `of_database` are the problems of a database that was checked already.
#[must_use]
pub fn check_store(config: &Config, of_database: Option<Vec<Problem>>) -> Vec<Problem> {
    let home = &config.store.path;
    if UnixStream::connect(&config.control.socket).is_ok() {
        return Vec::new();
    }
    if let Some(problem) = check_store_access(config) {
        return vec![problem];
    }
    if let Some(database) = &config.store.database {
        return of_database.unwrap_or_else(|| check_database(config, database).into_iter().collect());
    }
    if !home.join("journal").exists() {
        return Vec::new();
    }
    match DiskStore::open_dry_run(home) {
        Ok(dry_run) => check_content(config, &dry_run.store),
        // Another process has it open; the daemon waits for it.
        Err(StoreError::Locked { .. }) => Vec::new(),
        Err(error) => vec![store_problem(config, &error)],
    }
}

/// Problems of a store that can be opened.
fn check_content(config: &Config, store: &dyn Store) -> Vec<Problem> {
    if let Err(error) = refuse_copy(store, config) {
        return vec![problem(config, format!("[store]: {error:#}"))];
    }
    match endpoint_mismatch(store, config, false) {
        Ok(mismatch) => {
            let mismatch = mismatch.map(|mismatch| problem(config, format!("[store]: {mismatch}")));
            mismatch.into_iter().collect()
        }
        Err(error) => vec![store_problem(config, &error)],
    }
}

/// The problem of the database. It is a warning if it may pass, such as a server that is down.
fn check_database(config: &Config, database: &Database) -> Option<Problem> {
    let error = crate::database::examine(database).err()?;
    let problem = secret_problem(config, format!("[store]: {error:#}"), &error);
    Some(match error.downcast_ref::<StoreError>() {
        Some(StoreError::Away { .. }) => problem
            .with_help("check the address, the password and the server; the daemon tries again")
            .into_warning(),
        Some(error) => match remedy(error) {
            Some(remedy) => problem.with_help(remedy),
            None => problem,
        },
        None => problem,
    })
}

fn store_problem(config: &Config, error: &StoreError) -> Problem {
    let problem = problem(config, format!("[store]: {error}"));
    match remedy(error) {
        Some(remedy) => problem.with_help(remedy),
        None => problem.with_help("free space, or repair the disk; the daemon tries again").into_warning(),
    }
}

/// The remedy for a store that cannot be opened until an administrator has acted. `None` if the cause can end without that, such as a full
/// disk: then a restart can help.
#[must_use]
pub fn remedy(error: &StoreError) -> Option<&'static str> {
    match error {
        StoreError::Damaged { .. } => Some(
            "move `journal` and `sled` out of the store and start again: the jobs are recovered from the receipts in the outboxes \
             (docs/operating.md, \"Restore\")",
        ),
        StoreError::Unusable { .. } => {
            Some("nothing was changed; see docs/operating.md, \"Jobs in PostgreSQL\"")
        }
        StoreError::Newer { .. } | StoreError::Older { .. } => {
            Some("nothing was changed; the store fits another version of dropship")
        }
        StoreError::Io { error, .. } if !may_pass(error) => {
            Some("grant the daemon's user access to the store and to everything in it")
        }
        _ => None,
    }
}
