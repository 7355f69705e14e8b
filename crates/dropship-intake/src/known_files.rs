//! The files of a folder that the receiver has admitted and that the last scan saw.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Known files by their path below the folder; some hundred bytes each.
#[derive(Debug, Default)]
pub(crate) struct KnownFiles {
    files: HashMap<Box<OsStr>, LastSeen>,
}

#[derive(Debug)]
struct LastSeen {
    dev: u64,
    scan: u64,
}

/// The part of `path` below `root`. Both come from this crate, so comparing bytes is enough.
fn below<'p>(root: &Path, path: &'p Path) -> Option<&'p OsStr> {
    let rest = path.as_os_str().as_bytes().strip_prefix(root.as_os_str().as_bytes())?;
    let rest = rest.strip_prefix(b"/").unwrap_or(rest);
    Some(OsStr::from_bytes(rest)).filter(|rest| !rest.is_empty())
}

impl KnownFiles {
    /// Records that scan number `scan` saw a known file.
    pub(crate) fn record_seen(&mut self, root: &Path, path: &Path, dev: u64, scan: u64) {
        let Some(below) = below(root, path) else {
            return;
        };
        match self.files.get_mut(below) {
            // The scan of a subfolder may have started before a full scan that saw the file too.
            Some(last) => *last = LastSeen { dev, scan: scan.max(last.scan) },
            None => {
                self.files.insert(below.into(), LastSeen { dev, scan });
            }
        }
    }

    /// Whether a file at this path is known, in any state.
    pub(crate) fn has(&self, root: &Path, path: &Path) -> bool {
        below(root, path).is_some_and(|below| self.files.contains_key(below))
    }

    /// Removes and returns the files that a complete scan did not see.
    ///
    /// Only files on devices that the scan saw: files on a share that is not mounted now still exist.
    pub(crate) fn take_removed(&mut self, root: &Path, devs: &[u64], scan: u64) -> Vec<PathBuf> {
        self.files
            .extract_if(|_, last| last.scan < scan && devs.contains(&last.dev))
            .map(|(below, _)| root.join(below.as_ref() as &OsStr))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_that_a_complete_scan_did_not_see_is_removed_unless_its_device_is_missing() {
        let root = Path::new("/srv/drop");
        let mut known = KnownFiles::default();
        known.record_seen(root, &root.join("a.cab"), 1, 1);
        known.record_seen(root, &root.join("b.cab"), 1, 1);
        known.record_seen(root, &root.join("mount/c.cab"), 2, 1);
        known.record_seen(root, &root.join("b.cab"), 1, 2);
        known.record_seen(root, &root.join("b.cab"), 1, 1);
        assert_eq!(known.take_removed(root, &[1], 2), [root.join("a.cab")]);
        assert!(known.take_removed(root, &[1], 2).is_empty());
        assert_eq!(known.take_removed(root, &[1, 2], 2), [root.join("mount/c.cab")]);
    }
}
