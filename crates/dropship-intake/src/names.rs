//! Decides by their names which files are packages.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

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

/// What a folder does with files of a name.
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
pub struct Names(Arc<NameGlobs>);

#[derive(Debug)]
struct NameGlobs {
    include: Globs,
    exclude: Globs,
}

/// A set of globs. Most have the form `*.cab` or `*conflicted copy*`, which need no regular expression.
#[derive(Debug)]
struct Globs {
    suffixes: Vec<Vec<u8>>,
    infixes: Vec<Vec<u8>>,
    others: GlobSet,
}

impl Names {
    /// Compiles the globs. They ignore case and are matched against the last component of a path.
    ///
    /// # Errors
    /// A glob that does not compile.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self, globset::Error> {
        Ok(Self(Arc::new(NameGlobs { include: Globs::new(include)?, exclude: Globs::new(exclude)? })))
    }

    /// Classifies a file name, which may consist of any bytes.
    #[must_use]
    pub fn classify(&self, name: &OsStr) -> NameClass {
        if !self.0.include.is_match(name) || is_temporary(name) {
            NameClass::Other
        } else if self.0.exclude.is_match(name) {
            NameClass::Excluded
        } else {
            NameClass::Package
        }
    }
}

impl Globs {
    fn new(globs: &[String]) -> Result<Self, globset::Error> {
        let (mut suffixes, mut infixes, mut others) = (Vec::new(), Vec::new(), GlobSetBuilder::new());
        for glob in globs {
            let rest = glob.strip_prefix('*');
            let suffix = rest.filter(|suffix| suffix.starts_with('.') && is_literal(suffix));
            let infix = rest.and_then(|rest| rest.strip_suffix('*'));
            if let Some(suffix) = suffix {
                suffixes.push(suffix.as_bytes().to_vec());
            } else if let Some(infix) = infix.filter(|infix| !infix.is_empty() && is_literal(infix)) {
                infixes.push(infix.as_bytes().to_vec());
            } else {
                others.add(GlobBuilder::new(glob).case_insensitive(true).build()?);
            }
        }
        Ok(Self { suffixes, infixes, others: others.build()? })
    }

    fn is_match(&self, name: &OsStr) -> bool {
        let bytes = name.as_bytes();
        self.suffixes.iter().any(|suffix| has_suffix(bytes, suffix))
            || self.infixes.iter().any(|infix| has_infix(bytes, infix))
            || self.others.is_match(Path::new(name))
    }
}

/// Whether a part of a glob has no special characters.
fn is_literal(glob: &str) -> bool {
    !glob.contains(['*', '?', '[', ']', '{', '}', '\\', '/'])
}

/// Ignores case in ASCII only, as the globs do.
fn has_suffix(name: &[u8], suffix: &[u8]) -> bool {
    let last = name.len().checked_sub(suffix.len()).and_then(|at| name.get(at..));
    last.is_some_and(|last| last.eq_ignore_ascii_case(suffix))
}

/// Ignores case in ASCII only, as the globs do.
fn has_infix(name: &[u8], infix: &[u8]) -> bool {
    name.windows(infix.len()).any(|part| part.eq_ignore_ascii_case(infix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classify(include: &[&str], exclude: &[&str], name: impl AsRef<OsStr>) -> NameClass {
        let globs = |globs: &[&str]| globs.iter().map(|glob| (*glob).to_owned()).collect::<Vec<_>>();
        Names::new(&globs(include), &globs(exclude)).unwrap().classify(name.as_ref())
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
    fn simple_globs_match_like_regular_expressions_do() {
        let globs = [
            "*.cab",
            "*.tar.gz",
            "*.C\u{e4}B",
            "*",
            "*.*",
            "**",
            "a*.cab",
            "*.[ch]ab",
            "*.",
            "*a*",
            "*AR.*",
            "*\u{e4}*",
        ];
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
                assert_eq!(set.is_match(OsStr::new(name)), real.is_match(name), "{glob} {name}");
            }
        }
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
