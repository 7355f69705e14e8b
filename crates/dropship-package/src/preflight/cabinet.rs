//! Runs all rules for a cabinet.

use super::super::checks::Report;
use super::super::facts::Facts;
use super::super::inf::InfNotes;
use super::super::policy::Policy;
use super::{driver_folders, extension_infs, infs, paths};

/// Checks a cabinet. `notes` are in the order of the INFs; `dot_prefixed` are the files whose names begin with `./`.
pub(crate) fn check_cabinet(
    report: &mut Report<'_>,
    policy: &Policy,
    facts: &Facts,
    notes: &[InfNotes],
    dot_prefixed: &[String],
) {
    paths::check(report, facts, dot_prefixed);
    driver_folders::check(report, facts, notes);
    let binaries: Vec<_> = facts.files.iter().filter(|file| file.machine.is_some()).collect();
    for (inf, notes) in facts.infs.iter().zip(notes) {
        infs::check(report, policy, &binaries, inf, notes);
    }
    extension_infs::check_number(report, facts);
}
