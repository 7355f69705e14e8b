//! Which files are known already, so that nothing is read twice.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::store::{Commit, Entry, Store, StoreError, path_key};
use dropship_intake::Identity;

/// What was asked for during the first look of this run; after it, intake itself notices what goes.
#[derive(Default)]
pub(super) struct Known {
    asked: Mutex<HashMap<String, Asked>>,
}

enum Asked {
    Looking(HashSet<String>),
    Done,
}

/// The flag of a folder that was looked at once.
fn looked_flag(folder: &str) -> String {
    format!("looked/{folder}")
}

/// Was this very folder looked at once, by this daemon or one before?
pub(super) fn was_looked_at(store: &dyn Store, folder: &str) -> Result<bool, StoreError> {
    let flag = looked_flag(folder);
    // Names that begin like this one come along.
    Ok(store.flags(&flag)?.iter().any(|(key, _)| *key == flag))
}

/// An identity as the store keeps it.
pub(super) fn text(identity: &Identity) -> String {
    let Identity { dev, ino, size, mtime, ctime } = identity;
    format!("{dev}:{ino}:{size}:{}.{:09}:{}.{:09}", mtime.secs, mtime.nanos, ctime.secs, ctime.nanos)
}

/// An identity together with that of the sidecar that its package was rejected for.
pub(super) fn text_beside(identity: &Identity, sidecar: &Identity) -> String {
    format!("{}+{}", text(identity), text(sidecar))
}

/// A sidecar that is gone by now says nothing new.
fn is_same(seen: &str, identity: &Identity, sidecar: Option<&Identity>) -> bool {
    let (file, beside) = seen.split_once('+').map_or((seen, None), |(file, beside)| (file, Some(beside)));
    file == text(identity) && beside.zip(sidecar).is_none_or(|(then, now)| then == text(now))
}

impl Known {
    pub(super) fn is_known(
        &self,
        store: &dyn Store,
        folder: &str,
        path: &Path,
        identity: &Identity,
        sidecar: Option<&Identity>,
    ) -> bool {
        let path = path_key(path);
        let seen = store.seen(folder, &path);
        {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            let first = asked.entry(folder.to_owned()).or_insert_with(|| Asked::Looking(HashSet::new()));
            if let Asked::Looking(paths) = first {
                paths.insert(path);
            }
        }
        match seen {
            Ok(seen) => seen.is_some_and(|seen| is_same(&seen.identity, identity, sidecar)),
            Err(error) => {
                tracing::error!(folder, "the store cannot be asked for a file: {error}");
                true
            }
        }
    }

    pub(super) fn on_removed(&self, store: &dyn Store, folder: &str, path: &Path) {
        forget(store, vec![Entry::FileRemoved { folder: folder.to_owned(), path: path_key(path) }]);
    }

    /// After the first look: forgets what went while the daemon was down.
    pub(super) fn on_scan_complete(&self, store: &dyn Store, folder: &str) {
        let before =
            self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.to_owned(), Asked::Done);
        let paths = match before {
            Some(Asked::Done) => return,
            Some(Asked::Looking(paths)) => paths,
            None => HashSet::new(),
        };
        let gone = store.seen_in(folder).map(|seen| {
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
            Err(error) => tracing::error!(folder, "the store cannot be asked for a folder: {error}"),
        }
    }
}

/// Losing this to a power cut does no harm: the next look finds the same.
fn forget(store: &dyn Store, entries: Vec<Entry>) {
    match store.commit(Commit::lazily(entries)).wait() {
        Ok(_) => {}
        Err(StoreError::Stopped(_)) => {}
        Err(error) => tracing::error!("the store cannot be told that files are gone: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Memory;

    #[test]
    fn a_folder_that_was_looked_at_says_nothing_of_another_whose_name_it_begins_with() {
        let (store, known) = (Memory::new(), Known::default());
        known.on_scan_complete(&store, "audio-old");
        assert!(was_looked_at(&store, "audio-old").expect("asked"));
        assert!(!was_looked_at(&store, "audio").expect("asked"));
    }
}
