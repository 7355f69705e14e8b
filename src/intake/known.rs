//! The files of a folder that the desk has taken and that still lay there at the last look.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Known files by their path below the folder; some hundred bytes each.
#[derive(Debug, Default)]
pub(super) struct Known {
    files: HashMap<Box<OsStr>, Seen>,
}

#[derive(Debug)]
struct Seen {
    dev: u64,
    look: u64,
}

/// Known files that were seen, put together so that many are recorded at once.
pub(super) struct Sightings<'a> {
    root: &'a Path,
    /// Their paths below the root, one after the other, and where each ends.
    paths: Vec<u8>,
    seen: Vec<(usize, u64)>,
}

impl<'a> Sightings<'a> {
    /// So many are worth being recorded.
    const MANY: usize = 256;

    pub(super) fn new(root: &'a Path) -> Self {
        Self { root, paths: Vec::new(), seen: Vec::new() }
    }

    /// True: there are many.
    pub(super) fn put(&mut self, path: &Path, dev: u64) -> bool {
        if let Some(below) = below(self.root, path) {
            self.paths.extend_from_slice(below.as_bytes());
            self.seen.push((self.paths.len(), dev));
        }
        self.seen.len() >= Self::MANY
    }
}

/// A path below a root; both are as we made them, so bytes will do.
fn below<'p>(root: &Path, path: &'p Path) -> Option<&'p OsStr> {
    let rest = path.as_os_str().as_bytes().strip_prefix(root.as_os_str().as_bytes())?;
    let rest = rest.strip_prefix(b"/").unwrap_or(rest);
    Some(OsStr::from_bytes(rest)).filter(|rest| !rest.is_empty())
}

impl Known {
    /// Known files were seen in the look of this number.
    pub(super) fn record(&mut self, sightings: &mut Sightings<'_>, look: u64) {
        let mut begin = 0;
        for (end, dev) in sightings.seen.drain(..) {
            self.note(OsStr::from_bytes(&sightings.paths[begin..end]), dev, look);
            begin = end;
        }
        sightings.paths.clear();
    }

    /// A known file was seen in the look of this number.
    pub(super) fn seen(&mut self, root: &Path, path: &Path, dev: u64, look: u64) {
        if let Some(below) = below(root, path) {
            self.note(below, dev, look);
        }
    }

    fn note(&mut self, below: &OsStr, dev: u64, look: u64) {
        match self.files.get_mut(below) {
            // A look at a subfolder may have begun before a full look that saw it too.
            Some(seen) => *seen = Seen { dev, look: look.max(seen.look) },
            None => {
                self.files.insert(below.into(), Seen { dev, look });
            }
        }
    }

    /// Is a file of this path known, in whatever state?
    pub(super) fn has(&self, root: &Path, path: &Path) -> bool {
        below(root, path).is_some_and(|below| self.files.contains_key(below))
    }

    /// Takes out, after a complete look, those that it did not see.
    ///
    /// Only on devices that it did see: what lies on a share that is not mounted now is not gone.
    pub(super) fn take_gone(&mut self, root: &Path, devs: &[u64], look: u64) -> Vec<PathBuf> {
        self.files
            .extract_if(|_, seen| seen.look < look && devs.contains(&seen.dev))
            .map(|(below, _)| root.join(below.as_ref() as &OsStr))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gone_is_what_a_complete_look_did_not_see() {
        let root = Path::new("/srv/drop");
        let mut known = Known::default();
        known.seen(root, &root.join("a.cab"), 1, 1);
        known.seen(root, &root.join("b.cab"), 1, 1);
        known.seen(root, &root.join("mount/c.cab"), 2, 1);
        known.seen(root, &root.join("b.cab"), 1, 2);
        known.seen(root, &root.join("b.cab"), 1, 1);
        assert_eq!(known.take_gone(root, &[1], 2), [root.join("a.cab")]);
        assert!(known.take_gone(root, &[1], 2).is_empty());
        assert_eq!(known.take_gone(root, &[1, 2], 2), [root.join("mount/c.cab")]);
    }
}
