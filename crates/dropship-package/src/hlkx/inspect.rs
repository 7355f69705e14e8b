//! Inspects a complete `.hlkx`.

use std::collections::BTreeSet;
use std::io;

use super::archive::Archive;
use super::directory::ArchiveFault;
use super::info::HlkxInfo;
use super::opc::{ContentTypes, Relationship, part_text, resolve};
use super::{links, opc, parts, signature_check, signatures, xml};
use crate::checks::{Check, Report};
use crate::facts::{Facts, FileFact, Kind};
use crate::hash;
use crate::input::Input;
use crate::policy::Policy;
use crate::preview::Previewed;
use crate::verdict::Level;

/// End of the relationship type of `PackageInfo.xml`, in both spellings that real packages have.
const PACKAGE_INFO: &str = "/windows/kits/hardware/2010/packageinfo";
const PACKAGE_INFO_PART: &str = "hck/data/PackageInfo.xml";

/// Inspects a complete `.hlkx`.
pub(crate) fn inspect(
    input: Input<'_>,
    policy: &Policy,
    report: &mut Report<'_>,
    previewed: &Previewed,
) -> io::Result<Option<Facts>> {
    let archive = match Archive::open(input)? {
        Ok(archive) => archive,
        Err(fault) => {
            report_fault(report, fault);
            return Ok(None);
        }
    };
    let Some(root) = links::of_part(&archive, "", report)? else {
        return Ok(None);
    };
    let Some(types) = content_types(&archive, report)? else {
        return Ok(None);
    };
    let mut facts = unverified_facts(&archive, input.len());
    let info_part = package_info_part(&root);
    let Some(signatures) = signatures::find(&archive, &root, policy, report)? else {
        // Nothing vouches for the parts, but the policy may allow that.
        let info = part_text(&archive, &info_part)?;
        package_info(&info_part, info, report, &mut facts);
        return Ok(Some(facts));
    };
    let mut good = Vec::new();
    for (name, signature, certificates) in &signatures.all {
        let signer = signature_check::check(name, signature, certificates, policy, report);
        facts.signer = facts.signer.take().or(signer);
        good.push(signature);
    }
    // A bad signature or signer ends the inspection before any part is read: its author decides the cost of reading them.
    if report.rejects() {
        return Ok(Some(facts));
    }
    let archive = archive.previewed(previewed.part_digests.as_ref());
    let (content, info_bytes) = parts::check(&archive, &types, &good, &signatures.parts, &info_part, report)?;
    facts.content_sha256 = Some(hash::hex(&content));
    let info = match info_bytes {
        Some(bytes) => xml::text(&bytes),
        None if archive.find(&info_part).is_none() => Err("it is missing"),
        None => Err("it is damaged, or no signature covers it"),
    };
    package_info(&info_part, info, report, &mut facts);
    Ok(Some(facts))
}

/// The content types of the parts; reports them if they cannot be used.
fn content_types(archive: &Archive<'_>, report: &mut Report<'_>) -> io::Result<Option<ContentTypes>> {
    let text = part_text(archive, opc::CONTENT_TYPES)?.map_err(str::to_owned);
    match text.and_then(|text| ContentTypes::read(&text)) {
        Ok(types) => Ok(Some(types)),
        Err(reason) => {
            report.add(
                Check::Malformed,
                format!("{} cannot be used: {reason}; create the package again", opc::CONTENT_TYPES),
            );
            Ok(None)
        }
    }
}

/// What the directory of the archive says.
fn unverified_facts(archive: &Archive<'_>, size: u64) -> Facts {
    let files = archive.entries.iter();
    Facts {
        kind: Kind::Hlkx,
        size,
        files: files
            .map(|entry| FileFact { path: entry.name.clone(), size: u64::from(entry.size), machine: None })
            .collect(),
        infs: Vec::new(),
        architectures: BTreeSet::new(),
        signer: None,
        hlkx: None,
        content_sha256: None,
    }
}

fn report_fault(report: &mut Report<'_>, fault: ArchiveFault) {
    match fault {
        ArchiveFault::Zip64 => {
            let message = "the archive uses Zip64, which the dashboard refuses; unpack it and zip it again without \
                           (the signature stays valid)";
            report.add(Check::HlkxZip64, message);
            if report.level(Check::HlkxZip64) != Level::Error {
                report.add(
                    Check::Malformed,
                    "an archive with Zip64 is not read, so its signature cannot be checked",
                );
            }
        }
        ArchiveFault::Duplicate(name) => {
            let message =
                format!("the archive holds {} twice; create the package again", name.escape_debug());
            report.add(Check::DuplicateName, message);
        }
        ArchiveFault::Malformed(reason) => {
            report.add(
                Check::Malformed,
                format!("the archive is malformed: {reason}; create the package again"),
            );
        }
    }
}

/// The name of `PackageInfo.xml`.
fn package_info_part(root: &[Relationship]) -> String {
    let linked = root.iter().find(|link| link.kind.ends_with(PACKAGE_INFO));
    linked.map_or_else(|| PACKAGE_INFO_PART.to_owned(), |link| resolve("", &link.target))
}

fn package_info(name: &str, text: Result<String, &'static str>, report: &mut Report<'_>, facts: &mut Facts) {
    match text.map_err(str::to_owned).and_then(|text| HlkxInfo::read(&text)) {
        Ok(info) => {
            info.check(report);
            facts.architectures = info.architectures;
            facts.hlkx = Some(info.facts);
        }
        Err(reason) => {
            let message =
                format!("{name} cannot be used: {reason}; requested signatures cannot be read from it");
            report.add(Check::HlkxNoInfo, message);
        }
    }
}
