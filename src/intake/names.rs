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
    name.starts_with(b".")
        || name.starts_with(b"~")
        || name.starts_with(b"#")
        || name.eq_ignore_ascii_case(b"thumbs.db")
        || name.eq_ignore_ascii_case(b"desktop.ini")
        || UNFINISHED.iter().any(|end| has_end(name, end.as_bytes()))
}

/// The names that a folder takes; clones share what was compiled, which is large beside all else of a folder.
#[derive(Debug, Clone)]
pub struct Names(Arc<Sets>);

#[derive(Debug)]
struct Sets {
    include: Globs,
    exclude: Globs,
}

/// Globs, of which nearly all are like `*.cab`: those are no more than ends of names.
#[derive(Debug)]
struct Globs {
    ends: Vec<Vec<u8>>,
    others: GlobSet,
}

impl Names {
    /// Compiles the globs; case-blind, matched against the last part of a path.
    ///
    /// # Errors
    /// A glob that does not compile.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self, globset::Error> {
        Ok(Self(Arc::new(Sets { include: Globs::new(include)?, exclude: Globs::new(exclude)? })))
    }

    /// May a file of this name be a package? Any bytes will do for a name.
    #[must_use]
    pub fn take(&self, name: &OsStr) -> bool {
        self.0.include.match_(name) && !is_temporary(name) && !self.0.exclude.match_(name)
    }
}

impl Globs {
    fn new(globs: &[String]) -> Result<Self, globset::Error> {
        let (mut ends, mut others) = (Vec::new(), GlobSetBuilder::new());
        for glob in globs {
            match glob.strip_prefix('*') {
                Some(end)
                    if end.starts_with('.') && !end.contains(['*', '?', '[', ']', '{', '}', '\\', '/']) =>
                {
                    ends.push(end.as_bytes().to_vec());
                }
                _ => drop(others.add(GlobBuilder::new(glob).case_insensitive(true).build()?)),
            }
        }
        Ok(Self { ends, others: others.build()? })
    }

    fn match_(&self, name: &OsStr) -> bool {
        self.ends.iter().any(|end| has_end(name.as_bytes(), end)) || self.others.is_match(Path::new(name))
    }
}

/// Case-blind in ASCII, as the globs are.
fn has_end(name: &[u8], end: &[u8]) -> bool {
    name.len()
        .checked_sub(end.len())
        .and_then(|at| name.get(at..))
        .is_some_and(|last| last.eq_ignore_ascii_case(end))
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
    fn ends_of_names_match_as_globs_do() {
        let globs = ["*.cab", "*.tar.gz", "*.C\u{e4}B", "*", "*.*", "a*.cab", "*.[ch]ab", "*."];
        let names = [
            "a.cab",
            "A.CAB",
            ".cab",
            "cab",
            "x.tar.gz",
            "x.gz",
            "b.hab",
            "x.",
            "x.c\u{e4}b",
            "x.C\u{c4}b",
            "",
        ];
        for glob in globs {
            let set = Globs::new(&[glob.to_owned()]).unwrap();
            let real = GlobBuilder::new(glob).case_insensitive(true).build().unwrap().compile_matcher();
            for name in names {
                assert_eq!(set.match_(OsStr::new(name)), real.is_match(name), "{glob} {name}");
            }
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
