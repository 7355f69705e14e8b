//! Which names may be packages.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Ends of names that copy tools, browsers and editors give to what is not finished.
const UNFINISHED: [&str; 17] = [
    ".part",
    ".partial",
    ".tmp",
    ".temp",
    ".crdownload",
    ".download",
    ".opdownload",
    ".filepart",
    ".aria2",
    ".upload",
    ".uploading",
    ".writing",
    ".swp",
    ".swx",
    ".bak",
    ".lock",
    "~",
];

/// Is this the name of something that is being made, or of a tool's own litter?
///
/// Such files are never looked at, whatever the globs of a folder say.
#[must_use]
pub fn is_temporary(name: &OsStr) -> bool {
    let name = name.as_bytes();
    let ends = |end: &str| {
        name.len() >= end.len() && name[name.len() - end.len()..].eq_ignore_ascii_case(end.as_bytes())
    };
    name.starts_with(b".")
        || name.starts_with(b"~")
        || name.starts_with(b"#")
        || name.eq_ignore_ascii_case(b"thumbs.db")
        || name.eq_ignore_ascii_case(b"desktop.ini")
        || UNFINISHED.iter().any(|end| ends(end))
}

/// The names that a folder takes; clones share what was compiled, which is large beside all else of a folder.
#[derive(Debug, Clone)]
pub struct Names(Arc<Sets>);

#[derive(Debug)]
struct Sets {
    include: GlobSet,
    exclude: GlobSet,
}

impl Names {
    /// Compiles the globs; case-blind, matched against the last part of a path.
    ///
    /// # Errors
    /// A glob that does not compile.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self, globset::Error> {
        Ok(Self(Arc::new(Sets { include: set(include)?, exclude: set(exclude)? })))
    }

    /// May a file of this name be a package? Any bytes will do for a name.
    #[must_use]
    pub fn take(&self, name: &OsStr) -> bool {
        let path = Path::new(name);
        !is_temporary(name) && self.0.include.is_match(path) && !self.0.exclude.is_match(path)
    }
}

fn set(globs: &[String]) -> Result<GlobSet, globset::Error> {
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        set.add(GlobBuilder::new(glob).case_insensitive(true).build()?);
    }
    set.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names::new(&["*.cab".into(), "*.hlkx".into()], &["*-debug.*".into()]).unwrap()
    }

    #[test]
    fn packages_are_taken_whatever_the_case_or_encoding() {
        let names = names();
        for name in ["a.cab", "A.CAB", "two words.HlkX", "new\nline.cab", "ümlaut.cab"] {
            assert!(names.take(OsStr::new(name)), "{name:?}");
        }
        assert!(names.take(OsStr::from_bytes(b"\xff\xfe.cab")));
    }

    #[test]
    fn others_and_excluded_are_not() {
        let names = names();
        for name in ["a.zip", "a.cab.txt", "x-DEBUG.cab", "cab"] {
            assert!(!names.take(OsStr::new(name)), "{name:?}");
        }
    }

    #[test]
    fn unfinished_names_are_not_though_a_glob_says_so() {
        let all = Names::new(&["*".into()], &[]).unwrap();
        for name in [
            ".a.cab",
            ".a.cab.Xy12Zz",
            "a.cab.part",
            "a.cab.TMP",
            "a.cab.crdownload",
            "~$a.cab",
            ".#a.cab",
            "a.cab~",
            "a.cab.filepart",
            ".a.cab.swp",
            "Thumbs.db",
            ".DS_Store",
            ".syncthing.a.cab.tmp",
            "~syncthing~a.cab.tmp",
            ".nfs0001",
        ] {
            assert!(!all.take(OsStr::new(name)), "{name:?}");
        }
        assert!(all.take(OsStr::new("part.cab")));
    }
}
