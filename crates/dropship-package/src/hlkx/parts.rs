//! Checks of a package's parts: each is as it was signed, and a signature covers each.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use ring::digest::Context;

use super::archive::{Archive, Entry};
use super::opc::{CONTENT_TYPES, ContentTypes, ORIGIN, Relationship, part_text, relationships, transformed};
use super::signature::{Reference, Transform, XmlSignature, percent_decoded};
use super::xml;
use crate::checks::{Check, Report};

/// Checks every part against the manifests of the signatures. `own` are the parts that make up the
/// signatures, in lower case: they cannot sign themselves.
pub(super) fn check(
    archive: &Archive<'_>,
    types: &ContentTypes,
    signatures: &[&XmlSignature],
    own: &BTreeSet<String>,
    report: &mut Report<'_>,
) -> io::Result<()> {
    // References by part, so that each part is read once.
    let mut wanted: BTreeMap<String, Vec<&Reference>> = BTreeMap::new();
    for reference in signatures.iter().flat_map(|signature| &signature.references) {
        // Tools differ in whether the archive keeps a name's percent signs.
        let decoded = percent_decoded(&reference.part);
        let found = archive.find(&reference.part).or_else(|| archive.find(&decoded));
        let name = found.map_or(&reference.part, |entry| &entry.name);
        wanted.entry(name.to_lowercase()).or_default().push(reference);
    }
    let (mut missing, mut changed, mut retyped) = (Vec::new(), Vec::new(), Vec::new());
    let mut covered = BTreeSet::new();
    for (key, references) in &wanted {
        let Some(entry) = archive.find(key) else {
            missing.extend(references.first().map(|reference| reference.part.as_str()));
            continue;
        };
        let typed = |reference: &&Reference| reference.content_type.as_deref() == types.of(&entry.name);
        if !references.iter().all(typed) {
            retyped.push(entry.name.as_str());
        }
        match check_part(archive, entry, references)? {
            Outcome::Good { whole: true } => {
                covered.insert(key.as_str());
            }
            Outcome::Good { whole: false } => {}
            Outcome::Bad => changed.push(entry.name.as_str()),
        }
    }
    // An empty entry with a slash at its end is a folder, as zip tools make them: no part.
    let folder = |entry: &Entry| entry.name.ends_with('/') && entry.size == 0;
    let own = |entry: &&Entry| {
        entry.name != CONTENT_TYPES && !own.contains(&entry.name.to_lowercase()) && !folder(entry)
    };
    let uncovered: Vec<&str> = archive
        .entries
        .iter()
        .filter(own)
        .filter(|entry| {
            !wanted.contains_key(&entry.name.to_lowercase())
                || !covered.contains(entry.name.to_lowercase().as_str())
        })
        .map(|entry| entry.name.as_str())
        .filter(|name| !changed.contains(name))
        .collect();
    report_parts(report, Check::PartMissing, &missing, "parts that were signed are missing");
    report_parts(report, Check::DigestMismatch, &changed, "parts were changed after signing");
    report_parts(
        report,
        Check::ContentTypeChanged,
        &retyped,
        "parts have another content type than the signed one",
    );
    report_parts(report, Check::UncoveredPart, &uncovered, "parts that no signature covers");
    Ok(())
}

fn report_parts(report: &mut Report<'_>, check: Check, names: &[&str], what: &str) {
    const SHOWN: usize = 5;
    if names.is_empty() {
        return;
    }
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| name.escape_debug().to_string()).collect();
    let more = match names.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!(" and {more} more"),
        _ => String::new(),
    };
    let message = format!(
        "{what}: {}{more}; the package was changed or damaged after signing: sign it again",
        shown.join(", ")
    );
    report.say(check, message);
}

/// The result for the references to one part.
enum Outcome {
    /// All hold; `whole` if together they vouch for all of the part.
    Good { whole: bool },
    /// One does not, or the part cannot be read.
    Bad,
}

/// Checks all references to a part.
fn check_part(archive: &Archive<'_>, entry: &Entry, references: &[&Reference]) -> io::Result<Outcome> {
    let raw: Vec<_> = references.iter().filter(|reference| reference.transform == Transform::Raw).collect();
    if !raw.is_empty() {
        let mut contexts: Vec<Context> =
            raw.iter().map(|reference| Context::new(reference.hash.algorithm())).collect();
        let read =
            archive.stream(entry, |part| contexts.iter_mut().for_each(|context| context.update(part)))?;
        let digests = contexts.into_iter().map(Context::finish);
        if read.is_err() || !digests.zip(&raw).all(|(digest, reference)| digest.as_ref() == reference.digest)
        {
            return Ok(Outcome::Bad);
        }
    }
    if raw.len() == references.len() {
        return Ok(Outcome::Good { whole: true });
    }
    let Ok(text) = part_text(archive, &entry.name)? else {
        return Ok(Outcome::Bad);
    };
    let (mut whole, mut chosen) = (!raw.is_empty(), BTreeSet::new());
    let mut links: Option<Vec<Relationship>> = None;
    for reference in references {
        let prepared = match &reference.transform {
            Transform::Raw => continue,
            Transform::Canonical => {
                whole = true;
                let Ok(document) = xml::parse(&text) else {
                    return Ok(Outcome::Bad);
                };
                xml::canonical(document.root())
            }
            Transform::Relationships { ids, kinds } => {
                if links.is_none() {
                    links = relationships(&text).ok();
                }
                let Some(links) = &links else {
                    return Ok(Outcome::Bad);
                };
                let picked = links.iter().filter(|link| ids.contains(&link.id) || kinds.contains(&link.kind));
                let picked: Vec<&Relationship> = picked.collect();
                chosen.extend(picked.iter().map(|link| link.id.clone()));
                transformed(picked)
            }
        };
        if reference.hash.of(prepared.as_bytes()).as_ref() != reference.digest {
            return Ok(Outcome::Bad);
        }
    }
    // Relationships are covered one by one; the one to the signature came after it.
    let all =
        links.is_some_and(|links| links.iter().all(|link| link.kind == ORIGIN || chosen.contains(&link.id)));
    Ok(Outcome::Good { whole: whole || all })
}
