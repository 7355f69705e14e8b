//! Signed packages of the Hardware Lab Kit.
//!
//! Driver files inside are kept in a form that is not public, so INFs are not read.

mod archive;
mod info;
mod opc;
mod parts;
mod signature;
mod xml;

use std::collections::BTreeSet;
use std::io;

use crate::checks::{Check, Report};
use crate::facts::{Facts, FileFact, Kind, SignerFacts};
use crate::input::Input;
use crate::policy::Policy;
use crate::signature::certificate::Certificate;
use crate::signature::public_key::PublicKey;
use crate::signature::signer;
use crate::signature::value::{SUPPORTED, ValueFault};
use crate::verdict::Level;
use archive::{Archive, Fault};
use info::Info;
use opc::{
    CERTIFICATE, ContentTypes, ORIGIN, Relationship, SIGNATURE, part_text, relationships, relationships_of,
    resolve,
};
use signature::XmlSignature;

/// Maximum length of a certificate part.
const CERTIFICATE_SIZE: u32 = 64 * 1024;
/// Maximum number of signatures of a package, and of certificates of a signature.
const MOST: usize = 8;
/// End of the relationship type of `PackageInfo.xml`, in both spellings that real packages have.
const PACKAGE_INFO: &str = "/windows/kits/hardware/2010/packageinfo";
const PACKAGE_INFO_PART: &str = "hck/data/PackageInfo.xml";

/// Inspects a complete `.hlkx`.
pub(super) fn inspect(
    input: Input<'_>,
    policy: &Policy,
    report: &mut Report<'_>,
) -> io::Result<Option<Facts>> {
    let archive = match Archive::open(input)? {
        Ok(archive) => archive,
        Err(fault) => {
            report_fault(report, fault);
            return Ok(None);
        }
    };
    let Some(root) = links(&archive, "", report)? else {
        return Ok(None);
    };
    let types = match part_text(&archive, opc::CONTENT_TYPES)?
        .map_err(str::to_owned)
        .and_then(|text| ContentTypes::read(&text))
    {
        Ok(types) => types,
        Err(reason) => {
            report.say(
                Check::Malformed,
                format!("{} cannot be used: {reason}; create the package again", opc::CONTENT_TYPES),
            );
            return Ok(None);
        }
    };
    let mut facts = Facts {
        kind: Kind::Hlkx,
        size: input.len(),
        files: archive
            .entries
            .iter()
            .map(|entry| FileFact { path: entry.name.clone(), size: u64::from(entry.size), machine: None })
            .collect(),
        infs: Vec::new(),
        architectures: BTreeSet::new(),
        signer: None,
        hlkx: None,
    };
    package_info(&archive, &root, report, &mut facts)?;
    let Some(signatures) = signatures(&archive, &root, policy, report)? else {
        return Ok(Some(facts));
    };
    let mut good = Vec::new();
    for (name, signature, certificates) in &signatures.all {
        let signer = check_signature(name, signature, certificates, policy, report);
        facts.signer = facts.signer.take().or(signer);
        good.push(signature);
    }
    parts::check(&archive, &types, &good, &signatures.parts, report)?;
    Ok(Some(facts))
}

fn report_fault(report: &mut Report<'_>, fault: Fault) {
    match fault {
        Fault::Zip64 => {
            let message = "the archive uses Zip64, which the dashboard refuses; unpack it and zip it again without \
                           (the signature stays valid)";
            report.say(Check::HlkxZip64, message);
            if report.level(Check::HlkxZip64) != Level::Error {
                report.say(
                    Check::Malformed,
                    "an archive with Zip64 is not read, so its signature cannot be checked",
                );
            }
        }
        Fault::Duplicate(name) => {
            let message =
                format!("the archive holds {} twice; create the package again", name.escape_debug());
            report.say(Check::DuplicateName, message);
        }
        Fault::Malformed(reason) => {
            report.say(
                Check::Malformed,
                format!("the archive is malformed: {reason}; create the package again"),
            );
        }
    }
}

/// The relationships of a part; `None`, reported, if there are none to read.
fn links(
    archive: &Archive<'_>,
    part: &str,
    report: &mut Report<'_>,
) -> io::Result<Option<Vec<Relationship>>> {
    let name = relationships_of(part);
    let read = part_text(archive, &name)?.map_err(str::to_owned).and_then(|text| relationships(&text));
    Ok(match read {
        Ok(found) => Some(found),
        Err(reason) => {
            report.say(
                Check::Malformed,
                format!("the part {name} cannot be used: {reason}; create the package again"),
            );
            None
        }
    })
}

/// Names of the parts that relationships of a kind lead to.
fn targets(owner: &str, links: &[Relationship], kind: &str) -> Vec<String> {
    let found = links.iter().filter(|link| link.kind == kind && link.mode == "Internal");
    found.take(MOST).map(|link| resolve(owner, &link.target)).collect()
}

fn package_info(
    archive: &Archive<'_>,
    root: &[Relationship],
    report: &mut Report<'_>,
    facts: &mut Facts,
) -> io::Result<()> {
    let linked = root.iter().find(|link| link.kind.ends_with(PACKAGE_INFO));
    let name = linked.map_or_else(|| PACKAGE_INFO_PART.to_owned(), |link| resolve("", &link.target));
    match part_text(archive, &name)?.map_err(str::to_owned).and_then(|text| Info::read(&text)) {
        Ok(info) => {
            info.check(report);
            facts.architectures = info.architectures;
            facts.hlkx = Some(info.facts);
        }
        Err(reason) => {
            let message =
                format!("{name} cannot be used: {reason}; requested signatures cannot be read from it");
            report.say(Check::HlkxNoInfo, message);
        }
    }
    Ok(())
}

type Signed = (String, XmlSignature, Vec<Vec<u8>>);

/// The signatures of a package.
#[derive(Default)]
struct Signatures {
    /// Name, signature and certificates of each.
    all: Vec<Signed>,
    /// Names in lower case of the parts that make them up.
    parts: BTreeSet<String>,
}

impl Signatures {
    /// Notes a part and its relationships.
    fn own(&mut self, part: &str) {
        self.parts.insert(part.to_lowercase());
        self.parts.insert(relationships_of(part).to_lowercase());
    }
}

/// All signatures with their certificates; `None`, reported, if none can be checked.
fn signatures(
    archive: &Archive<'_>,
    root: &[Relationship],
    policy: &Policy,
    report: &mut Report<'_>,
) -> io::Result<Option<Signatures>> {
    let (mut names, mut found) = (Vec::new(), Signatures::default());
    for origin in targets("", root, ORIGIN) {
        if archive.find(&relationships_of(&origin)).is_some() {
            let Some(links) = links(archive, &origin, report)? else {
                return Ok(None);
            };
            names.extend(targets(&origin, &links, SIGNATURE));
            found.own(&origin);
        }
    }
    if names.is_empty() {
        let level = if policy.signers.allow_unsigned { Level::Warn } else { Level::Error };
        report.say_at(
            Check::Unsigned,
            level,
            "the package is not signed; sign it in HLK Studio before it is dropped",
        );
        return Ok(None);
    }
    for name in names.into_iter().take(MOST) {
        let signature =
            part_text(archive, &name)?.map_err(str::to_owned).and_then(|text| XmlSignature::read(&text));
        let signature = match signature {
            Ok(signature) => signature,
            Err(reason) => {
                report.say(
                    Check::SignatureMalformed,
                    format!("the signature {name} cannot be read: {reason}; sign the package again"),
                );
                return Ok(None);
            }
        };
        let mut certificates = signature.certificates.clone();
        if archive.find(&relationships_of(&name)).is_some() {
            let Some(links) = links(archive, &name, report)? else {
                return Ok(None);
            };
            for part in targets(&name, &links, CERTIFICATE) {
                if let Some(entry) = archive.find(&part)
                    && let Ok(der) = archive.read(entry, CERTIFICATE_SIZE)?
                {
                    certificates.push(der);
                }
                found.parts.insert(part.to_lowercase());
            }
        }
        found.own(&name);
        found.all.push((name, signature, certificates));
    }
    Ok(Some(found))
}

/// Checks one signature and its signer.
fn check_signature(
    name: &str,
    signature: &XmlSignature,
    certificates: &[Vec<u8>],
    policy: &Policy,
    report: &mut Report<'_>,
) -> Option<SignerFacts> {
    if signature.sha1 {
        let message = "the package is signed with SHA-1, as older kits do; sign it again with SHA-256";
        report.say(Check::Sha1Digest, message);
    }
    if !signature.objects_hold {
        let message =
            format!("the list of parts in {name} was changed after signing; sign the package again");
        report.say(Check::SignatureInvalid, message);
    }
    let readable: Vec<Certificate<'_>> =
        certificates.iter().filter_map(|der| Certificate::read(der).ok()).collect();
    let Some(first) = readable.first() else {
        let (check, what) = if certificates.is_empty() {
            (Check::SignatureInvalid, "its certificate is not in the package")
        } else {
            (Check::CertMalformed, "its certificate is damaged and cannot be read")
        };
        report.say(check, format!("the signature {name} cannot be checked: {what}; sign the package again"));
        return None;
    };
    let mut fault = None;
    let fitting = readable.iter().find(|certificate| match signature.verify(certificate) {
        Ok(()) => true,
        Err(reason) => {
            fault = Some(reason);
            false
        }
    });
    if fitting.is_none() {
        match fault {
            Some(ValueFault::Unsupported(what)) => {
                report.say(
                    Check::SignatureUnsupported,
                    format!("the signature {name} was made with {what}, which is not supported; {SUPPORTED}"),
                );
            }
            _ => {
                let message = format!(
                    "the signature value of {name} does not fit the certificate; sign the package again"
                );
                report.say(Check::SignatureInvalid, message);
            }
        }
    }
    let leaf = fitting.unwrap_or(first);
    if !matches!(leaf.key, PublicKey::Rsa { .. }) {
        let message = format!(
            "the package is signed with {}; the dashboard fails to open such a package after the commit, and the submission \
             is stuck: sign it with an RSA key",
            leaf.key.describe()
        );
        report.say(Check::HlkxSignerNotRsa, message);
    }
    signer::check(report, leaf, &readable, policy);
    Some(leaf.facts())
}

/// Parses XML and writes its canonical form, which must parse again to the same.
#[cfg(fuzzing)]
pub(super) fn xml_round(bytes: &[u8]) {
    let Ok(text) = xml::text(bytes) else { return };
    let _links = relationships(&text);
    let _types = ContentTypes::read(&text);
    let _info = Info::read(&text);
    let _signature = XmlSignature::read(&text);
    if let Ok(document) = xml::parse(&text) {
        let once = xml::canonical(document.root());
        if let Ok(again) = xml::parse(&once) {
            assert_eq!(xml::canonical(again.root()), once, "canonical form is a fixed point");
        }
    }
}
