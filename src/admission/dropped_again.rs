//! Whether known bytes were dropped again. A cancelled or rejected job starts again only then: the file had left the folder,
//! or was replaced by another file. A change of permissions, times, links or name, or a copy beside it, is not a new drop.

use std::path::Path;

use super::captured_package::CapturedPackage;
use super::file_record::FileRecord;
use super::seen_files::was_scanned;
use dropship_store::{Store, StoreError, path_key, path_of_key};

/// Whether the bytes of a package, which the store knows, were dropped again.
pub(super) fn is_dropped_again(store: &dyn Store, package: &CapturedPackage<'_>) -> Result<bool, StoreError> {
    let Some(folder) = package.folder.as_deref() else { return Ok(true) };
    let known = Known::of(store, folder, &package.sha256)?;
    let Some(found) = &package.found else {
        // Submitted into the folder.
        return Ok(!known.any_is_there());
    };
    let record = FileRecord::new(&found.identity, found.birth, None);
    if known.0.iter().any(|(_, known)| known.is_same_file(&record)) {
        return Ok(known.0.iter().any(|(_, known)| {
            known.is_same_file(&record) && known.has_other_sidecar(found.file.sidecar.as_ref())
        }));
    }
    if known.0.is_empty() {
        // The known files have left the folder, unless this store has never seen the folder: then it was lost, and its jobs
        // come from receipts.
        return Ok(!found.file.backlog || was_scanned(store, folder)?);
    }
    let path = path_key(&found.file.path);
    match known.0.iter().find(|(key, _)| *key == path) {
        // Another file has this path now. The one that had it was replaced, unless it only has another name.
        Some((_, replaced)) => Ok(!known.was_renamed(&found.file.path, replaced)),
        None => Ok(!known.any_is_there()),
    }
}

/// The known files of a folder with the same bytes: their path keys and records.
struct Known(Vec<(String, FileRecord)>);

impl Known {
    fn of(store: &dyn Store, folder: &str, sha256: &str) -> Result<Self, StoreError> {
        let mut known = Vec::new();
        for path in store.files_with_digest(folder, sha256)? {
            let file = store.known_file(folder, &path)?;
            known.extend(file.map(|file| (path, FileRecord::parse(&file.identity))));
        }
        Ok(Self(known))
    }

    /// Whether one of them is still in the folder, under its name or another one.
    fn any_is_there(&self) -> bool {
        self.0.iter().any(|(key, record)| {
            let path = path_of_key(key);
            let meta = std::fs::symlink_metadata(&path);
            meta.is_ok_and(|meta| record.is_file(&meta)) || self.was_renamed(&path, record)
        })
    }

    /// Whether the file that had `path` has a name beside it now that is not known yet.
    fn was_renamed(&self, path: &Path, record: &FileRecord) -> bool {
        let Some(entries) = path.parent().and_then(|dir| std::fs::read_dir(dir).ok()) else { return false };
        entries.flatten().filter(|entry| record.may_be(entry)).any(|entry| {
            let at = entry.path();
            let is_known =
                self.0.iter().any(|(key, known)| *key == path_key(&at) && known.is_same_file(record));
            !is_known && entry.metadata().is_ok_and(|meta| record.is_file(&meta))
        })
    }
}
