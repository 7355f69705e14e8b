//! The files of a folder that the desk has taken and that still lay there at the last look.

use std::collections::HashMap;
use std::ffi::OsStr;
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

impl Known {
    /// A known file was seen in the look of this number.
    pub(super) fn seen(&mut self, root: &Path, path: &Path, dev: u64, look: u64) {
        let Ok(below) = path.strip_prefix(root) else {
            return;
        };
        match self.files.get_mut(below.as_os_str()) {
            // A look at a subfolder may have begun before a full look that saw it too.
            Some(seen) => *seen = Seen { dev, look: look.max(seen.look) },
            None => {
                self.files.insert(below.as_os_str().into(), Seen { dev, look });
            }
        }
    }

    /// Is a file of this path known, in whatever state?
    pub(super) fn has(&self, root: &Path, path: &Path) -> bool {
        path.strip_prefix(root).is_ok_and(|below| self.files.contains_key(below.as_os_str()))
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
