//! Whether known bytes were dropped again. A cancelled or rejected job starts again only then: the file had left the folder,
//! or was replaced by another file. A change of permissions, times, links or name, or a copy beside it, is not a new drop.

use std::path::{Path, PathBuf};

use super::captured_package::CapturedPackage;
use super::file_record::FileRecord;
use super::seen_files::was_scanned;
use super::state::Admission;
use dropship_intake::{folder_below, metadata_below};
use dropship_job::Event;
use dropship_store::{StoreError, path_key, path_of_key};

/// The event that starts a job again.
pub(super) fn event() -> Event {
    Event::Retried { by: "a new drop of the same bytes".to_owned(), new_product: false }
}

/// Whether the bytes of a package, which the store knows, were dropped again.
pub(super) fn is_dropped_again(
    admission: &Admission,
    package: &CapturedPackage<'_>,
) -> Result<bool, StoreError> {
    let Some(folder) = package.folder.as_deref() else { return Ok(true) };
    let store = &*admission.store;
    let known = Known::of(admission, folder, &package.sha256)?;
    let Some(found) = &package.found else {
        // Submitted into the folder.
        return Ok(!known.any_is_there());
    };
    let record = FileRecord::new(&found.identity, found.birth, None);
    if known.files.iter().any(|(_, known)| known.is_same_file(&record)) {
        return Ok(known.files.iter().any(|(_, known)| {
            known.is_same_file(&record) && known.has_other_sidecar(found.file.sidecar.as_ref())
        }));
    }
    if known.files.is_empty() {
        // The known files have left the folder, unless this store has never seen the folder: then it was lost, and its jobs
        // come from receipts.
        return Ok(!found.file.backlog || was_scanned(store, folder)?);
    }
    let path = path_key(&found.file.path);
    match known.files.iter().find(|(key, _)| *key == path) {
        // Another file has this path now. The one that had it was replaced, unless it only has another name.
        Some((_, replaced)) => Ok(!known.was_renamed(&found.file.path, replaced)),
        None => Ok(!known.any_is_there()),
    }
}

/// The known files of a folder with the same bytes.
struct Known {
    /// The path of the folder, if it is still configured. Others may write below it.
    root: Option<PathBuf>,
    /// Path keys and records.
    files: Vec<(String, FileRecord)>,
}

impl Known {
    fn of(admission: &Admission, folder: &str, sha256: &str) -> Result<Self, StoreError> {
        let store = &*admission.store;
        let mut files = Vec::new();
        for path in store.files_with_digest(folder, sha256)? {
            let file = store.known_file(folder, &path)?;
            files.extend(file.map(|file| (path, FileRecord::parse(&file.identity))));
        }
        Ok(Self { root: admission.active().folder(folder).map(|folder| folder.path.clone()), files })
    }

    /// Whether one of them is still in the folder, under its name or another one.
    fn any_is_there(&self) -> bool {
        let Some(root) = &self.root else { return false };
        self.files.iter().any(|(key, record)| {
            let path = path_of_key(key);
            let meta = metadata_below(root, &path);
            meta.is_ok_and(|meta| record.is_file(&meta)) || self.was_renamed(&path, record)
        })
    }

    /// Whether the file that had `path` has a name beside it now that is not known yet.
    fn was_renamed(&self, path: &Path, record: &FileRecord) -> bool {
        let at = self.root.as_deref().zip(path.parent());
        let Some(folder) = at.and_then(|(root, dir)| folder_below(root, dir).ok()) else { return false };
        let mut is_renamed = false;
        let listed = folder.list(|entry| {
            if !is_renamed && record.may_be(&entry) {
                let key = path_key(&path.with_file_name(entry.name));
                let is_known =
                    self.files.iter().any(|(known, file)| *known == key && file.is_same_file(record));
                is_renamed = !is_known && folder.metadata(entry.name).is_ok_and(|meta| record.is_file(&meta));
            }
            Ok(())
        });
        if let Err(error) = listed {
            tracing::debug!("cannot look for another name of {}: {error}", path.display());
        }
        is_renamed
    }
}
