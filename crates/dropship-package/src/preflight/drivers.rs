//! Driver folders: what each must hold, and what they must have in common.

use std::collections::{BTreeMap, BTreeSet};

use super::super::checks::{Check, Report};
use super::super::facts::{Facts, FileFact, InfFacts};
use super::super::inf::InfNotes;
use super::{file_name, folder, several, stem};

fn is(file: &FileFact, extension: &str) -> bool {
    let name = file_name(&file.path);
    name.rsplit_once('.').is_some_and(|(_, found)| found.eq_ignore_ascii_case(extension))
}

pub(super) fn judge(report: &mut Report<'_>, facts: &Facts, notes: &[InfNotes]) {
    without_inf(report, facts);
    shared(report, facts);
    architectures(report, facts);
    binaries(report, facts);
    symbols(report, facts);
    catalogs(report, facts, notes);
}

/// Top folders with no INF in them or below.
fn without_inf(report: &mut Report<'_>, facts: &Facts) {
    let mut found: BTreeMap<String, (&str, bool)> = BTreeMap::new();
    for file in &facts.files {
        if let Some((top, _)) = file.path.split_once('/') {
            found.entry(top.to_lowercase()).or_insert((top, false)).1 |= is(file, "inf");
        }
    }
    let without: Vec<&str> = found.into_values().filter(|(_, has)| !has).map(|(top, _)| top).collect();
    if !without.is_empty() {
        let message = format!(
            "no .inf files found in driver folders: {}; add the INF, or leave the folder out",
            several(without)
        );
        report.say(Check::NoInf, message);
    }
    if facts.files.is_empty() {
        report.say(Check::NoInf, "the cabinet holds no files; put the driver into it");
    }
}

/// Folders with several INFs.
fn shared(report: &mut Report<'_>, facts: &Facts) {
    let mut counts: BTreeMap<String, (&str, usize)> = BTreeMap::new();
    for file in facts.files.iter().filter(|file| is(file, "inf")) {
        let place = folder(&file.path);
        let count = &mut counts.entry(place.to_lowercase()).or_insert((place, 0)).1;
        *count = count.saturating_add(1);
    }
    let shared = counts.into_values().filter(|(folder, count)| *count > 1 && !folder.is_empty());
    let shared: Vec<&str> = shared.map(|(folder, _)| folder).collect();
    if !shared.is_empty() {
        let message = format!(
            "folders with several INFs: {}; put each driver into a folder of its own",
            several(shared)
        );
        report.say(Check::SharedFolder, message);
    }
}

/// Every driver folder must be for the same set of architectures.
fn architectures(report: &mut Report<'_>, facts: &Facts) {
    let mut sets: BTreeMap<String, (&str, BTreeSet<&str>)> = BTreeMap::new();
    for inf in &facts.infs {
        let place = folder(&inf.path);
        let own = &mut sets.entry(place.to_lowercase()).or_insert((place, BTreeSet::new())).1;
        own.extend(inf.architectures.iter().map(String::as_str));
    }
    sets.retain(|_, (_, set)| !set.is_empty());
    let distinct: BTreeSet<_> = sets.values().map(|(_, set)| set).collect();
    if distinct.len() > 1 {
        let listed = |set: &BTreeSet<&str>| set.iter().copied().collect::<Vec<_>>().join("+");
        let folders: Vec<String> =
            sets.values().map(|(folder, set)| format!("{folder} ({})", listed(set))).collect();
        let message = format!(
            "driver folders are for different architectures: {}; make each driver for all of them, or send a package for each \
             architecture",
            several(folders.iter().map(String::as_str))
        );
        report.say(Check::MixedArchitectures, message);
    }
}

/// The INF that a file belongs to: the one in the nearest folder above.
fn inf_of<'f>(facts: &'f Facts, path: &str) -> Option<&'f InfFacts> {
    let mut place = folder(path);
    loop {
        if let Some(inf) = facts.infs.iter().find(|inf| folder(&inf.path).eq_ignore_ascii_case(place)) {
            return Some(inf);
        }
        place = place.rsplit_once('/')?.0;
    }
}

fn binaries(report: &mut Report<'_>, facts: &Facts) {
    for file in facts.files.iter().filter(|file| is(file, "sys")) {
        let Some((machine, inf)) = file.machine.as_ref().zip(inf_of(facts, &file.path)) else {
            continue;
        };
        if !inf.architectures.is_empty() && !inf.architectures.contains(machine) {
            let listed: Vec<&str> = inf.architectures.iter().map(String::as_str).collect();
            let message = format!(
                "{} is for {machine}, but {} is for {}; put the right build beside the INF",
                super::shown(&file.path),
                inf.name,
                listed.join(", ")
            );
            report.say(Check::BinaryArchitecture, message);
        }
    }
}

fn symbols(report: &mut Report<'_>, facts: &Facts) {
    let key = |path: &str| (folder(path).to_lowercase(), stem(path).to_lowercase());
    let symbols: BTreeSet<_> =
        facts.files.iter().filter(|file| is(file, "pdb")).map(|file| key(&file.path)).collect();
    let binaries = facts.files.iter().filter(|file| is(file, "sys"));
    let without: Vec<_> =
        binaries.map(|file| file.path.as_str()).filter(|path| !symbols.contains(&key(path))).collect();
    if !without.is_empty() {
        let message = format!(
            "no .pdb beside {}; Microsoft wants symbols for its crash analysis: put them into the same folder",
            several(without)
        );
        report.say(Check::PdbMissing, message);
    }
}

fn catalogs(report: &mut Report<'_>, facts: &Facts, notes: &[InfNotes]) {
    let present: BTreeSet<String> = facts.files.iter().map(|file| file.path.to_lowercase()).collect();
    let mut folders: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let named =
        facts.infs.iter().zip(notes).flat_map(|(inf, notes)| notes.catalogs.iter().map(move |c| (inf, c)));
    for (inf, catalog) in named {
        let place = folder(&inf.path);
        folders.entry(catalog.to_lowercase()).or_default().insert(place.to_lowercase());
        let path = if place.is_empty() { catalog.to_owned() } else { format!("{place}/{catalog}") };
        if !present.contains(&path.to_lowercase()) {
            let message = format!(
                "{} names the catalog {}, which is not beside it; make it with inf2cat (Microsoft replaces it)",
                super::shown(&inf.path),
                super::shown(catalog)
            );
            report.say(Check::CatMissing, message);
        }
    }
    let shared: Vec<&str> =
        folders.iter().filter(|(_, places)| places.len() > 1).map(|(catalog, _)| catalog.as_str()).collect();
    if !shared.is_empty() {
        let message =
            format!("one catalog name for several drivers: {}; give each driver its own", several(shared));
        report.say(Check::CatShared, message);
    }
}
