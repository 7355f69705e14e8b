//! Files that a folder's `exclude` leaves out, for example copies that synchronisation tools create.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::{FileTime, FolderHealth};

/// Maximum number of remembered paths. A scan counts further files without remembering them.
const MAX_PATHS: usize = 4096;

/// The ignored files of a folder, by path, so that an event for a file that a scan has counted does not count it again.
///
/// A file is ignored if `include` matches its name and `exclude` does too. Temporary names, markers, sidecars and names
/// that `include` does not match are not counted: they were never meant to be packages, or are not yet.
#[derive(Debug, Default)]
pub(crate) struct IgnoredFiles {
    paths: HashMap<PathBuf, FileTime>,
    not_remembered: usize,
}

impl IgnoredFiles {
    /// Records the file at `path`, which changed last at `changed`.
    pub(crate) fn insert(&mut self, path: &Path, changed: FileTime) {
        if let Some(known) = self.paths.get_mut(path) {
            *known = changed;
        } else if self.paths.len() < MAX_PATHS {
            self.paths.insert(path.to_owned(), changed);
        } else {
            self.not_remembered += 1;
        }
    }

    /// Adds the ignored files of a subfolder.
    pub(crate) fn merge(&mut self, other: Self) {
        other.paths.into_iter().for_each(|(path, changed)| self.insert(&path, changed));
        self.not_remembered += other.not_remembered;
    }

    pub(crate) fn remove(&mut self, path: &Path) {
        self.paths.remove(path);
    }

    pub(crate) fn len(&self) -> usize {
        self.paths.len() + self.not_remembered
    }

    /// The paths that changed last, newest first.
    pub(crate) fn newest(&self) -> Vec<PathBuf> {
        let mut paths: Vec<_> = self.paths.iter().collect();
        paths.sort_by(|one, other| other.1.cmp(one.1).then(one.0.cmp(other.0)));
        paths.truncate(FolderHealth::MAX_IGNORED_NAMES);
        paths.into_iter().map(|(path, _)| path.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> FileTime {
        FileTime { secs, nanos: 0 }
    }

    #[test]
    fn file_reported_twice_is_counted_once() {
        let mut ignored = IgnoredFiles::default();
        ignored.insert(Path::new("/d/a"), at(1));
        ignored.insert(Path::new("/d/a"), at(2));
        assert_eq!(ignored.len(), 1);
        ignored.remove(Path::new("/d/a"));
        assert_eq!(ignored.len(), 0);
    }

    #[test]
    fn newest_names_the_last_changed_files_and_is_bounded() {
        let mut ignored = IgnoredFiles::default();
        (0..20).for_each(|number| ignored.insert(Path::new(&format!("/d/{number}")), at(number)));
        let newest: Vec<PathBuf> = (15..20).rev().map(|number| format!("/d/{number}").into()).collect();
        assert_eq!((ignored.len(), ignored.newest()), (20, newest));
    }

    #[test]
    fn memory_stays_bounded_while_all_files_are_counted() {
        let mut ignored = IgnoredFiles::default();
        (0..=MAX_PATHS).for_each(|number| ignored.insert(Path::new(&format!("/d/{number}")), at(0)));
        assert_eq!((ignored.len(), ignored.paths.len()), (MAX_PATHS + 1, MAX_PATHS));
    }
}
