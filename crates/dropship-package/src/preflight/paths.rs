//! Checks the paths in a cabinet and the names of its folders.

use std::collections::BTreeSet;

use super::super::checks::{Check, Report};
use super::super::facts::Facts;
use super::names::{folder, has_extension, several};

/// Folder names must be shorter than this number of characters.
const FOLDER_NAME: usize = 40;
/// Paths should be shorter than this number of characters.
const PATH: usize = 160;

pub(super) fn check(report: &mut Report<'_>, facts: &Facts, dot_prefixed: &[String]) {
    let paths = || facts.files.iter().map(|file| file.path.as_str());
    if !dot_prefixed.is_empty() {
        let message = format!(
            "names that begin with `./` or `.\\`: {}; the prefix is ignored, but the dashboard may take it for a folder: \
             build the cabinet from names without it (`find * -type f | gcab`, for example)",
            several(dot_prefixed.iter().map(String::as_str))
        );
        report.add(Check::DotPath, message);
    }
    let bad: Vec<_> = paths().filter(|path| is_bad(path)).collect();
    if !bad.is_empty() {
        let message = format!(
            "paths that are absolute, name a drive or a share, lead out of the package, or have empty parts, parts that are `.`, or control \
             characters: {}; build the cabinet with relative paths",
            several(bad)
        );
        report.add(Check::BadPath, message);
    }
    let mut seen = BTreeSet::new();
    let twice: BTreeSet<_> = paths().filter(|path| !seen.insert(path.to_lowercase())).collect();
    if !twice.is_empty() {
        let message = format!(
            "files that are in the cabinet twice: {}; build it again with each file once",
            several(twice)
        );
        report.add(Check::DuplicateName, message);
    }
    check_root(report, facts);
    check_folder_names(report, facts);
    let long: Vec<_> = paths().filter(|path| path.chars().count() >= PATH).collect();
    if !long.is_empty() {
        let message = format!("paths of {PATH} characters or more: {}; shorten them", several(long));
        report.add(Check::PathLong, message);
    }
}

/// True for a path that is not a plain relative path below the root.
fn is_bad(path: &str) -> bool {
    let names_drive = path.get(1..2) == Some(":");
    names_drive
        || path.chars().any(char::is_control)
        || path.split('/').any(|part| part.is_empty() || part == "." || part == "..")
}

/// Files at the root are refused. A cabinet with only binaries is for file signing and not a driver package.
fn check_root(report: &mut Report<'_>, facts: &Facts) {
    let paths = facts.files.iter().map(|file| file.path.as_str());
    let root: Vec<_> = paths.filter(|path| folder(path).is_empty()).collect();
    if root.is_empty() {
        return;
    }
    let is_binary =
        |path: &str| ["efi", "dll", "exe", "sys"].iter().any(|extension| has_extension(path, extension));
    if root.len() == facts.files.len() && root.iter().all(|path| is_binary(path)) {
        let message = "the cabinet has binaries without folders and INFs, as for LSA plug-ins and UEFI firmware; \
                       that is file signing, not a driver package: submit it manually in Partner Center";
        return report.add(Check::FileSigningCab, message);
    }
    let message = format!(
        "files at the root of the cabinet: {}; put each driver into a folder of its own",
        several(root)
    );
    report.add(Check::RootFiles, message);
}

fn check_folder_names(report: &mut Report<'_>, facts: &Facts) {
    let mut names = BTreeSet::new();
    for file in &facts.files {
        names.extend(folder(&file.path).split('/').filter(|name| !name.is_empty()));
    }
    let long: Vec<_> = names.iter().copied().filter(|name| name.chars().count() >= FOLDER_NAME).collect();
    if !long.is_empty() {
        let message =
            format!("folder names of {FOLDER_NAME} characters or more: {}; shorten them", several(long));
        report.add(Check::FolderNameLong, message);
    }
    // The page does not list the special characters. These are certainly allowed.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ');
    let special: Vec<_> = names.iter().copied().filter(|name| !name.chars().all(is_plain)).collect();
    if !special.is_empty() {
        let message = format!(
            "folder names with special characters: {}; use letters, digits, `-`, `_` and `.`",
            several(special)
        );
        report.add(Check::FolderNameSpecial, message);
    }
}
