//! Extension INFs (using-an-extension-inf-file.md).

use super::super::checks::{Check, Report};
use super::super::facts::{Facts, InfFacts};
use super::names::{several, shown};

/// The class of extension INFs.
const EXTENSION_CLASS: &str = "{e2f84ce7-8efa-411c-aa69-97454ca4cb57}";

pub(super) fn check(report: &mut Report<'_>, inf: &InfFacts, path: &str) {
    if !is_extension(inf) {
        return;
    }
    let fault = match inf.extension_id.as_deref() {
        None => Some("is of the class of extension INFs, but has no ExtensionId".to_owned()),
        Some(id) if !is_guid(id) => {
            Some(format!("has ExtensionId = {}, which is not a GUID in braces", shown(id)))
        }
        Some(_) if !has_extension_class(inf) => {
            Some("has an ExtensionId, but its Class is not Extension".to_owned())
        }
        Some(_) if !has_extension_guid(inf) => {
            Some(format!("is an extension INF, but its ClassGuid is not {EXTENSION_CLASS}"))
        }
        Some(_) => None,
    };
    if let Some(fault) = fault {
        report.add(Check::ExtensionIdMissing, format!("{path} {fault}; correct its [Version] section"));
    }
    let broad: Vec<&str> = inf.hardware_ids.iter().map(String::as_str).filter(|id| is_broad(id)).collect();
    if !broad.is_empty() {
        let message = format!(
            "{path} is an extension INF for hardware ids that many devices share: {}; name the device, preferably with its \
             subsystem",
            several(broad)
        );
        report.add(Check::ExtensionBroad, message);
    }
}

/// Checks that the package has at most one extension INF.
pub(super) fn check_number(report: &mut Report<'_>, facts: &Facts) {
    let extensions: Vec<&str> =
        facts.infs.iter().filter(|inf| is_extension(inf)).map(|inf| inf.path.as_str()).collect();
    if extensions.len() > 1 {
        let message = format!(
            "several extension INFs in one package: {}; submit each in a package of its own",
            several(extensions)
        );
        report.add(Check::ExtensionSeveral, message);
    }
}

fn is_extension(inf: &InfFacts) -> bool {
    has_extension_class(inf) || has_extension_guid(inf) || inf.extension_id.is_some()
}

fn has_extension_class(inf: &InfFacts) -> bool {
    inf.class.as_deref().is_some_and(|class| class.eq_ignore_ascii_case("Extension"))
}

fn has_extension_guid(inf: &InfFacts) -> bool {
    inf.class_guid.as_deref().is_some_and(|guid| guid.eq_ignore_ascii_case(EXTENSION_CLASS))
}

/// True for `{8-4-4-4-12}` hexadecimal digits.
fn is_guid(text: &str) -> bool {
    let inner = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
    let lengths: Vec<usize> = inner.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && inner.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
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
