//! Where files lie in a cabinet, and what folders are called.

use std::collections::BTreeSet;

use super::super::checks::{Check, Report};
use super::super::facts::Facts;
use super::{file_name, folder, several};

/// Folder names must be shorter.
const FOLDER_NAME: usize = 40;
/// Paths should be shorter.
const PATH: usize = 160;

pub(super) fn judge(report: &mut Report<'_>, facts: &Facts) {
    let paths = || facts.files.iter().map(|file| file.path.as_str());
    let bad: Vec<_> = paths().filter(|path| is_bad(path)).collect();
    if !bad.is_empty() {
        let message = format!(
            "paths that are absolute, name a drive or a share, or climb out of the package: {}; build the cabinet with \
             relative paths",
            several(bad)
        );
        report.say(Check::BadPath, message);
    }
    let mut seen = BTreeSet::new();
    let twice: BTreeSet<_> = paths().filter(|path| !seen.insert(path.to_lowercase())).collect();
    if !twice.is_empty() {
        let message =
            format!("files that are in the cabinet twice: {}; build it anew with each once", several(twice));
        report.say(Check::DuplicateName, message);
    }
    root(report, facts);
    folders(report, facts);
    let long: Vec<_> = paths().filter(|path| path.chars().count() >= PATH).collect();
    if !long.is_empty() {
        let message = format!("paths of {PATH} characters or more: {}; shorten them", several(long));
        report.say(Check::PathLong, message);
    }
}

/// True for a path that does not simply lead down from the root.
fn is_bad(path: &str) -> bool {
    let drive = path.get(1..2) == Some(":");
    drive
        || path.chars().any(char::is_control)
        || path.split('/').any(|part| part.is_empty() || part == "." || part == "..")
}

/// Files at the root are refused, but for what is no driver package at all.
fn root(report: &mut Report<'_>, facts: &Facts) {
    let root: Vec<_> =
        facts.files.iter().map(|file| file.path.as_str()).filter(|path| folder(path).is_empty()).collect();
    if root.is_empty() {
        return;
    }
    let binary = |path: &str| {
        let name = file_name(path).to_ascii_lowercase();
        [".efi", ".dll", ".exe", ".sys"].iter().any(|extension| name.ends_with(extension))
    };
    if root.len() == facts.files.len() && root.iter().all(|path| binary(path)) {
        let message = "the cabinet holds binaries without folders and INFs, as LSA plug-ins and UEFI firmware are sent in; \
                       that is file signing, not a driver package: submit it by hand in Partner Center";
        return report.say(Check::FileSigningCab, message);
    }
    let message = format!(
        "there are files at the root of the cabinet: {}; put each driver into a folder of its own",
        several(root)
    );
    report.say(Check::RootFiles, message);
}

fn folders(report: &mut Report<'_>, facts: &Facts) {
    let mut names = BTreeSet::new();
    for file in &facts.files {
        names.extend(folder(&file.path).split('/').filter(|name| !name.is_empty()));
    }
    let long: Vec<_> = names.iter().copied().filter(|name| name.chars().count() >= FOLDER_NAME).collect();
    if !long.is_empty() {
        let message =
            format!("folder names of {FOLDER_NAME} characters or more: {}; shorten them", several(long));
        report.say(Check::FolderNameLong, message);
    }
    // Which characters count as special is not documented; these never do.
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ');
    let special: Vec<_> = names.iter().copied().filter(|name| !name.chars().all(plain)).collect();
    if !special.is_empty() {
        let message = format!(
            "folder names with special characters: {}; use letters, figures, `-`, `_` and `.`",
            several(special)
        );
        report.say(Check::FolderNameSpecial, message);
    }
}
