//! What an INF must say.

use super::super::checks::{Check, Report};
use super::super::facts::{Facts, InfFacts};
use super::super::inf::{Encoding, InfNotes};
use super::{folder, several, shown};

/// Signatures of INFs for any version of Windows (inf-version-section.md).
const SIGNATURES: [&str; 3] = ["$Windows NT$", "$Chicago$", "$Windows 95$"];
/// The class of extension INFs.
const EXTENSION_CLASS: &str = "{e2f84ce7-8efa-411c-aa69-97454ca4cb57}";

pub(super) fn judge(report: &mut Report<'_>, facts: &Facts, inf: &InfFacts, notes: &InfNotes) {
    let path = shown(&inf.path);
    let wrong = match notes.signature.as_deref() {
        None => Some("has no [Version] section with a Signature".to_owned()),
        Some(text) if !SIGNATURES.iter().any(|known| known.eq_ignore_ascii_case(text)) => {
            Some(format!("says Signature = {}, which Windows does not know", shown(text)))
        }
        Some(_) => None,
    };
    if let Some(wrong) = wrong {
        let message = format!(
            "{path} {wrong}, so Windows does not take it for an INF: write Signature = \"$WINDOWS NT$\""
        );
        return report.say(Check::InfMalformed, message);
    }
    if matches!(notes.encoding, Encoding::Utf8 | Encoding::Ansi) {
        let message =
            format!("{path} holds more than ASCII, but is not written in UTF-16; save it as UTF-16 LE");
        report.say(Check::InfEncoding, message);
    }
    let fields = [("Provider", &inf.provider), ("Class", &inf.class), ("ClassGuid", &inf.class_guid)];
    let missing: Vec<&str> =
        fields.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| *name).collect();
    if !missing.is_empty() {
        report.say(
            Check::InfIncomplete,
            format!("{path} says no {} in [Version]; add it", missing.join(", no ")),
        );
    }
    version(report, inf, notes, &path);
    if notes.catalogs.is_empty() {
        let message =
            format!("{path} names no CatalogFile in [Version], so its driver counts as unsigned; add one");
        report.say(Check::InfNoCatalog, message);
    }
    if !inf.pnp_lockdown {
        report
            .say(Check::InfPnpLockdown, format!("{path} does not set PnpLockdown = 1 in [Version]; add it"));
    }
    undecorated(report, facts, inf, notes, &path);
    if !notes.undefined.is_empty() {
        let names = several(notes.undefined.iter().map(String::as_str));
        let message = format!("{path} uses strings that [Strings] does not define: {names}; define them");
        report.say(Check::InfUndefinedString, message);
    }
    extension(report, inf, &path);
}

fn version(report: &mut Report<'_>, inf: &InfFacts, notes: &InfNotes, path: &str) {
    if let Some(placeholder) = notes.unstamped {
        let message =
            format!("{path} still holds {placeholder}: it was never stamped; run stampinf in the build");
        report.say(Check::InfUnstamped, message);
    }
    let wrong = match (&notes.driver_version, &inf.date, &inf.version) {
        (None, ..) => {
            Some("has no DriverVer in [Version]: it was never stamped; run stampinf in the build".to_owned())
        }
        (Some(text), None, _) | (Some(text), _, None) => Some(format!(
            "says DriverVer = {}, which is not mm/dd/yyyy,w.x.y.z with numbers below 65535; correct it",
            shown(text)
        )),
        (_, _, Some(version)) if version == "0.0.0.0" => {
            Some("says version 0.0.0.0 in DriverVer; give it a version".to_owned())
        }
        _ => None,
    };
    if let Some(wrong) = wrong {
        report.say(Check::InfDriverVer, format!("{path} {wrong}"));
    }
}

/// Models without an architecture are for x86; a binary beside them that is not shows what was meant.
fn undecorated(report: &mut Report<'_>, facts: &Facts, inf: &InfFacts, notes: &InfNotes, path: &str) {
    if !notes.undecorated {
        return;
    }
    let place = folder(&inf.path);
    let beside = facts
        .files
        .iter()
        .filter(|file| folder(&file.path).eq_ignore_ascii_case(place))
        .filter_map(|file| file.machine.as_deref());
    if let Some(machine) = beside.into_iter().find(|machine| !inf.architectures.contains(*machine)) {
        let message = format!(
            "{path} has models without an architecture, which are for x86 alone, but a binary beside it is for {machine}; \
             decorate them: NT{machine}"
        );
        report.say(Check::InfUndecorated, message);
    }
}

fn is_extension(inf: &InfFacts) -> bool {
    let class = inf.class.as_deref().is_some_and(|class| class.eq_ignore_ascii_case("Extension"));
    let guid = inf.class_guid.as_deref().is_some_and(|guid| guid.eq_ignore_ascii_case(EXTENSION_CLASS));
    class || guid || inf.extension_id.is_some()
}

/// True for `{8-4-4-4-12}` hexadecimal digits.
fn is_guid(text: &str) -> bool {
    let inner = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
    let lengths: Vec<usize> = inner.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && inner.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

fn extension(report: &mut Report<'_>, inf: &InfFacts, path: &str) {
    if !is_extension(inf) {
        return;
    }
    let wrong = match inf.extension_id.as_deref() {
        None => Some("has no ExtensionId".to_owned()),
        Some(id) if !is_guid(id) => {
            Some(format!("says ExtensionId = {}, which is no GUID in braces", shown(id)))
        }
        Some(_) if !inf.class.as_deref().is_some_and(|class| class.eq_ignore_ascii_case("Extension")) => {
            Some("has an ExtensionId, but its Class is not Extension".to_owned())
        }
        Some(_)
            if !inf.class_guid.as_deref().is_some_and(|guid| guid.eq_ignore_ascii_case(EXTENSION_CLASS)) =>
        {
            Some(format!("is an extension INF, but its ClassGuid is not {EXTENSION_CLASS}"))
        }
        Some(_) => None,
    };
    if let Some(wrong) = wrong {
        report.say(Check::ExtensionIdMissing, format!("{path} {wrong}; correct its [Version] section"));
    }
    let broad: Vec<&str> = inf.hardware_ids.iter().map(String::as_str).filter(|id| is_broad(id)).collect();
    if !broad.is_empty() {
        let message = format!(
            "{path} is an extension INF for hardware ids that many devices share: {}; name the device, best the subsystem too",
            several(broad)
        );
        report.say(Check::ExtensionBroad, message);
    }
}

/// True for an id that names a bus and a vendor or a class, but no device.
fn is_broad(id: &str) -> bool {
    let id = id.to_ascii_uppercase();
    match id.split_once('\\') {
        Some(("PCI", rest)) => !rest.contains("DEV_"),
        Some(("USB", rest)) => !rest.contains("PID_"),
        Some((_, rest)) => rest.is_empty() || rest == "*",
        None => id == "*",
    }
}

/// What only the package as a whole shows of extension INFs.
pub(super) fn judge_extensions(report: &mut Report<'_>, facts: &Facts) {
    let extensions: Vec<&str> =
        facts.infs.iter().filter(|inf| is_extension(inf)).map(|inf| inf.path.as_str()).collect();
    if extensions.len() > 1 {
        let message = format!(
            "several extension INFs in one package: {}; send each in a package of its own",
            several(extensions)
        );
        report.say(Check::ExtensionSeveral, message);
    }
}
