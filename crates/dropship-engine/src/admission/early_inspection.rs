//! The part of an inspection that is done while a large file is captured, so that its copy is not read again.
//!
//! The digest of the bytes is not known yet. So that bytes which end the daemon are found out, the inspection is counted under a
//! name of the file; after a crash the file is captured without a preview, and the count continues under its digest.

use std::fs::File;

use super::file_record::FileRecord;
use super::inspections::RunningInspection;
use super::state::Admission;
use crate::digest;
use dropship_intake::{CaptureWatcher, FoundFile};
use dropship_package::{Kind, Preview, Previewed};
use dropship_store::{Commit, Entry, StoreError, path_key};

/// Length in bytes up to which a copy is simply read again: it is in the memory of the machine.
const SMALL: u64 = 1 << 20;

/// The preview of a file that is captured.
pub(super) struct EarlyInspection<'a> {
    admission: &'a Admission,
    kind: Option<Kind>,
    /// The name under which it is counted.
    name: String,
    /// Number of earlier previews of the file that ended the daemon.
    crashes: u64,
    running: Option<RunningInspection<'a>>,
    preview: Option<Preview>,
}

impl<'a> EarlyInspection<'a> {
    /// The preview of a found file, which has not started.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub(super) fn of(admission: &'a Admission, found: &FoundFile, name: &str) -> Result<Self, StoreError> {
        let kind = Kind::of_name(name).filter(|_| found.identity.size > SMALL);
        let mut early = Self {
            admission,
            kind,
            name: digest::of(
                format!(
                    "preview\0{}\0{}\0{}",
                    found.folder,
                    path_key(&found.path),
                    FileRecord::new(&found.identity, None, None).stored()
                )
                .as_bytes(),
            ),
            crashes: 0,
            running: None,
            preview: None,
        };
        if early.kind.is_some() {
            let store = &*admission.store;
            early.crashes = store.crashed_inspections(&early.name)?;
            if early.crashes == 0 {
                let size = found.identity.size;
                early.running = Some(admission.inspections.begin(store, &early.name, size)?);
            }
        }
        Ok(early)
    }

    /// Ends it. `sha256` is the digest of the copy, if there is one.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub(super) fn finish(self, sha256: Option<&[u8; 32]>) -> Result<Previewed, StoreError> {
        let Self { admission, name, crashes, running, preview, .. } = self;
        let previewed = preview.map(Preview::finish).filter(|_| sha256.is_some()).unwrap_or_default();
        if let Some(running) = running {
            running.end()?;
        }
        if let Some(sha256) = sha256.map(|sha256| digest::hex(sha256)).filter(|_| crashes > 0) {
            let count = admission.store.crashed_inspections(&sha256)?.saturating_add(crashes);
            let entries =
                vec![Entry::InspectionEnded { sha256: name }, Entry::CrashedInspections { sha256, count }];
            admission.store.commit(Commit::unsynced(entries)).wait()?;
        }
        Ok(previewed)
    }
}

impl CaptureWatcher for EarlyInspection<'_> {
    fn begin(&mut self, file: &File, size: u64) {
        let Some(kind) = self.kind.filter(|_| self.running.is_some()) else { return };
        match Preview::begin(file, size, kind, &self.admission.cancellation) {
            Ok(preview) => self.preview = Some(preview),
            Err(error) => tracing::debug!("the file is inspected after its capture: {error}"),
        }
    }

    fn copied(&mut self, bytes: &[u8]) {
        if let Some(preview) = &mut self.preview {
            preview.update(bytes);
        }
    }
}
