//! Packages that are submitted directly instead of dropped.

use std::io::{self, Read};

use super::admit::decide;
use super::admit_error::AdmitError;
use super::captured_package::{CapturedPackage, remove, store_bytes};
use super::state::{Admission, new_id};
use crate::package_store::PackageStore;
use dropship_job::JobId;
use dropship_package::Previewed;
use dropship_rules::vars::Vars;

/// A package that is submitted directly.
pub struct SubmittedFile<'a> {
    /// Its file name.
    pub name: &'a str,
    /// The folder whose settings apply.
    pub folder: Option<&'a str>,
    /// The rule to use instead of the first one that matches.
    pub rule: Option<&'a str>,
}

impl Admission {
    /// Admits a submitted package.
    ///
    /// # Errors
    /// When no job was created. The error says why, for the submitter.
    pub fn submit(&self, file: &SubmittedFile<'_>, bytes: &mut dyn Read) -> Result<JobId, String> {
        let remaining = self.active().config.store.max_package;
        let bytes = &mut SpaceLimited { bytes, remaining, packages: &self.packages };
        if !self.packages.has_free_space() {
            return Err(format!("cannot store the package: {FULL}"));
        }
        let copy = self.packages.incoming(new_id().as_str());
        let stored = store_bytes(bytes, &copy).map_err(|error| format!("cannot store the package: {error}"));
        let result = stored.and_then(|(sha256, size)| {
            let package = CapturedPackage {
                copy: &copy,
                sha256,
                size,
                previewed: Previewed::default(),
                name: file.name.to_owned(),
                folder: file.folder.map(str::to_owned),
                path: None,
                captured_file: None,
                rule: file.rule,
                sidecar_checksum: Ok(()),
                oversize: None,
                vars: Ok(Vars::new()),
                is_settled: true,
                is_stale: true,
                is_backlog: false,
            };
            decide(self, &package).map_err(|error| match error {
                AdmitError::NotYet(why) | AdmitError::Unreadable(why) | AdmitError::Busy(why) => why,
                AdmitError::Store(error) => error.to_string(),
            })
        });
        remove(&copy);
        result
    }
}

const FULL: &str = "the disk of the store is nearly full; free space, then submit the package again";

/// Fails once the disk of the store has no more space than the configured minimum, or the package is too large.
struct SpaceLimited<'a> {
    bytes: &'a mut dyn Read,
    /// Number of bytes that the package may still have.
    remaining: u64,
    packages: &'a PackageStore,
}

impl Read for SpaceLimited<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.packages.has_free_space() {
            return Err(io::Error::new(io::ErrorKind::StorageFull, FULL));
        }
        let read = self.bytes.read(buffer)?;
        self.remaining = self.remaining.checked_sub(read as u64).ok_or_else(|| {
            io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than `[store] max_package`")
        })?;
        Ok(read)
    }
}
