//! Checks the entries that an INF must have.

use super::super::checks::{Check, Report};
use super::super::facts::{FileFact, InfFacts};
use super::super::inf::{Encoding, InfNotes};
use super::super::policy::Policy;
use super::names::{folder, several, shown};
use super::{extension_infs, inf_devices, inf_version};

/// Signatures of INFs for any version of Windows (inf-version-section.md).
const SIGNATURES: [&str; 3] = ["$Windows NT$", "$Chicago$", "$Windows 95$"];

pub(super) fn check(
    report: &mut Report<'_>,
    policy: &Policy,
    binaries: &[&FileFact],
    inf: &InfFacts,
    notes: &InfNotes,
) {
    let path = shown(&inf.path);
    let fault = match notes.signature.as_deref() {
        None => Some("has no [Version] section with a Signature".to_owned()),
        Some(text) if !SIGNATURES.iter().any(|known| known.eq_ignore_ascii_case(text)) => {
            Some(format!("has Signature = {}, which Windows does not accept", shown(text)))
        }
        Some(_) => None,
    };
    if let Some(fault) = fault {
        let message = format!("{path} {fault}; write Signature = \"$WINDOWS NT$\" in [Version]");
        return report.add(Check::InfMalformed, message);
    }
    if matches!(notes.encoding, Encoding::Utf8 | Encoding::Ansi) {
        let message =
            format!("{path} has characters beyond ASCII, but is not encoded in UTF-16; save it as UTF-16 LE");
        report.add(Check::InfEncoding, message);
    }
    let fields = [("Provider", &inf.provider), ("Class", &inf.class), ("ClassGuid", &inf.class_guid)];
    let missing: Vec<&str> =
        fields.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| *name).collect();
    if !missing.is_empty() {
        let message = format!("{path} has no {} in [Version]; add it", missing.join(", no "));
        report.add(Check::InfIncomplete, message);
    }
    inf_version::check(report, policy.now, inf, notes, &path);
    if notes.catalogs.is_empty() {
        let message = format!(
            "{path} names no CatalogFile in [Version], so Windows treats its driver as unsigned; add CatalogFile"
        );
        report.add(Check::InfNoCatalog, message);
    }
    if !inf.pnp_lockdown {
        let message = format!("{path} does not set PnpLockdown = 1 in [Version]; add it");
        report.add(Check::InfPnpLockdown, message);
    }
    inf_devices::check(report, inf, notes, &path);
    check_decoration(report, binaries, inf, notes, &path);
    if !notes.undefined_strings.is_empty() {
        let names = several(notes.undefined_strings.iter().map(String::as_str));
        let message = format!("{path} uses strings that [Strings] does not define: {names}; define them");
        report.add(Check::InfUndefinedString, message);
    }
    extension_infs::check(report, inf, &path);
}

/// Models without an architecture are for x86 only. A binary for another architecture beside the INF suggests that the
/// models are meant for that architecture.
fn check_decoration(
    report: &mut Report<'_>,
    binaries: &[&FileFact],
    inf: &InfFacts,
    notes: &InfNotes,
    path: &str,
) {
    if !notes.has_undecorated_models {
        return;
    }
    let parent = folder(&inf.path);
    let machines_beside = binaries
        .iter()
        .filter(|file| folder(&file.path).eq_ignore_ascii_case(parent))
        .filter_map(|file| file.machine.as_deref());
    if let Some(machine) = machines_beside.into_iter().find(|machine| !inf.architectures.contains(*machine)) {
        let message = format!(
            "{path} has models without an architecture, which are for x86 only, but a binary beside it is for {machine}; \
             decorate them with NT{machine}"
        );
        report.add(Check::InfUndecorated, message);
    }
}
