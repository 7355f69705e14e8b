//! Checks that every part of a package is covered by a signature and unchanged since signing.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use ring::digest::{Context, SHA256};

use super::archive::{Archive, Entry};
use super::opc::{CONTENT_TYPES, ContentTypes, ORIGIN, Relationship, part_text, relationships, transformed};
use super::signature::{Reference, Transform, XmlSignature, percent_decoded};
use super::xml;
use crate::checks::{Check, Report};
use crate::signature::algorithm::Hash;

type Sha256 = [u8; 32];

/// Checks every part against the manifests of the signatures, and returns the digest of the content: of the names of the
/// covered parts, each with the digest of its covered bytes. `own` are the names, in lower case, of the parts that make up the
/// signatures: a signature cannot cover itself.
pub(super) fn check(
    archive: &Archive<'_>,
    types: &ContentTypes,
    signatures: &[&XmlSignature],
    own: &BTreeSet<String>,
    report: &mut Report<'_>,
) -> io::Result<[u8; 32]> {
    let wanted = references_by_part(archive, signatures);
    let (mut missing, mut changed, mut retyped) = (Vec::new(), Vec::new(), Vec::new());
    let mut covered = BTreeSet::new();
    let mut content = BTreeSet::new();
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
            Outcome::Good { whole, digests } => {
                if whole {
                    covered.insert(key.as_str());
                }
                let name = percent_decoded(key);
                content.extend(digests.into_iter().map(|digest| (name.clone(), digest)));
            }
            Outcome::Bad => changed.push(entry.name.as_str()),
        }
    }
    // An empty entry whose name ends with a slash is a folder, which zip tools create; it is not a part.
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
    Ok(digest_of(&content))
}

/// The digest of names and digests. A name ends with a zero byte, which no name contains.
fn digest_of(content: &BTreeSet<(String, Sha256)>) -> Sha256 {
    let mut context = Context::new(&SHA256);
    for (name, digest) in content {
        context.update(name.as_bytes());
        context.update(&[0]);
        context.update(digest);
    }
    sha256(context)
}

fn sha256(context: Context) -> Sha256 {
    let mut bytes = Sha256::default();
    bytes.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
    bytes
}

/// References by the name of their part in lower case, so that each part is read once.
fn references_by_part<'s>(
    archive: &Archive<'_>,
    signatures: &[&'s XmlSignature],
) -> BTreeMap<String, Vec<&'s Reference>> {
    let mut found: BTreeMap<String, Vec<&Reference>> = BTreeMap::new();
    for reference in signatures.iter().flat_map(|signature| &signature.references) {
        // Some tools write percent-encoded names into the archive, others decode them.
        let decoded = percent_decoded(&reference.part);
        let entry = archive.find(&reference.part).or_else(|| archive.find(&decoded));
        let name = entry.map_or(&reference.part, |entry| &entry.name);
        found.entry(name.to_lowercase()).or_default().push(reference);
    }
    found
}

fn report_parts(report: &mut Report<'_>, check: Check, names: &[&str], fault: &str) {
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
        "{fault}: {}{more}; the package was changed or damaged after signing: sign it again",
        shown.join(", ")
    );
    report.add(check, message);
}

/// Result of the check of one part.
enum Outcome {
    /// All references match; `whole` if together they cover the whole part. `digests` are those of the bytes that they
    /// cover, which do not depend on the algorithms of the references.
    Good { whole: bool, digests: BTreeSet<Sha256> },
    /// A reference does not match, or the part cannot be read.
    Bad,
}

/// Checks all references to a part.
fn check_part(archive: &Archive<'_>, entry: &Entry, references: &[&Reference]) -> io::Result<Outcome> {
    let raw: Vec<_> = references.iter().filter(|reference| reference.transform == Transform::Raw).collect();
    let mut found = BTreeSet::new();
    if !raw.is_empty() {
        let mut contexts: Vec<Context> =
            raw.iter().map(|reference| Context::new(reference.hash.algorithm())).collect();
        let known = raw.iter().find(|reference| reference.hash == Hash::Sha256);
        let mut own = known.is_none().then(|| Context::new(&SHA256));
        let read = archive.stream(entry, |part| {
            contexts.iter_mut().chain(&mut own).for_each(|context| context.update(part))
        })?;
        let digests = contexts.into_iter().map(Context::finish);
        if read.is_err() || !digests.zip(&raw).all(|(digest, reference)| digest.as_ref() == reference.digest)
        {
            return Ok(Outcome::Bad);
        }
        found.extend(known.and_then(|reference| Sha256::try_from(reference.digest.as_slice()).ok()));
        found.extend(own.map(sha256));
    }
    if raw.len() == references.len() {
        return Ok(Outcome::Good { whole: true, digests: found });
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
        found.extend(Sha256::try_from(Hash::Sha256.of(prepared.as_bytes()).as_ref()));
    }
    // Relationships are covered one by one. The one to the signature cannot be: it was added after signing.
    let all =
        links.is_some_and(|links| links.iter().all(|link| link.kind == ORIGIN || chosen.contains(&link.id)));
    Ok(Outcome::Good { whole: whole || all, digests: found })
}
