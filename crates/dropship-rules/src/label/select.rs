//! Which rows of the driver metadata a label targets.

use std::collections::{BTreeMap, BTreeSet};

use crate::rule::TargetFilter;
use crate::vocabulary;
use dropship_glob::Glob;
use dropship_hardware::{DriverMetadata, HardwareId};

/// One row of the driver metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MetadataRow<'a> {
    /// Bundle id.
    pub bundle: &'a str,
    /// INF file name.
    pub inf: &'a str,
    /// OS code.
    pub os: &'a str,
    /// Hardware id.
    pub pnp: &'a str,
    /// Description of the device, if the metadata has one.
    pub description: &'a str,
    /// Newest system that the id may be offered to, if the metadata say so.
    pub ceiling: Option<&'a str>,
}

impl MetadataRow<'_> {
    /// The row as a request holds it.
    #[must_use]
    pub(super) fn to_request(self) -> HardwareId {
        HardwareId {
            bundle_id: self.bundle.to_owned(),
            inf_id: self.inf.to_owned(),
            operating_system_code: self.os.to_owned(),
            pnp_string: self.pnp.to_owned(),
            ..HardwareId::default()
        }
    }
}

/// Every row of the metadata.
pub(crate) fn rows(metadata: &DriverMetadata) -> Vec<MetadataRow<'_>> {
    let mut rows = Vec::new();
    for (bundle, infs) in &metadata.bundles {
        for (inf, info) in &infs.infs {
            for (os, pnps) in &info.os_pnp {
                rows.extend(pnps.iter().map(|(pnp, info)| MetadataRow {
                    bundle,
                    inf,
                    os,
                    pnp,
                    description: info.device_description.as_deref().unwrap_or_default(),
                    ceiling: info.ceiling_os_code.as_deref().filter(|code| !code.trim().is_empty()),
                }));
            }
        }
    }
    rows
}

/// The rows that the rule means; an empty selection is an error that says what emptied it.
pub(crate) fn select<'a>(
    selection: &TargetFilter,
    metadata: &'a DriverMetadata,
) -> Result<Vec<MetadataRow<'a>>, String> {
    let mut selected = rows(metadata);
    if selected.is_empty() {
        return Err("the driver metadata names no hardware id at all".to_owned());
    }
    type Column = for<'a> fn(&MetadataRow<'a>) -> &'a str;
    let filters: [(&str, &[Glob], Column); 5] = [
        ("bundles", &selection.bundles, |row| row.bundle),
        ("infs", &selection.infs, |row| row.inf),
        ("operating_systems", &selection.operating_systems, |row| row.os),
        ("include", &selection.include, |row| row.pnp),
        ("descriptions", &selection.descriptions, |row| row.description),
    ];
    for (key, globs, column) in filters {
        if globs.is_empty() {
            continue;
        }
        let before: BTreeSet<_> = selected.iter().map(column).collect();
        selected.retain(|row| dropship_glob::any(globs, column(row)));
        if selected.is_empty() {
            return Err(format!(
                "nothing fits `{key}` = {}; there is {}",
                shown(globs),
                first_quoted(&before)
            ));
        }
    }
    if !selection.exclude.is_empty() {
        selected.retain(|row| !dropship_glob::any(&selection.exclude, row.pnp));
        if selected.is_empty() {
            return Err(format!("`exclude` = {} leaves nothing", shown(&selection.exclude)));
        }
    }
    if selection.lowest_os_only {
        selected = keep_lowest(selected);
    }
    Ok(selected)
}

fn shown(globs: &[Glob]) -> String {
    let quoted: Vec<_> = globs.iter().map(|glob| format!("\"{glob}\"")).collect();
    quoted.join(", ")
}

fn first_quoted(values: &BTreeSet<&str>) -> String {
    let mut shown: Vec<_> = values.iter().take(5).map(|value| format!("\"{value}\"")).collect();
    if values.len() > shown.len() {
        shown.push(format!("and {} more", values.len() - shown.len()));
    }
    shown.join(", ")
}

/// Of each hardware id, INF and kind of system (architecture, client or server) the row of the lowest OS;
/// a code of unknown age stays, because it is unknown whether a lower one covers it.
///
/// Windows Update offers a driver to later systems too.
/// Source: "Limit driver distribution".
fn keep_lowest(rows: Vec<MetadataRow<'_>>) -> Vec<MetadataRow<'_>> {
    let key = |row: &MetadataRow<'_>| {
        let os = row.os.to_ascii_uppercase();
        let system = ["ARM64", "ARM", "X64", "IA64"].iter().find(|arch| os.contains(*arch)).copied();
        (
            row.bundle.to_owned(),
            row.inf.to_owned(),
            row.pnp.to_ascii_lowercase(),
            system,
            vocabulary::is_server(&os),
        )
    };
    let mut ranks = BTreeMap::new();
    for row in &rows {
        if let Some(rank) = vocabulary::os_rank(row.os) {
            let lowest = ranks.entry(key(row)).or_insert(rank);
            *lowest = rank.min(*lowest);
        }
    }
    let keep = |row: &MetadataRow<'_>| match vocabulary::os_rank(row.os) {
        Some(rank) => ranks.get(&key(row)) == Some(&rank),
        None => true,
    };
    rows.into_iter().filter(keep).collect()
}
