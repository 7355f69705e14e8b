//! Finds the signatures of a package and their certificates.

use std::collections::BTreeSet;
use std::io;

use crate::checks::{Check, Report};
use crate::policy::Policy;
use crate::verdict::Level;

use super::archive::Archive;
use super::links::{self, MAX_TARGETS, targets};
use super::opc::{CERTIFICATE, ORIGIN, Relationship, SIGNATURE, part_text, relationships_of};
use super::signature::XmlSignature;

/// Maximum length of a certificate part.
const CERTIFICATE_SIZE: u32 = 64 * 1024;

pub(super) type NamedSignature = (String, XmlSignature, Vec<Vec<u8>>);

/// The signatures of a package.
#[derive(Default)]
pub(super) struct PackageSignatures {
    /// Name, signature and certificates of each.
    pub(super) all: Vec<NamedSignature>,
    /// Names, in lower case, of the parts that make up the signatures.
    pub(super) parts: BTreeSet<String>,
}

impl PackageSignatures {
    /// Adds a part and its relationships part to `parts`.
    fn add_part(&mut self, part: &str) {
        self.parts.insert(part.to_lowercase());
        self.parts.insert(relationships_of(part).to_lowercase());
    }
}

/// All signatures with their certificates; `None`, with a finding, if the package is not signed or a signature cannot be
/// read.
pub(super) fn find(
    archive: &Archive<'_>,
    root: &[Relationship],
    policy: &Policy,
    report: &mut Report<'_>,
) -> io::Result<Option<PackageSignatures>> {
    let (mut names, mut found) = (Vec::new(), PackageSignatures::default());
    let origins = targets("", root, ORIGIN);
    if origins.len() > 1 {
        report.add(
            Check::Malformed,
            "the package has several signature origins, and may have one; create it again",
        );
        return Ok(None);
    }
    for origin in origins {
        // ECMA-376 part 2, 10.3.1: the origin is an empty part, and no signature covers it.
        if archive.find(&origin).is_some_and(|entry| entry.size != 0) {
            let message = format!(
                "the signature origin {origin} is not empty, and no signature covers it; create the package again"
            );
            report.add(Check::Malformed, message);
            return Ok(None);
        }
        if archive.find(&relationships_of(&origin)).is_some() {
            let Some(links) = links::of_part(archive, &origin, report)? else {
                return Ok(None);
            };
            names.extend(targets(&origin, &links, SIGNATURE));
            found.add_part(&origin);
        }
    }
    if names.is_empty() {
        let level = if policy.signers.allow_unsigned { Level::Warn } else { Level::Error };
        report.add_at(
            Check::Unsigned,
            level,
            "the package is not signed; sign it in HLK Studio before it is dropped",
        );
        return Ok(None);
    }
    for name in names.into_iter().take(MAX_TARGETS) {
        if read(archive, name, &mut found, report)?.is_none() {
            return Ok(None);
        }
    }
    Ok(Some(found))
}

/// Adds the signature in a part, with its certificates; `None`, with a finding, if it cannot be read.
fn read(
    archive: &Archive<'_>,
    name: String,
    found: &mut PackageSignatures,
    report: &mut Report<'_>,
) -> io::Result<Option<()>> {
    let signature =
        part_text(archive, &name)?.map_err(str::to_owned).and_then(|text| XmlSignature::read(&text));
    let signature = match signature {
        Ok(signature) => signature,
        Err(reason) => {
            report.add(
                Check::SignatureMalformed,
                format!("the signature {name} cannot be read: {reason}; sign the package again"),
            );
            return Ok(None);
        }
    };
    let mut certificates = signature.certificates.clone();
    if archive.find(&relationships_of(&name)).is_some() {
        let Some(links) = links::of_part(archive, &name, report)? else {
            return Ok(None);
        };
        for part in targets(&name, &links, CERTIFICATE) {
            if let Some(entry) = archive.find(&part) {
                // A part that cannot be read is no certificate, which is reported later.
                certificates.push(archive.read(entry, CERTIFICATE_SIZE)?.unwrap_or_default());
            }
            found.parts.insert(part.to_lowercase());
        }
    }
    found.add_part(&name);
    found.all.push((name, signature, certificates));
    Ok(Some(()))
}
