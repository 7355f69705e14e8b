//! A captured copy and what is known of the file that it was copied from.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::file_record::FileRecord;
use crate::digest;
use dropship_intake::{FileTime, FoundFile, Identity};
use dropship_job::{Fault, JobId};
use dropship_package::{Completeness, Kind, Previewed, completeness_of_file};
use dropship_rules::vars::Vars;
use dropship_store::{Entry, path_key};

/// The file that was captured, in the state of the copy.
pub(super) struct CapturedFile<'a> {
    pub(super) file: &'a FoundFile,
    pub(super) identity: Identity,
    /// When the file was created, if its file system records that.
    pub(super) birth: Option<FileTime>,
}

/// A captured copy that has no job yet.
pub(super) struct CapturedPackage<'a> {
    pub(super) copy: &'a Path,
    /// Lower-case hex.
    pub(super) sha256: String,
    /// In bytes.
    pub(super) size: u64,
    /// What was computed for the inspection while the copy was made.
    pub(super) previewed: Previewed,
    pub(super) name: String,
    pub(super) folder: Option<String>,
    pub(super) path: Option<String>,
    /// The file that was captured; `None` for a submitted package.
    pub(super) captured_file: Option<CapturedFile<'a>>,
    /// The rule that the submitter chose.
    pub(super) rule: Option<&'a str>,
    /// Whether the copy has the checksum that its sidecar states.
    pub(super) sidecar_checksum: Result<(), String>,
    /// Why the file was not read, if it is too large. There is no copy then.
    pub(super) oversize: Option<Fault>,
    /// Variables from its sidecar.
    pub(super) vars: Result<Vars, String>,
    /// The file has not changed for a while, so a negative verdict counts.
    pub(super) is_settled: bool,
    /// The file is incomplete and no longer expected to become complete.
    pub(super) is_stale: bool,
    /// The file was found at the first scan of a new folder.
    pub(super) is_backlog: bool,
}

impl CapturedPackage<'_> {
    /// The entry that remembers the file. For a rejected package it includes the sidecar: another sidecar makes another
    /// package of the file.
    pub(super) fn known_file_entry(&self, id: &JobId, is_rejected: bool) -> Option<Entry> {
        let CapturedFile { file, identity, birth } = self.captured_file.as_ref()?;
        let sidecar = file.sidecar.as_ref().filter(|_| is_rejected);
        let identity = FileRecord::new(identity, *birth, sidecar).stored();
        let (folder, path, sha256) = (file.folder.clone(), path_key(&file.path), self.sha256.clone());
        Some(Entry::KnownFile { folder, path, identity, sha256, job: id.clone() })
    }

    /// Whether the file is in a polled folder, where another machine may still be writing to it.
    pub(super) fn is_polled(&self) -> bool {
        self.captured_file.as_ref().is_some_and(|captured_file| captured_file.file.polled)
    }

    /// Whether the copy has all the bytes that its header announces.
    pub(super) fn is_complete(&self) -> io::Result<bool> {
        let Some(kind) = Kind::of_name(&self.name) else { return Ok(true) };
        Ok(!matches!(completeness_of_file(&File::open(self.copy)?, kind)?, Completeness::Incomplete { .. }))
    }
}

/// Writes bytes to a new file; returns their digest and number. Not durable before
/// [`crate::package_store::PackageStore::admit`].
pub(super) fn store_bytes(bytes: &mut dyn Read, to: &Path) -> io::Result<(String, u64)> {
    digest::copy(bytes, &mut File::create_new(to)?)
}

/// Removes a copy that no job needs, if it is still there.
pub(super) fn remove(path: &Path) {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!("cannot delete the temporary copy {}: {error}", path.display());
        }
        _ => {}
    }
}
