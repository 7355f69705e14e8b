//! Checks that every part of a package is covered by a signature and unchanged since signing.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use ring::digest::{Context, Digest, SHA256};

use super::archive::Archive;
use super::directory::ArchiveEntry;
use super::opc::{CONTENT_TYPES, ContentTypes, ORIGIN, Relationship, relationships, transformed};
use super::signature::{Reference, Transform, XmlSignature, percent_decoded};
use super::xml;
use crate::budget::WorkKind;
use crate::checks::{Check, Report};
use crate::signature::algorithm::Hash;

type Sha256 = [u8; 32];

/// Checks every part against the manifests of the signatures. `signature_parts` are the names, in lower case, of the parts that
/// make up the signatures: a signature cannot cover itself.
///
/// Returns two values: the digest of the content, computed from the names of the covered parts and the digests of their covered
/// bytes; and the bytes of `kept_part`, if a signature covers them.
pub(super) fn check(
    archive: &Archive<'_>,
    types: &ContentTypes,
    signatures: &[&XmlSignature],
    signature_parts: &BTreeSet<String>,
    kept_part: &str,
    report: &mut Report<'_>,
) -> io::Result<(Sha256, Option<Vec<u8>>)> {
    let references_by_key = references_by_part(archive, signatures);
    let (mut missing, mut changed, mut retyped) = (Vec::new(), Vec::new(), Vec::new());
    let (mut covered, mut kept_bytes, mut bad) = (BTreeSet::new(), None, BTreeSet::new());
    let (mut content, kept_part) = (BTreeSet::new(), kept_part.to_lowercase());
    for (key, references) in &references_by_key {
        let Some(entry) = archive.find(key) else {
            missing.extend(references.first().map(|reference| reference.part.as_str()));
            continue;
        };
        let has_same_type =
            |reference: &&Reference| reference.content_type.as_deref() == types.of(&entry.name);
        if !references.iter().all(has_same_type) {
            retyped.push(entry.name.as_str());
        }
        let is_kept = *key == kept_part && entry.size <= xml::MAX_LENGTH;
        let (outcome, bytes) = check_part(archive, entry, references, is_kept)?;
        match outcome {
            PartCheck::Good { whole, digests } => {
                if whole {
                    covered.insert(key.as_str());
                    kept_bytes = kept_bytes.or(bytes);
                }
                let name = percent_decoded(key);
                content.extend(digests.into_iter().map(|digest| (name.clone(), digest)));
            }
            PartCheck::Bad => {
                changed.push(entry.name.as_str());
                bad.insert(entry.name.as_str());
            }
        }
    }
    // An empty entry whose name ends with a slash is a folder, which zip tools create; it is not a part.
    let is_folder = |entry: &ArchiveEntry| entry.name.ends_with('/') && entry.size == 0;
    let must_be_covered = |entry: &&ArchiveEntry| {
        entry.name != CONTENT_TYPES
            && !signature_parts.contains(&entry.name.to_lowercase())
            && !is_folder(entry)
    };
    let uncovered: Vec<&str> = archive
        .entries
        .iter()
        .filter(must_be_covered)
        .filter(|entry| {
            !references_by_key.contains_key(&entry.name.to_lowercase())
                || !covered.contains(entry.name.to_lowercase().as_str())
        })
        .map(|entry| entry.name.as_str())
        .filter(|name| !bad.contains(name))
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
    Ok((digest_of(&content), kept_bytes))
}

/// The digest of names and digests. A name ends with a zero byte, which no name contains.
fn digest_of(content: &BTreeSet<(String, Sha256)>) -> Sha256 {
    let mut context = Context::new(&SHA256);
    for (name, digest) in content {
        context.update(name.as_bytes());
        context.update(&[0]);
        context.update(digest);
    }
    sha256(context.finish())
}

fn sha256(digest: Digest) -> Sha256 {
    let mut bytes = Sha256::default();
    bytes.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
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
enum PartCheck {
    /// All references match. `whole`: together they cover the whole part. `digests`: SHA-256 digests of the bytes that they cover,
    /// whichever algorithms the references use.
    Good { whole: bool, digests: BTreeSet<Sha256> },
    /// A reference does not match, or the part cannot be read.
    Bad,
}

/// Checks all references to a part, which is read once. Also returns the bytes of the part if `must_keep` is set.
fn check_part(
    archive: &Archive<'_>,
    entry: &ArchiveEntry,
    references: &[&Reference],
    must_keep: bool,
) -> io::Result<(PartCheck, Option<Vec<u8>>)> {
    let (raw, prepared): (Vec<_>, Vec<_>) =
        references.iter().copied().partition(|reference| reference.transform == Transform::Raw);
    if prepared.is_empty() && !must_keep {
        return Ok((check_stream(archive, entry, &raw)?, None));
    }
    let Ok(bytes) = archive.read(entry, xml::MAX_LENGTH)? else {
        return Ok((PartCheck::Bad, None));
    };
    let (mut digests, mut found) = (DigestCache::default(), BTreeSet::new());
    if !raw.is_empty() {
        found.insert(sha256(digests.digest(archive, Hash::Sha256, "", &bytes)?));
    }
    for reference in &raw {
        if !digests.matches(archive, reference, "", &bytes)? {
            return Ok((PartCheck::Bad, None));
        }
    }
    let outcome = match prepared.is_empty() {
        true => PartCheck::Good { whole: true, digests: found },
        false => check_prepared(archive, &bytes, &prepared, !raw.is_empty(), found)?,
    };
    Ok((outcome, must_keep.then_some(bytes)))
}

/// Checks references to the unchanged bytes of a part while it is unpacked, with one digest for each algorithm.
fn check_stream(archive: &Archive<'_>, entry: &ArchiveEntry, raw: &[&Reference]) -> io::Result<PartCheck> {
    let mut contexts = vec![(Hash::Sha256, Context::new(&SHA256))];
    for reference in raw {
        if !contexts.iter().any(|(hash, _)| *hash == reference.hash) {
            contexts.push((reference.hash, Context::new(reference.hash.algorithm())));
        }
    }
    let previewed = archive.previewed_sha256(entry).filter(|_| contexts.len() == 1);
    let (read, digests): (_, Vec<(Hash, Digest)>) = match previewed {
        Some(sha256) => (Ok(()), vec![(Hash::Sha256, sha256)]),
        None => {
            archive.charge(WorkKind::Hashed, u64::from(entry.size).saturating_mul(contexts.len() as u64))?;
            let read = archive
                .stream(entry, |part| contexts.iter_mut().for_each(|(_, context)| context.update(part)))?;
            (read, contexts.into_iter().map(|(hash, context)| (hash, context.finish())).collect())
        }
    };
    let matches = |reference: &&Reference| {
        digests.iter().any(|(hash, digest)| *hash == reference.hash && digest.as_ref() == reference.digest)
    };
    if read.is_err() || !raw.iter().all(matches) {
        return Ok(PartCheck::Bad);
    }
    let sha256_digests =
        digests.iter().filter(|(hash, _)| *hash == Hash::Sha256).map(|(_, digest)| sha256(*digest));
    Ok(PartCheck::Good { whole: true, digests: sha256_digests.collect() })
}

/// Digests of the forms of one part, each computed once.
#[derive(Default)]
struct DigestCache(Vec<(&'static str, Hash, Digest)>);

impl DigestCache {
    /// Whether the named form of the part has the digest of the reference.
    fn matches(
        &mut self,
        archive: &Archive<'_>,
        reference: &Reference,
        form: &'static str,
        bytes: &[u8],
    ) -> io::Result<bool> {
        Ok(self.digest(archive, reference.hash, form, bytes)?.as_ref() == reference.digest)
    }

    /// The digest of the named form of the part.
    fn digest(
        &mut self,
        archive: &Archive<'_>,
        hash: Hash,
        form: &'static str,
        bytes: &[u8],
    ) -> io::Result<Digest> {
        if let Some((.., digest)) = self.0.iter().find(|(known, other, _)| *known == form && *other == hash) {
            return Ok(*digest);
        }
        archive.charge(WorkKind::Hashed, bytes.len() as u64)?;
        let digest = hash.of(bytes);
        self.0.push((form, hash, digest));
        Ok(digest)
    }
}

/// Checks references to the canonical form of a part, or to relationships in it. `whole` is true if other references cover
/// the whole part.
fn check_prepared(
    archive: &Archive<'_>,
    bytes: &[u8],
    references: &[&Reference],
    mut whole: bool,
    mut found: BTreeSet<Sha256>,
) -> io::Result<PartCheck> {
    let Ok(text) = xml::text(bytes) else {
        return Ok(PartCheck::Bad);
    };
    let (mut digests, mut canonical) = (DigestCache::default(), None);
    let (mut links, mut chosen): (Option<Vec<Relationship>>, _) = (None, BTreeSet::new());
    for reference in references {
        let matches = match &reference.transform {
            Transform::Raw => continue,
            Transform::Canonical => {
                whole = true;
                if canonical.is_none() {
                    canonical = xml::parse(&text).ok().map(|document| xml::canonical(document.root()));
                }
                let Some(form) = &canonical else {
                    return Ok(PartCheck::Bad);
                };
                found.insert(sha256(digests.digest(archive, Hash::Sha256, "canonical", form.as_bytes())?));
                digests.matches(archive, reference, "canonical", form.as_bytes())?
            }
            Transform::Relationships { ids, kinds } => {
                if links.is_none() {
                    links = relationships(&text).ok();
                }
                let Some(links) = &links else {
                    return Ok(PartCheck::Bad);
                };
                let picked = links.iter().filter(|link| ids.contains(&link.id) || kinds.contains(&link.kind));
                let picked: Vec<&Relationship> = picked.collect();
                chosen.extend(picked.iter().map(|link| link.id.clone()));
                let form = transformed(picked);
                archive.charge(WorkKind::Hashed, (form.len() as u64).saturating_mul(2))?;
                found.insert(sha256(Hash::Sha256.of(form.as_bytes())));
                reference.hash.of(form.as_bytes()).as_ref() == reference.digest
            }
        };
        if !matches {
            return Ok(PartCheck::Bad);
        }
    }
    // Relationships are covered one by one. The one to the signature cannot be: it was added after signing.
    let all =
        links.is_some_and(|links| links.iter().all(|link| link.kind == ORIGIN || chosen.contains(&link.id)));
    Ok(PartCheck::Good { whole: whole || all, digests: found })
}
