//! Files that were admitted before, so that no file is read twice.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use parking_lot::Mutex;

use super::file_record::FileRecord;
use dropship_intake::Identity;
use dropship_store::{Commit, Entry, Store, StoreError, path_key};

/// The files of each folder that intake asked for.
#[derive(Default)]
pub(super) struct SeenFiles {
    /// `None`: the first scan is done, and there is nothing else to remember. Most folders are idle most of the time.
    folders: Mutex<HashMap<String, Option<Box<FolderFiles>>>>,
}

#[derive(Default)]
struct FolderFiles {
    first_scan: FirstScan,
    /// Inode numbers of files that were not known when the scan under way saw them.
    unknown: HashSet<u64>,
    /// Path keys and records of known files that seem to have a new name.
    renamed: BTreeMap<String, String>,
}

/// The first scan of a folder in this run. After it, intake notices removed files itself.
enum FirstScan {
    /// The path keys that it has asked for.
    Running(HashSet<String>),
    Done,
}

impl FolderFiles {
    fn scanned() -> Self {
        Self { first_scan: FirstScan::Done, ..Self::default() }
    }

    fn is_idle(&self) -> bool {
        matches!(self.first_scan, FirstScan::Done) && self.unknown.is_empty() && self.renamed.is_empty()
    }
}

/// The files of a folder, to be changed. A folder without an entry has not been scanned yet.
fn files_of<'a>(
    folders: &'a mut HashMap<String, Option<Box<FolderFiles>>>,
    folder: &str,
) -> &'a mut FolderFiles {
    folders
        .entry(folder.to_owned())
        .or_insert_with(|| Some(Box::default()))
        .get_or_insert_with(|| Box::new(FolderFiles::scanned()))
}

impl Default for FirstScan {
    fn default() -> Self {
        Self::Running(HashSet::new())
    }
}

/// The flag of a folder that was scanned.
fn scanned_flag(folder: &str) -> String {
    format!("looked/{folder}")
}

/// Whether a full scan of this folder was completed, by this daemon or an earlier one.
pub(super) fn was_scanned(store: &dyn Store, folder: &str) -> Result<bool, StoreError> {
    let flag = scanned_flag(folder);
    // `settings` also returns folders whose names start with this one.
    Ok(store.settings(&flag)?.iter().any(|(key, _)| *key == flag))
}

impl SeenFiles {
    pub(super) fn is_known(
        &self,
        store: &dyn Store,
        folder: &str,
        path: &Path,
        identity: &Identity,
        sidecar: Option<&Identity>,
    ) -> bool {
        let path = path_key(path);
        let is_known = match store.known_file(folder, &path) {
            Ok(file) => {
                file.is_some_and(|file| FileRecord::parse(&file.identity).is_unchanged(identity, sidecar))
            }
            Err(error) => {
                tracing::error!(folder, "cannot look up a file in the store: {error}");
                true
            }
        };
        let mut folders = self.folders.lock();
        let files = files_of(&mut folders, folder);
        if is_known {
            files.unknown.remove(&identity.ino);
        } else {
            files.unknown.insert(identity.ino);
        }
        if let FirstScan::Running(paths) = &mut files.first_scan {
            paths.insert(path);
        }
        is_known
    }

    /// A complete scan did not see a known file.
    pub(super) fn on_removed(&self, store: &dyn Store, folder: &str, path: &Path) {
        if let Err(error) = self.forget_unless_renamed(store, folder, vec![path_key(path)], Vec::new()) {
            report(folder, &error);
        }
    }

    /// Forgets the files that were removed while the daemon was down; call it after each scan.
    pub(super) fn on_scan_complete(&self, store: &dyn Store, folder: &str) {
        if let Err(error) = self.forget_removed(store, folder) {
            report(folder, &error);
        }
    }

    fn forget_removed(&self, store: &dyn Store, folder: &str) -> Result<(), StoreError> {
        let (first_scan, renamed) = {
            let mut folders = self.folders.lock();
            let files = files_of(&mut folders, folder);
            let first_scan = std::mem::replace(&mut files.first_scan, FirstScan::Done);
            (first_scan, std::mem::take(&mut files.renamed))
        };
        let mut removed = Vec::new();
        for (path, identity) in renamed {
            let known = store.known_file(folder, &path)?;
            removed.extend(known.filter(|known| known.identity == identity).map(|_| path));
        }
        let mut scanned = Vec::new();
        if let FirstScan::Running(paths) = first_scan {
            removed.extend(store.known_files(folder)?.into_iter().filter(|path| !paths.contains(path)));
            if !was_scanned(store, folder)? {
                scanned.push(Entry::Setting { key: scanned_flag(folder), value: Some("yes".to_owned()) });
            }
        }
        let result = self.forget_unless_renamed(store, folder, removed, scanned);
        let mut folders = self.folders.lock();
        files_of(&mut folders, folder).unknown.clear();
        if let Some(files) = folders.get_mut(folder) {
            files.take_if(|files| files.is_idle());
        }
        result
    }

    /// Forgets files that have left their folder. A file that only has another name now, under which it is not known yet, is
    /// kept until the next scan: without it the bytes would be new.
    fn forget_unless_renamed(
        &self,
        store: &dyn Store,
        folder: &str,
        paths: Vec<String>,
        mut entries: Vec<Entry>,
    ) -> Result<(), StoreError> {
        for path in paths {
            let known = store.known_file(folder, &path)?;
            let mut folders = self.folders.lock();
            let files = files_of(&mut folders, folder);
            let renamed = known.filter(|known| {
                FileRecord::parse(&known.identity).inode().is_some_and(|inode| files.unknown.contains(&inode))
            });
            match renamed {
                Some(known) => drop(files.renamed.insert(path, known.identity)),
                None => entries.push(Entry::FileRemoved { folder: folder.to_owned(), path }),
            }
        }
        if entries.is_empty() {
            return Ok(());
        }
        // Unsynced: after a power cut the next scan finds the same.
        match store.commit(Commit::unsynced(entries)).wait() {
            Ok(_) | Err(StoreError::Stopped(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn report(folder: &str, error: &StoreError) {
    tracing::error!(folder, "cannot record in the store that files of folder `{folder}` are gone: {error}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use dropship_store::MemoryStore;

    #[test]
    fn scanned_folder_does_not_count_for_a_folder_with_a_shorter_name() {
        let (store, seen_files) = (MemoryStore::new(), SeenFiles::default());
        seen_files.on_scan_complete(&store, "audio-old");
        assert!(was_scanned(&store, "audio-old").expect("asked"));
        assert!(!was_scanned(&store, "audio").expect("asked"));
    }

    #[test]
    fn renamed_file_is_not_forgotten_before_its_new_name_is_known() {
        let (store, seen_files) = (MemoryStore::new(), SeenFiles::default());
        let time = dropship_intake::FileTime { secs: 1, nanos: 0 };
        let identity = Identity { dev: 1, ino: 7, size: 1, mtime: time, ctime: time };
        let known = |path: &str| {
            let identity = FileRecord::new(&identity, None, None).stored();
            let (sha256, job) = ("aa".to_owned(), dropship_job::JobId::new(1, 1));
            let entry = Entry::KnownFile { folder: "in".into(), path: path.into(), identity, sha256, job };
            store.commit(Commit::new(vec![entry])).wait().expect("committed");
        };
        let scan = |paths: &[&str]| {
            for path in paths {
                seen_files.is_known(&store, "in", Path::new(path), &identity, None);
            }
        };
        known("/in/a.cab");
        scan(&["/in/a.cab"]);
        seen_files.on_scan_complete(&store, "in");
        // It waits under its new name, for example until it has settled.
        for _ in 0..2 {
            scan(&["/in/b.cab"]);
            seen_files.on_removed(&store, "in", Path::new("/in/a.cab"));
            seen_files.on_scan_complete(&store, "in");
            assert_eq!(store.known_files("in").expect("read"), ["/in/a.cab"]);
        }
        known("/in/b.cab");
        scan(&["/in/b.cab"]);
        seen_files.on_scan_complete(&store, "in");
        assert_eq!(store.known_files("in").expect("read"), ["/in/b.cab"]);
    }
}
