//! Decides by their names which files are packages.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use dropship_glob::{Glob, GlobError};

/// Suffixes that copy tools, browsers and editors give to unfinished files.
const TEMPORARY_SUFFIXES: [&str; 17] = [
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

/// Whether this is the name of an unfinished file or of a tool's private file.
///
/// Such files are never offered, even if a glob matches them.
pub(crate) fn is_temporary(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.starts_with(b".")
        || name.starts_with(b"~")
        || name.starts_with(b"#")
        || name.eq_ignore_ascii_case(b"thumbs.db")
        || name.eq_ignore_ascii_case(b"desktop.ini")
        || TEMPORARY_SUFFIXES.iter().any(|suffix| has_suffix(name, suffix.as_bytes()))
}

/// How a folder handles files of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameClass {
    /// The file may be a package.
    Package,
    /// Both `include` and `exclude` match: the file is counted as ignored.
    Excluded,
    /// `include` does not match, or the name is temporary.
    Other,
}

/// The compiled globs of a folder. Clones share them, because they are large compared with the rest of a folder's state.
#[derive(Debug, Clone)]
pub struct NameFilter(Arc<NameGlobs>);

#[derive(Debug)]
struct NameGlobs {
    include: Vec<Glob>,
    exclude: Vec<Glob>,
}

impl NameFilter {
    /// Compiles the globs. They are matched against the last component of a path.
    ///
    /// # Errors
    /// When a text is not a glob.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self, GlobError> {
        let globs = |texts: &[String]| texts.iter().map(|text| Glob::new(text)).collect::<Result<_, _>>();
        Ok(Self(Arc::new(NameGlobs { include: globs(include)?, exclude: globs(exclude)? })))
    }

    /// Classifies a file name, which may consist of any bytes. Bytes that are no UTF-8 count as the replacement character.
    #[must_use]
    pub fn classify(&self, name: &OsStr) -> NameClass {
        let text = name.to_string_lossy();
        if !dropship_glob::any(&self.0.include, &text) || is_temporary(name) {
            NameClass::Other
        } else if dropship_glob::any(&self.0.exclude, &text) {
            NameClass::Excluded
        } else {
            NameClass::Package
        }
    }
}

/// Ignores case in ASCII only.
fn has_suffix(name: &[u8], suffix: &[u8]) -> bool {
    let last = name.len().checked_sub(suffix.len()).and_then(|at| name.get(at..));
    last.is_some_and(|last| last.eq_ignore_ascii_case(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classify(include: &[&str], exclude: &[&str], name: impl AsRef<OsStr>) -> NameClass {
        let globs = |globs: &[&str]| globs.iter().map(|glob| (*glob).to_owned()).collect::<Vec<_>>();
        NameFilter::new(&globs(include), &globs(exclude)).unwrap().classify(name.as_ref())
    }

    #[test]
    fn included_name_of_any_case_or_encoding_is_a_package() {
        for name in ["a.cab", "A.CAB", "two words.HlkX", "new\nline.cab", "ümlaut.cab"] {
            assert_eq!(classify(&["*.cab", "*.hlkx"], &[], name), NameClass::Package, "{name:?}");
        }
        let not_utf8 = OsStr::from_bytes(b"\xff\xfe.cab");
        assert_eq!(classify(&["*.cab"], &[], not_utf8), NameClass::Package);
    }

    #[test]
    fn name_that_no_include_glob_matches_is_other() {
        for name in ["a.zip", "a.cab.txt", "cab", "a - Copy.zip"] {
            assert_eq!(classify(&["*.cab"], &["* - Copy*"], name), NameClass::Other, "{name:?}");
        }
    }

    #[test]
    fn copy_that_a_synchroniser_left_is_excluded() {
        let exclude = ["*.sync-conflict-*", "*conflicted copy*", "* - Copy*"];
        for name in [
            "a.sync-conflict-20261128-101500-ABCDEFG.cab",
            "a (Ann's Conflicted Copy 2026-11-28).cab",
            "a - Copy.cab",
            "a - copy (2).CAB",
        ] {
            assert_eq!(classify(&["*.cab"], &exclude, name), NameClass::Excluded, "{name:?}");
        }
        assert_eq!(classify(&["*.cab"], &exclude, "a-Copy.cab"), NameClass::Package);
    }

    #[test]
    fn glob_counts_characters_and_ignores_the_case_of_each() {
        assert_eq!(classify(&["?.c\u{e4}b"], &[], "\u{c4}.C\u{c4}B"), NameClass::Package);
        assert_eq!(classify(&["{a,}.cab"], &["[!a]*"], "A.cab"), NameClass::Package);
        assert_eq!(classify(&["?.cab"], &[], OsStr::from_bytes(b"\xff.cab")), NameClass::Package);
        assert!(NameFilter::new(&["{a,{b}}.cab".to_owned()], &[]).is_err());
    }

    #[test]
    fn temporary_name_is_other_although_a_glob_matches_it() {
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
            assert_eq!(classify(&["*"], &[], name), NameClass::Other, "{name:?}");
        }
        assert_eq!(classify(&["*"], &[], "part.cab"), NameClass::Package);
    }
}
