//! A package as rules see it.

use std::collections::BTreeMap;

use dropship_package::Facts;

/// The package that rules are evaluated for.
#[derive(Debug, Clone, Copy)]
pub struct MatchInput<'a> {
    /// Name of the drop folder; `None` for a package that was not dropped into a folder.
    pub folder: Option<&'a str>,
    /// File name, without its directory.
    pub file: &'a str,
    /// SHA-256 of the file in lower-case hexadecimal digits.
    pub sha256: &'a str,
    /// Facts that the inspection found.
    pub facts: &'a Facts,
    /// Variables that the package's sidecar file sets.
    pub vars: Option<&'a BTreeMap<String, String>>,
}

impl<'a> MatchInput<'a> {
    /// A package without a folder and without a sidecar.
    #[must_use]
    pub fn new(file: &'a str, sha256: &'a str, facts: &'a Facts) -> Self {
        Self { folder: None, file, sha256, facts, vars: None }
    }

    /// The same package in a folder.
    #[must_use]
    pub fn in_folder(self, folder: Option<&'a str>) -> Self {
        Self { folder, ..self }
    }
}
