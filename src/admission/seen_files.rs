//! Files that were admitted before, so that no file is read twice.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use parking_lot::Mutex;

use dropship_intake::Identity;
use dropship_store::{Commit, Entry, Store, StoreError, path_key};

/// The paths that intake asked for during the first scan of this run. After it, intake notices removed files itself.
#[derive(Default)]
pub(super) struct SeenFiles {
    asked: Mutex<HashMap<String, Asked>>,
}

enum Asked {
    Scanning(HashSet<String>),
    Done,
}

/// The flag of a folder that was scanned.
fn looked_flag(folder: &str) -> String {
    format!("looked/{folder}")
}

/// Whether a full scan of this folder was completed, by this daemon or an earlier one.
pub(super) fn was_looked_at(store: &dyn Store, folder: &str) -> Result<bool, StoreError> {
    let flag = looked_flag(folder);
    // `settings` also returns folders whose names start with this one.
    Ok(store.settings(&flag)?.iter().any(|(key, _)| *key == flag))
}

/// The stored form of a file identity.
pub(super) fn text(identity: &Identity) -> String {
    let Identity { dev, ino, size, mtime, ctime } = identity;
    format!("{dev}:{ino}:{size}:{}.{:09}:{}.{:09}", mtime.secs, mtime.nanos, ctime.secs, ctime.nanos)
}

/// The stored form of a rejected file and its sidecar.
pub(super) fn text_beside(identity: &Identity, sidecar: &Identity) -> String {
    format!("{}+{}", text(identity), text(sidecar))
}

/// Whether file and sidecar are unchanged. A missing sidecar is no change.
fn is_same(seen: &str, identity: &Identity, sidecar: Option<&Identity>) -> bool {
    let (file, beside) = seen.split_once('+').map_or((seen, None), |(file, beside)| (file, Some(beside)));
    file == text(identity) && beside.zip(sidecar).is_none_or(|(then, now)| then == text(now))
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
        let seen = store.known_file(folder, &path);
        {
            let mut asked = self.asked.lock();
            let first = asked.entry(folder.to_owned()).or_insert_with(|| Asked::Scanning(HashSet::new()));
            if let Asked::Scanning(paths) = first {
                paths.insert(path);
            }
        }
        match seen {
            Ok(seen) => seen.is_some_and(|seen| is_same(&seen.identity, identity, sidecar)),
            Err(error) => {
                tracing::error!(folder, "cannot look up a file in the store: {error}");
                true
            }
        }
    }

    pub(super) fn on_removed(&self, store: &dyn Store, folder: &str, path: &Path) {
        forget(store, vec![Entry::FileRemoved { folder: folder.to_owned(), path: path_key(path) }]);
    }

    /// Forgets the files that were removed while the daemon was down; call it after each scan.
    pub(super) fn on_scan_complete(&self, store: &dyn Store, folder: &str) {
        let before = self.asked.lock().insert(folder.to_owned(), Asked::Done);
        let paths = match before {
            Some(Asked::Done) => return,
            Some(Asked::Scanning(paths)) => paths,
            None => HashSet::new(),
        };
        let gone = store.known_files(folder).map(|seen| {
            let gone = seen.into_iter().filter(|path| !paths.contains(path));
            gone.map(|path| Entry::FileRemoved { folder: folder.to_owned(), path }).collect::<Vec<_>>()
        });
        let looked = Entry::Setting { key: looked_flag(folder), value: Some("yes".to_owned()) };
        match gone {
            Ok(entries) if entries.is_empty() && was_looked_at(store, folder).unwrap_or(false) => {}
            Ok(mut entries) => {
                entries.push(looked);
                forget(store, entries);
            }
            Err(error) => tracing::error!(folder, "cannot list the files of a folder in the store: {error}"),
        }
    }
}

/// Unsynced: after a power cut the next scan finds the same.
fn forget(store: &dyn Store, entries: Vec<Entry>) {
    match store.commit(Commit::unsynced(entries)).wait() {
        Ok(_) => {}
        Err(StoreError::Stopped(_)) => {}
        Err(error) => tracing::error!("cannot record in the store that files are gone: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dropship_store::MemoryStore;

    #[test]
    fn scanned_folder_does_not_count_for_a_folder_with_a_shorter_name() {
        let (store, seen_files) = (MemoryStore::new(), SeenFiles::default());
        seen_files.on_scan_complete(&store, "audio-old");
        assert!(was_looked_at(&store, "audio-old").expect("asked"));
        assert!(!was_looked_at(&store, "audio").expect("asked"));
    }
}
