//! Whether known bytes were dropped again. A cancelled or rejected job starts again only if its file had left the folder or was
//! replaced by another file. A change of permissions, times, links or name is not a new drop, and neither is a copy beside the
//! file.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::Path;

use super::captured_package::CapturedPackage;
use super::file_record::FileRecord;
use super::seen_files::was_scanned;
use super::state::Admission;
use dropship_config::model::Folder;
use dropship_intake::{folder_below, is_absent, metadata_below};
use dropship_job::Event;
use dropship_store::{Entry, StoreError, path_key, path_of_key};

/// The event that starts a job again.
pub(super) fn restart_event() -> Event {
    Event::Retried { by: "a new drop of the same bytes".to_owned(), new_product: false }
}

/// Whether the bytes of a package, which the store knows, were dropped again.
pub(super) fn is_dropped_again(
    admission: &Admission,
    package: &CapturedPackage<'_>,
) -> Result<bool, StoreError> {
    let Some(folder) = package.folder.as_deref() else { return Ok(true) };
    let store = &*admission.store;
    let copies = KnownCopies::of(admission, folder, &package.sha256)?;
    let Some(captured_file) = &package.captured_file else {
        // The package was submitted for the folder, and has no file in it.
        return Ok(!copies.any_exists());
    };
    let record = FileRecord::new(&captured_file.identity, captured_file.birth, None);
    if copies.files.iter().any(|(_, file)| file.is_same_file(&record)) {
        return Ok(copies.files.iter().any(|(_, file)| {
            file.is_same_file(&record) && file.has_other_sidecar(captured_file.file.sidecar.as_ref())
        }));
    }
    if copies.files.is_empty() {
        // The known files have left the folder, unless this store has never scanned the folder: then it is new, in place of a lost
        // store, and its jobs come from receipts.
        return Ok(!captured_file.file.backlog || was_scanned(store, folder)?);
    }
    let path = path_key(&captured_file.file.path);
    match copies.files.iter().find(|(key, _)| *key == path) {
        // Another file has this path now. The known file was replaced, unless it still exists under another name.
        Some((_, replaced)) => Ok(!copies.has_new_name([replaced])),
        None => Ok(!copies.any_exists()),
    }
}

/// The entries that forget the former names of a renamed file. Otherwise a copy under a former name would count as another file
/// that has replaced this one.
pub(super) fn forget_former_names(
    admission: &Admission,
    package: &CapturedPackage<'_>,
) -> Result<Vec<Entry>, StoreError> {
    let (Some(folder), Some(captured_file)) = (package.folder.as_deref(), &package.captured_file) else {
        return Ok(Vec::new());
    };
    let copies = KnownCopies::of(admission, folder, &package.sha256)?;
    let Some(root) = copies.folder.as_ref().map(|folder| folder.path.as_path()) else {
        return Ok(Vec::new());
    };
    let record = FileRecord::new(&captured_file.identity, captured_file.birth, None);
    let is_former = |key: &str, file: &FileRecord| {
        let path = path_of_key(key);
        path != captured_file.file.path
            && file.is_same_file(&record)
            && match metadata_below(root, &path) {
                Ok(meta) => !record.is_file(&meta),
                Err(error) => is_absent(&error),
            }
    };
    let former = copies.files.iter().filter(|(key, file)| is_former(key, file));
    Ok(former.map(|(key, _)| Entry::FileRemoved { folder: folder.to_owned(), path: key.clone() }).collect())
}

/// The known files of a folder with the same bytes.
struct KnownCopies {
    /// The folder, if it is still configured. Others may write below it.
    folder: Option<Folder>,
    /// Path keys and records.
    files: Vec<(String, FileRecord)>,
}

impl KnownCopies {
    fn of(admission: &Admission, folder: &str, sha256: &str) -> Result<Self, StoreError> {
        let store = &*admission.store;
        let mut files = Vec::new();
        for path in store.files_with_digest(folder, sha256)? {
            let file = store.known_file(folder, &path)?;
            files.extend(file.map(|file| (path, FileRecord::parse(&file.identity))));
        }
        Ok(Self { folder: admission.active().folder(folder).cloned(), files })
    }

    /// Whether one of them is still in the folder, under its name or another one.
    fn any_exists(&self) -> bool {
        let Some(folder) = &self.folder else { return false };
        let has_its_name = |(key, record): &(String, FileRecord)| {
            metadata_below(&folder.path, &path_of_key(key)).is_ok_and(|meta| record.is_file(&meta))
        };
        self.files.iter().any(has_its_name) || self.has_new_name(self.files.iter().map(|(_, record)| record))
    }

    /// Whether one of these files has a name in the folder under which it is not known yet. Reads the folder once.
    fn has_new_name<'a>(&self, files: impl IntoIterator<Item = &'a FileRecord>) -> bool {
        let Some(folder) = &self.folder else { return false };
        let mut files_by_inode: HashMap<u64, Vec<&FileRecord>> = HashMap::new();
        for file in files {
            files_by_inode.entry(file.inode().unwrap_or_default()).or_default().push(file);
        }
        let mut unvisited = vec![(folder.path.clone(), 0)];
        while let Some((path, level)) = unvisited.pop() {
            match self.find_new_name(&folder.path, &path, &files_by_inode) {
                Ok(FolderListing { has_new_name: true, .. }) => return true,
                Ok(listing) if level < folder.levels() => {
                    unvisited.extend(listing.subfolders.into_iter().map(|name| (path.join(name), level + 1)));
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::debug!("cannot look for another name of a file in {}: {error}", path.display());
                }
            }
        }
        false
    }

    /// Searches one folder. `wanted` has the files by their inode numbers, which a folder lists with the names.
    fn find_new_name(
        &self,
        root: &Path,
        path: &Path,
        files_by_inode: &HashMap<u64, Vec<&FileRecord>>,
    ) -> io::Result<FolderListing> {
        let folder = folder_below(root, path)?;
        let mut listing = FolderListing::default();
        let _rest_is_not_searched = folder.list(|entry| {
            if entry.kind.may_be_folder() {
                listing.subfolders.push(entry.name.to_owned());
            }
            let Some(files) = files_by_inode.get(&entry.ino).filter(|_| entry.kind.may_be_file()) else {
                return Ok(());
            };
            let key = path_key(&path.join(entry.name));
            let is_known = |record: &FileRecord| {
                self.files.iter().any(|(known, file)| *known == key && file.is_same_file(record))
            };
            listing.has_new_name |= folder
                .metadata(entry.name)
                .is_ok_and(|meta| files.iter().any(|record| record.is_file(&meta) && !is_known(record)));
            Ok(())
        })?;
        Ok(listing)
    }
}

/// The contents of one folder.
#[derive(Default)]
struct FolderListing {
    has_new_name: bool,
    subfolders: Vec<OsString>,
}
