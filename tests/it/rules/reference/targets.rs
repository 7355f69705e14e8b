//! Which rows of the driver metadata a label targets: "Targeting" in `docs/rules.md`.

use std::collections::BTreeSet;

use super::glob::{fold, matches};
use super::model::{Filter, Row, Target};
use super::random::OS_CODES;

/// The selected targets; none means that the label must not be requested.
pub(super) fn select(filter: &Filter, rows: &[Row]) -> BTreeSet<Target> {
    let any = |globs: &[String], text: &str| globs.iter().any(|glob| matches(glob, text));
    let fits = |globs: &[String], text: &str| globs.is_empty() || any(globs, text);
    let selected: Vec<&Row> = rows
        .iter()
        .filter(|row| {
            fits(&filter.bundles, &row.target.bundle)
                && fits(&filter.infs, &row.target.inf)
                && fits(&filter.operating_systems, &row.target.os)
                && fits(&filter.include, &row.target.hardware_id)
                && fits(&filter.descriptions, &row.description)
                && !any(&filter.exclude, &row.target.hardware_id)
        })
        .collect();
    let is_lowest = |row: &Row| {
        !filter.lowest_os_only
            || !selected
                .iter()
                .any(|other| is_same_device(row, other) && age(&other.target.os) < age(&row.target.os))
    };
    selected.iter().filter(|row| is_lowest(row)).map(|row| row.target.clone()).collect()
}

/// Whether two rows are the same device on the same kind of system, so that Windows Update offers the one of the lower
/// version to the other, too.
fn is_same_device(one: &Row, other: &Row) -> bool {
    let system = |row: &Row| {
        let (_, architecture, is_server, _) = known(&row.target.os);
        (architecture, is_server)
    };
    let id = |row: &Row| row.target.hardware_id.chars().map(fold).collect::<String>();
    one.target.bundle == other.target.bundle
        && one.target.inf == other.target.inf
        && id(one) == id(other)
        && system(one) == system(other)
}

fn age(code: &str) -> u32 {
    known(code).3
}

fn known(code: &str) -> (&'static str, &'static str, bool, u32) {
    *OS_CODES.iter().find(|known| known.0 == code).expect("a known OS code")
}
