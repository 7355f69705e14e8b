//! Rules of the dashboard that a package can break before anyone signs it.
//!
//! Each is a check with a level of its own; the documents are named by their file in Microsoft's
//! windows-driver-docs.

mod drivers;
mod infs;
mod paths;
mod request;

use super::checks::Report;
use super::facts::Facts;
use super::inf::InfNotes;

pub use request::{RequestFacts, preflight_with};

/// All rules for a cabinet. `notes` stand in the order of the INFs.
pub(super) fn cabinet(report: &mut Report<'_>, facts: &Facts, notes: &[InfNotes]) {
    paths::judge(report, facts);
    drivers::judge(report, facts, notes);
    for (inf, notes) in facts.infs.iter().zip(notes) {
        infs::judge(report, facts, inf, notes);
    }
    infs::judge_extensions(report, facts);
}

/// The folder of a path; empty at the root.
fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The file name of a path.
fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// The file name without its extension.
fn stem(path: &str) -> &str {
    let name = file_name(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// Names for a message: a few of them, and how many more.
fn several<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    const SHOWN: usize = 5;
    let names: Vec<&str> = names.into_iter().collect();
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| shown(name)).collect();
    let list = shown.join(", ");
    match names.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{list} and {more} more"),
        _ => list,
    }
}

/// A name from a package as it may be shown: without control characters, not without end.
pub(super) fn shown(name: &str) -> String {
    const LONGEST: usize = 200;
    name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(LONGEST).collect()
}
