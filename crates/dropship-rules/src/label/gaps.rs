//! Parts of a package that its driver metadata lack: the service completes them some time after the signature.

use std::collections::BTreeSet;

use dropship_hardware::DriverMetadata;
use dropship_package::Facts;

use super::select;
use crate::plan::LabelPlan;

/// Maximum number of gaps that are named.
const NAMED: usize = 5;

/// The gaps of the driver metadata of a package, in words: `echo.inf`, or a requested OS code. Empty if they seem
/// complete.
///
/// An INF without hardware ids is never in the metadata. A code is missed only if another code of its architecture is there:
/// the service leaves out systems that no INF supports.
#[must_use]
pub fn gaps(metadata: &DriverMetadata, facts: &Facts, codes: &[String]) -> Vec<String> {
    let rows: Vec<_> = metadata.targets().collect();
    if rows.is_empty() {
        return vec!["every hardware id".to_owned()];
    }
    let described: BTreeSet<String> = rows.iter().map(|(_, inf, ..)| inf.to_lowercase()).collect();
    let infs = facts.infs.iter().filter(|inf| !inf.hardware_ids.is_empty());
    let infs = infs.filter(|inf| !described.contains(&inf.name.to_lowercase())).map(|inf| inf.name.clone());
    let systems: BTreeSet<String> = rows.iter().map(|(_, _, os, _)| os.to_uppercase()).collect();
    let has_sibling = |code: &str| systems.iter().any(|system| architecture(system) == architecture(code));
    let missing = codes.iter().filter(|code| {
        let code = code.to_uppercase();
        !systems.contains(&code) && has_sibling(&code)
    });
    infs.chain(missing.cloned()).take(NAMED).collect()
}

/// Whether the driver metadata have a row that the label targets.
#[must_use]
pub fn selects(plan: &LabelPlan, metadata: &DriverMetadata) -> bool {
    select::select(&plan.targets, metadata).is_ok()
}

/// Architecture and kind of an OS code in upper case; a code for x86 names no architecture.
fn architecture(code: &str) -> (&str, bool) {
    let tag = code.split('_').find(|part| ["ARM64", "ARM", "X64", "IA64"].contains(part));
    (tag.unwrap_or("X86"), code.contains("SERVER"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use dropship_package::Kind;
    use dropship_package::facts::InfFacts;

    fn facts(infs: &[(&str, &[&str])]) -> Facts {
        let inf = |(name, ids): &(&str, &[&str])| InfFacts {
            name: (*name).to_owned(),
            hardware_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            ..InfFacts::default()
        };
        Facts {
            kind: Kind::Cab,
            size: 1,
            files: Vec::new(),
            infs: infs.iter().map(inf).collect(),
            architectures: BTreeSet::new(),
            signer: None,
            hlkx: None,
            content_sha256: None,
        }
    }

    fn metadata(infs: &serde_json::Value) -> DriverMetadata {
        serde_json::from_value(json!({"BundleInfoMap": {"b": {"InfInfoMap": infs}}})).expect("metadata")
    }

    #[test]
    fn missing_infs_and_systems_are_gaps() {
        let codes = ["WINDOWS_v100_X64_CO_FULL", "WINDOWS_v100_X64_NI_FULL", "WINDOWS_v100_ARM64_NI_FULL"];
        let codes = codes.map(str::to_owned);
        let facts = facts(&[("Echo.inf", &["PCI\\A"]), ("tool.inf", &[])]);
        let row = json!({"pci\\a": {}});
        let whole = json!({"echo.inf": {"OSPnPInfoMap": {"WINDOWS_v100_X64_CO_FULL": row, "WINDOWS_v100_X64_NI_FULL": row}}});
        assert!(
            gaps(&metadata(&whole), &facts, &codes).is_empty(),
            "no INF supports ARM64, and tool.inf has no ids"
        );
        let half = json!({"echo.inf": {"OSPnPInfoMap": {"windows_v100_x64_ni_full": row}}});
        assert_eq!(gaps(&metadata(&half), &facts, &codes), ["WINDOWS_v100_X64_CO_FULL"]);
        let other = json!({"other.inf": {"OSPnPInfoMap": {"WINDOWS_v100_X64_CO_FULL": row, "WINDOWS_v100_X64_NI_FULL": row}}});
        assert_eq!(gaps(&metadata(&other), &facts, &codes), ["Echo.inf"]);
        let nothing = json!({"echo.inf": {"OSPnPInfoMap": {"WINDOWS_v100_X64_CO_FULL": {}}}});
        assert_eq!(gaps(&metadata(&nothing), &facts, &codes), ["every hardware id"]);
    }
}
