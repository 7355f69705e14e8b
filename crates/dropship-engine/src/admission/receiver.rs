//! Receives the files that intake found: recognises known ones, and admits the others.

use std::path::Path;

use super::admit::decide;
use super::admit_error::AdmitError;
use super::captured_package::{CapturedFile, CapturedPackage, remove};
use super::early_inspection::EarlyInspection;
use super::oversize;
use super::sidecar;
use super::state::{Admission, new_id};
use crate::digest;
use dropship_intake::{
    Admitted, Backpressure, CaptureError, CaptureLimits, Captured, FileReceiver, FileTime, FoundFile,
    Identity, capture, is_absent, open_below,
};
use dropship_job::{Fault, JobId};
use dropship_package::{Completeness, Kind, Previewed, completeness_of_file};

impl FileReceiver for Admission {
    fn is_known(&self, folder: &str, path: &Path, identity: &Identity, sidecar: Option<&Identity>) -> bool {
        self.seen_files.is_known(&*self.store, folder, path, identity, sidecar)
    }

    fn receive(&self, found: &FoundFile) -> Admitted {
        let copy = self.packages.incoming(new_id().as_str());
        let mut sha256 = None;
        let admitted = self.capture_and_decide(found, &copy, &mut sha256);
        // A copy that became a job's was moved away.
        remove(&copy);
        // It concerns this file only: `capacity` was asked before for the whole folder.
        let busy = |reason| Admitted::Backpressure(Backpressure { reason, folder_only: true });
        if !matches!(admitted, Err(AdmitError::Busy(_) | AdmitError::Store(_))) {
            self.busy.on_passed(&found.folder);
        }
        match admitted {
            Ok(_) => Admitted::Yes,
            Err(AdmitError::NotYet(reason)) => Admitted::NotYet { reason, sha256 },
            Err(AdmitError::Unreadable(reason)) => Admitted::Unreadable { reason },
            Err(AdmitError::Busy(why)) => {
                self.busy.on_failed(&found.folder, &found.path, &why);
                busy(why)
            }
            Err(AdmitError::Store(error)) => {
                tracing::error!(folder = found.folder, "{}: {error}", found.path.display());
                busy(error.to_string())
            }
        }
    }

    fn on_removed(&self, folder: &str, path: &Path) {
        self.seen_files.on_removed(&*self.store, folder, path);
    }

    fn on_scan_complete(&self, folder: &str) {
        self.seen_files.on_scan_complete(&*self.store, folder);
    }

    fn capacity(&self, folder: &str) -> Result<(), Backpressure> {
        self.capacity.check(folder, &self.packages, &*self.store)
    }
}

impl Admission {
    /// Captures a found file and decides about it. `sha256` becomes the digest of the copy.
    fn capture_and_decide(
        &self,
        found: &FoundFile,
        copy: &Path,
        sha256: &mut Option<[u8; 32]>,
    ) -> Result<JobId, AdmitError> {
        let name = found.name.to_string_lossy().into_owned();
        if !found.settled && !found.stale {
            // Reads a few bytes; an incomplete file is not worth copying yet.
            check_completeness(found, &name)?;
        }
        let max_bytes = self.active().config.store.max_package;
        if let Some((fault, oversize_file)) = check_size(found, &name, max_bytes)? {
            // It may be in the middle of a copy that preallocates, or be replaced.
            return match found.settled {
                true => self.decide_about(found, copy, name, oversize_file, Some(fault)),
                false => Err(AdmitError::NotYet(fault.message)),
            };
        }
        let has_space_for = &|bytes| self.packages.has_space_for(bytes);
        let mut early = EarlyInspection::of(self, found, &name)?;
        let captured = capture(found, copy, &CaptureLimits { max_bytes, has_space_for }, &mut early);
        let previewed = early.finish(captured.as_ref().ok().map(|captured| &captured.sha256))?;
        let captured = captured.map_err(|error| match error {
            CaptureError::Changed(_) | CaptureError::Gone(_) => AdmitError::NotYet(error.to_string()),
            CaptureError::NoSpace(_) | CaptureError::Write { .. } => AdmitError::Busy(error.to_string()),
            // Only this file is at fault; the others of its folder continue.
            CaptureError::NotRegular(_) | CaptureError::TooLarge { .. } => {
                AdmitError::NotYet(error.to_string())
            }
            _ => AdmitError::Unreadable(error.to_string()),
        })?;
        *sha256 = Some(captured.sha256);
        let Captured { sha256, size, identity, birth, .. } = captured;
        let is_unchanged = found.is_unchanged(&sha256);
        let read_file =
            ReadFile { sha256: digest::hex(&sha256), size, previewed, identity, birth, is_unchanged };
        self.decide_about(found, copy, name, read_file, None)
    }

    fn decide_about(
        &self,
        found: &FoundFile,
        copy: &Path,
        name: String,
        read_file: ReadFile,
        oversize: Option<Fault>,
    ) -> Result<JobId, AdmitError> {
        let ReadFile { sha256, size, previewed, identity, birth, is_unchanged } = read_file;
        decide(
            self,
            &CapturedPackage {
                copy,
                sidecar_checksum: if oversize.is_some() { Ok(()) } else { sidecar::check(found, &sha256) },
                sha256,
                size,
                previewed,
                name,
                folder: Some(found.folder.clone()),
                path: Some(found.path.to_string_lossy().into_owned()),
                captured_file: Some(CapturedFile { file: found, identity, birth }),
                rule: None,
                oversize,
                vars: sidecar::vars_of_found(found),
                is_settled: found.settled && is_unchanged,
                is_stale: found.stale && is_unchanged,
                is_backlog: found.backlog,
            },
        )
    }
}

/// What was read of a found file: the captured copy, or the beginning of a file that is too large.
struct ReadFile {
    /// Lower-case hex.
    sha256: String,
    /// In bytes.
    size: u64,
    previewed: Previewed,
    identity: Identity,
    birth: Option<FileTime>,
    /// Whether it has been the same for as long as a verdict needs.
    is_unchanged: bool,
}

/// Why the file is too large to be read, if it is.
fn check_size(found: &FoundFile, name: &str, max: u64) -> Result<Option<(Fault, ReadFile)>, AdmitError> {
    let unreadable = |error: std::io::Error| AdmitError::Unreadable(read_error(found, &error));
    let (file, meta) = match open_below(&found.root, &found.path) {
        Ok(opened) => opened,
        // The capture reports it.
        Err(_) => return Ok(None),
    };
    let Some(fault) = oversize::check(&file, name, meta.len(), max).map_err(unreadable)? else {
        return Ok(None);
    };
    let sha256 = oversize::identify(&file, meta.len()).map_err(unreadable)?;
    let (identity, birth) = (Identity::from(&meta), FileTime::of_birth(&meta));
    if identity != found.identity {
        return Err(AdmitError::NotYet(CaptureError::Changed(found.path.clone()).to_string()));
    }
    let size = meta.len();
    let previewed = Previewed::default();
    Ok(Some((fault, ReadFile { sha256, size, previewed, identity, birth, is_unchanged: true })))
}

/// Whether the file is complete by its own header.
fn check_completeness(found: &FoundFile, name: &str) -> Result<(), AdmitError> {
    let Some(kind) = Kind::of_name(name) else { return Ok(()) };
    let opened = open_below(&found.root, &found.path);
    let (file, _) = opened.map_err(|error| match is_absent(&error) {
        true => AdmitError::NotYet(error.to_string()),
        false => AdmitError::Unreadable(read_error(found, &error)),
    })?;
    match completeness_of_file(&file, kind) {
        Ok(Completeness::Complete) => Ok(()),
        Ok(Completeness::Incomplete { have, need }) => {
            Err(AdmitError::NotYet(format!("has {have} of {need} bytes")))
        }
        Ok(Completeness::NotAPackage { reason }) => Err(AdmitError::NotYet(reason)),
        Err(error) => Err(AdmitError::Unreadable(read_error(found, &error))),
    }
}

fn read_error(found: &FoundFile, error: &std::io::Error) -> String {
    format!("failed to read {}: {error}", found.path.display())
}
