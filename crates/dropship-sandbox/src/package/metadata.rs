//! The driver metadata: the hardware ids that labels can target, from the INF files and the requested signatures.

use serde_json::{Map, Value, json};

use crate::app::App;
use crate::ids::guid_for;
use crate::lock::lock;
use crate::package::inf::{Inf, InfModel};
use crate::package::package_facts::{PackageFacts, PackageInf};
use crate::quirks::{Quirk, Quirks};

/// The driver metadata of a submission.
pub(crate) fn build(analysis: &PackageFacts, codes: &[String], sid: u64, quirks: Quirks) -> Value {
    let mut bundles = Map::new();
    let codes = if codes.is_empty() { &analysis.codes } else { codes };
    if analysis.infs.is_empty() {
        let inf = PackageInf { folder: String::new(), name: "sandbox.inf".to_owned(), inf: placeholder() };
        add(&mut bundles, &inf, codes, sid, quirks);
    }
    for inf in &analysis.infs {
        add(&mut bundles, inf, codes, sid, quirks);
    }
    if quirks.has(Quirk::SparseMetadata) {
        bundles.insert(guid_for("an empty bundle"), json!({"Locales": null, "InfInfoMap": null}));
    }
    json!({ "BundleInfoMap": bundles })
}

/// Which download of the metadata of a submission this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MetadataDownload {
    /// By quirk, the first one lacks hardware ids.
    Incomplete,
    /// The one after it has all.
    Completed,
    /// Any other.
    Usual,
}

/// Counts a download of the metadata of a submission.
pub(crate) fn count_download(app: &App, sid: u64) -> MetadataDownload {
    let mut state = lock(&app.state);
    let mut products = state.products.values();
    match products.find_map(|product| product.submissions.get(&sid)?.metadata_incomplete) {
        Some(true) => return MetadataDownload::Incomplete,
        Some(false) => return MetadataDownload::Completed,
        None if !app.has(Quirk::IncompleteMetadata) => return MetadataDownload::Usual,
        None => {}
    }
    match state.count(Quirk::IncompleteMetadata, sid.to_string()) {
        0 => MetadataDownload::Incomplete,
        1 => MetadataDownload::Completed,
        _ => MetadataDownload::Usual,
    }
}

/// The file with the metadata.
pub(crate) fn file(mut metadata: Value, download: MetadataDownload, quirks: Quirks) -> String {
    if download == MetadataDownload::Incomplete {
        remove_unread(&mut metadata);
    }
    let mark = if quirks.has(Quirk::MetadataBom) { "\u{feff}" } else { "" };
    format!("{mark}{metadata}")
}

/// Removes all INFs but the first, and its first operating system: the service has not read the whole package yet.
fn remove_unread(metadata: &mut Value) {
    let bundles = metadata.get_mut("BundleInfoMap").and_then(Value::as_object_mut);
    let mut infs = bundles
        .into_iter()
        .flat_map(|bundles| bundles.values_mut())
        .filter_map(|bundle| bundle.get_mut("InfInfoMap").and_then(Value::as_object_mut));
    if let Some(first) = infs.next() {
        let first_name = first.keys().next().cloned();
        first.retain(|name, _| Some(name) == first_name.as_ref());
        let systems = first.values_mut().next().and_then(|inf| inf.get_mut("OSPnPInfoMap"));
        if let Some(systems) = systems.and_then(Value::as_object_mut)
            && let Some(oldest) = systems.keys().next().cloned()
        {
            systems.remove(&oldest);
        }
    }
    infs.for_each(Map::clear);
}

/// A driver for packages without a readable INF.
fn placeholder() -> Inf {
    Inf {
        class: "System".to_owned(),
        class_guid: "{4d36e97d-e325-11ce-bfc1-08002be10318}".to_owned(),
        provider: "Sandbox".to_owned(),
        date: "01/01/2025".to_owned(),
        version: "1.0.0.0".to_owned(),
        models: vec![InfModel {
            arch: String::new(),
            manufacturer: "Sandbox".to_owned(),
            description: "A device of the sandbox".to_owned(),
            id: "root\\sandbox_device".to_owned(),
        }],
        ..Inf::default()
    }
}

fn add(bundles: &mut Map<String, Value>, inf: &PackageInf, codes: &[String], sid: u64, quirks: Quirks) {
    let id = if quirks.has(Quirk::ShortBundleIds) {
        let folder = inf.folder.rsplit('/').next().filter(|folder| !folder.is_empty()).unwrap_or("amd64");
        folder.to_owned()
    } else {
        guid_for(&format!("bundle {sid} {}", inf.folder))
    };
    let bundle = bundles.entry(id).or_insert_with(|| json!({"Locales": ["English"], "InfInfoMap": {}}));
    if let Some(infs) = bundle.get_mut("InfInfoMap").and_then(Value::as_object_mut) {
        infs.insert(inf.name.clone(), inf_info(inf, codes, quirks));
    }
}

fn inf_info(package_inf: &PackageInf, codes: &[String], quirks: Quirks) -> Value {
    let inf = &package_inf.inf;
    let chids = if quirks.has(Quirk::SparseMetadata) && inf.chids.is_empty() {
        Value::Null
    } else {
        json!(inf.chids)
    };
    let mut systems = Map::new();
    for code in codes_or_default(inf, codes) {
        let mut devices = Map::new();
        for model in inf.models.iter().filter(|model| is_for_code(&model.arch, &code)) {
            let mut device = json!({
                "Manufacturer": model.manufacturer, "DeviceDescription": model.description, "FeatureScore": null,
            });
            if quirks.has(Quirk::CeilingOsCode) {
                device["CeilingOsCode"] = json!(ceiling(&code));
            }
            devices.insert(model.id.clone(), device);
        }
        systems.insert(code, Value::Object(devices));
    }
    json!({
        "DriverPackageFamilyId": guid_for(&format!("family {} {}", inf.provider, package_inf.name)),
        "InfClass": inf.class, "DriverVersion": inf.version, "DriverDate": iso_date(&inf.date),
        "ExtensionId": inf.extension_id, "Provider": inf.provider, "ClassGuid": inf.class_guid,
        "InstallationComputerHardwareIds": chids, "OSPnPInfoMap": systems,
    })
}

/// The newest operating system code that a row of an older one may reach: the newest of the same architecture.
fn ceiling(code: &str) -> String {
    let upper = code.to_ascii_uppercase();
    let server = if upper.contains("_SERVER_") { "SERVER_" } else { "" };
    match ["ARM64", "X64"].into_iter().find(|tag| upper.split('_').any(|part| part == *tag)) {
        Some(tag) if upper.starts_with("WINDOWS_V100_") => format!("WINDOWS_v100_{server}{tag}_26H1_FULL"),
        _ => code.to_owned(),
    }
}

/// The requested codes; without any, one for each architecture of the INF.
fn codes_or_default(inf: &Inf, codes: &[String]) -> Vec<String> {
    if !codes.is_empty() {
        return codes.to_vec();
    }
    let all = ["WINDOWS_v100_X64_GE_FULL", "WINDOWS_v100_ARM64_GE_FULL", "WINDOWS_v100_VB_FULL"];
    let named = all.iter().filter(|code| inf.models.iter().any(|model| is_for_code(&model.arch, code)));
    named.map(|code| (*code).to_owned()).collect()
}

/// Whether an architecture matches an operating system code. Codes for x86 have no architecture tag.
fn is_for_code(arch: &str, code: &str) -> bool {
    let code = code.to_ascii_uppercase();
    let of_code =
        ["ARM64", "X64", "IA64", "ARM"].into_iter().find(|tag| code.split('_').any(|part| part == *tag));
    match arch {
        "" => true,
        "amd64" => of_code == Some("X64"),
        "x86" => of_code.is_none(),
        other => of_code.is_some_and(|tag| tag.eq_ignore_ascii_case(other)),
    }
}

/// `06/15/2025` to `2025-06-15T00:00:00`.
fn iso_date(date: &str) -> String {
    let parts: Vec<&str> = date.split('/').collect();
    match parts.as_slice() {
        [month, day, year] => format!("{year}-{month:0>2}-{day:0>2}T00:00:00"),
        _ => "0001-01-01T00:00:00".to_owned(),
    }
}

/// Whether the metadata contains a hardware id for a bundle, an INF and an operating system code.
pub(crate) fn contains(metadata: &Value, bundle: &str, inf: &str, code: &str, id: &str) -> bool {
    let infs = &field(&metadata["BundleInfoMap"], bundle)["InfInfoMap"];
    let systems = &field(infs, inf)["OSPnPInfoMap"];
    !field(field(systems, code), id).is_null()
}

/// The value of a key, whatever its case is. A label can have tens of thousands of hardware ids, so nothing is copied.
fn field<'m>(map: &'m Value, key: &str) -> &'m Value {
    static NONE: Value = Value::Null;
    let Some(fields) = map.as_object() else { return &NONE };
    let in_other_case =
        || fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value);
    fields.get(key).or_else(in_other_case).unwrap_or(&NONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn architecture_matches_its_operating_system_codes() {
        assert!(
            is_for_code("amd64", "WINDOWS_v100_X64_CO_FULL")
                && !is_for_code("amd64", "WINDOWS_v100_ARM64_CO_FULL")
        );
        assert!(
            is_for_code("arm64", "WINDOWS_v100_ARM64_CO_FULL") && is_for_code("x86", "WINDOWS_v100_RS1_FULL")
        );
        assert!(is_for_code("", "WINDOWS_v100_X64_CO_FULL"));
    }

    #[test]
    fn hardware_id_is_found_whatever_its_case_is() {
        let metadata = serde_json::json!({"BundleInfoMap": {"B": {"InfInfoMap": {"a.inf": {"OSPnPInfoMap": {"OS": {"PCI\\X": {}}}}}}}});
        assert!(
            contains(&metadata, "B", "a.inf", "OS", "PCI\\X")
                && contains(&metadata, "b", "A.INF", "os", "pci\\x")
        );
        for (bundle, inf, code, id) in
            [("c", "a.inf", "OS", "PCI\\X"), ("B", "b.inf", "OS", "PCI\\X"), ("B", "a.inf", "OS", "PCI\\Y")]
        {
            assert!(!contains(&metadata, bundle, inf, code, id), "{bundle} {inf} {code} {id}");
        }
    }

    #[test]
    fn inf_date_becomes_iso_date() {
        assert_eq!(iso_date("6/5/2025"), "2025-06-05T00:00:00");
    }
}
