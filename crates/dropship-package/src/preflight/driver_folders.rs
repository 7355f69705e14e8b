//! Driver folders: the files that each must have, and the properties that all must share.

use std::collections::{BTreeMap, BTreeSet};

use super::super::checks::{Check, Report};
use super::super::facts::{Facts, InfFacts};
use super::super::inf::InfNotes;
use super::super::verdict::Level;
use super::names::{folder, has_extension, several, shown, stem};

pub(super) fn check(report: &mut Report<'_>, facts: &Facts, notes: &[InfNotes]) {
    check_inf_places(report, facts);
    check_shared(report, facts, notes);
    check_architectures(report, facts);
    check_binaries(report, facts);
    check_symbols(report, facts);
    check_catalogs(report, facts, notes);
}

/// A folder at the root of the cabinet, and where its INFs are.
struct TopFolder<'f> {
    name: &'f str,
    has_inf_at_top: bool,
    /// The first INF below the top.
    nested_inf: Option<&'f str>,
}

/// Each top folder is a driver. The dashboard looks for the INF directly in it; binaries may be in subfolders.
fn check_inf_places(report: &mut Report<'_>, facts: &Facts) {
    let mut top_folders: BTreeMap<String, TopFolder<'_>> = BTreeMap::new();
    for file in &facts.files {
        let Some((name, rest)) = file.path.split_once('/') else { continue };
        let top = top_folders.entry(name.to_lowercase()).or_insert(TopFolder {
            name,
            has_inf_at_top: false,
            nested_inf: None,
        });
        if has_extension(&file.path, "inf") {
            match rest.contains('/') {
                false => top.has_inf_at_top = true,
                true => top.nested_inf = top.nested_inf.or(Some(&file.path)),
            }
        }
    }
    let without_inf: Vec<_> = top_folders.values().filter(|top| !top.has_inf_at_top).collect();
    let nested: Vec<&str> = without_inf.iter().filter_map(|top| top.nested_inf).collect();
    if !nested.is_empty() {
        let message = format!(
            "INFs below the top of their driver folder: {}; the dashboard fails with \"No installation INF found in the \
             root path of the driver\": move each INF into the top folder (binaries may stay below it)",
            several(nested)
        );
        report.add(Check::InfNotInRoot, message);
    }
    let empty: Vec<&str> =
        without_inf.iter().filter(|top| top.nested_inf.is_none()).map(|top| top.name).collect();
    if !empty.is_empty() {
        let message = format!(
            "no .inf files found in driver folders: {}; add the INF, or leave the folder out",
            several(empty)
        );
        report.add(Check::NoInf, message);
    }
    if facts.files.is_empty() {
        report.add(Check::NoInf, "the cabinet has no files; put the driver into it");
    }
}

/// Several INFs in one folder are one driver only if they name the same catalogs.
fn check_shared(report: &mut Report<'_>, facts: &Facts, notes: &[InfNotes]) {
    let mut folders: BTreeMap<String, (&str, BTreeSet<BTreeSet<String>>)> = BTreeMap::new();
    for (inf, notes) in facts.infs.iter().zip(notes) {
        let name = folder(&inf.path);
        let catalogs = notes.catalogs.iter().map(|catalog| catalog.to_lowercase()).collect();
        folders.entry(name.to_lowercase()).or_insert((name, BTreeSet::new())).1.insert(catalogs);
    }
    let shared = folders.into_values().filter(|(name, catalogs)| !name.is_empty() && catalogs.len() > 1);
    let shared: Vec<&str> = shared.map(|(name, _)| name).collect();
    if !shared.is_empty() {
        let message = format!(
            "folders with several INFs that name different catalogs: {}; put each driver into a folder of its own, or let the \
             INFs of one driver name the same CatalogFile",
            several(shared)
        );
        report.add(Check::SharedFolder, message);
    }
}

/// Every driver folder must be for the same set of architectures. The rule was written for device drivers; primitive
/// drivers are commonly submitted with one folder for each architecture, so for them it is a warning.
fn check_architectures(report: &mut Report<'_>, facts: &Facts) {
    let mut sets: BTreeMap<String, (&str, BTreeSet<&str>)> = BTreeMap::new();
    for inf in &facts.infs {
        let name = folder(&inf.path);
        let architectures = &mut sets.entry(name.to_lowercase()).or_insert((name, BTreeSet::new())).1;
        architectures.extend(inf.architectures.iter().map(String::as_str));
    }
    sets.retain(|_, (_, set)| !set.is_empty());
    let distinct: BTreeSet<_> = sets.values().map(|(_, set)| set).collect();
    if distinct.len() > 1 {
        let listed = |set: &BTreeSet<&str>| set.iter().copied().collect::<Vec<_>>().join("+");
        let folders: Vec<String> =
            sets.values().map(|(folder, set)| format!("{folder} ({})", listed(set))).collect();
        let message = format!(
            "driver folders are for different architectures: {}; build each driver for all of them, or drop a package for \
             each architecture",
            several(folders.iter().map(String::as_str))
        );
        let is_primitive = facts.infs.iter().all(|inf| inf.primitive);
        let max_level = if is_primitive { Level::Warn } else { Level::Error };
        report.add_at_most(Check::MixedArchitectures, max_level, message);
    }
}

/// The first INF of each folder, by the folder's name without regard to case.
fn infs_by_folder(facts: &Facts) -> BTreeMap<String, &InfFacts> {
    let mut infs = BTreeMap::new();
    for inf in &facts.infs {
        infs.entry(folder(&inf.path).to_ascii_lowercase()).or_insert(inf);
    }
    infs
}

/// The INF that a file belongs to: the one in its folder, or in the nearest folder above.
fn inf_of<'f>(infs: &BTreeMap<String, &'f InfFacts>, path: &str) -> Option<&'f InfFacts> {
    let path = path.to_ascii_lowercase();
    let mut parent = folder(&path);
    loop {
        if let Some(inf) = infs.get(parent) {
            return Some(inf);
        }
        parent = parent.rsplit_once('/')?.0;
    }
}

fn check_binaries(report: &mut Report<'_>, facts: &Facts) {
    let infs = infs_by_folder(facts);
    for file in facts.files.iter().filter(|file| has_extension(&file.path, "sys")) {
        let Some((machine, inf)) = file.machine.as_ref().zip(inf_of(&infs, &file.path)) else {
            continue;
        };
        if !inf.architectures.is_empty() && !inf.architectures.contains(machine) {
            let listed: Vec<&str> = inf.architectures.iter().map(String::as_str).collect();
            let message = format!(
                "{} is for {machine}, but {} is for {}; put the right build beside the INF",
                shown(&file.path),
                shown(&inf.name),
                listed.join(", ")
            );
            report.add(Check::BinaryArchitecture, message);
        }
    }
}

fn check_symbols(report: &mut Report<'_>, facts: &Facts) {
    let key = |path: &str| (folder(path).to_lowercase(), stem(path).to_lowercase());
    let files = |extension: &'static str| {
        facts.files.iter().map(|file| file.path.as_str()).filter(move |path| has_extension(path, extension))
    };
    let symbols: BTreeSet<_> = files("pdb").map(key).collect();
    let without_symbols: Vec<_> = files("sys").filter(|path| !symbols.contains(&key(path))).collect();
    if !without_symbols.is_empty() {
        let message = format!(
            "no .pdb beside {}; Microsoft needs symbols for crash analysis: put them into the same folder",
            several(without_symbols)
        );
        report.add(Check::PdbMissing, message);
    }
}

fn check_catalogs(report: &mut Report<'_>, facts: &Facts, notes: &[InfNotes]) {
    let present: BTreeSet<String> = facts.files.iter().map(|file| file.path.to_lowercase()).collect();
    let mut folders: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let named_catalogs =
        facts.infs.iter().zip(notes).flat_map(|(inf, notes)| notes.catalogs.iter().map(move |c| (inf, c)));
    for (inf, catalog) in named_catalogs {
        let parent = folder(&inf.path);
        folders.entry(catalog.to_lowercase()).or_default().insert(parent.to_lowercase());
        let path = if parent.is_empty() { catalog.to_owned() } else { format!("{parent}/{catalog}") };
        if !present.contains(&path.to_lowercase()) {
            let message = format!(
                "{} names the catalog {}, which is not beside it; create it with inf2cat (Microsoft replaces it)",
                shown(&inf.path),
                shown(catalog)
            );
            report.add(Check::CatMissing, message);
        }
    }
    let shared: Vec<&str> = folders
        .iter()
        .filter(|(_, parents)| parents.len() > 1)
        .map(|(catalog, _)| catalog.as_str())
        .collect();
    if !shared.is_empty() {
        let message = format!(
            "drivers in different folders name the same catalog: {}; give each driver's catalog its own name",
            several(shared)
        );
        report.add(Check::CatShared, message);
    }
}
