//! What a new label takes over from older ones of the same rule and label.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::version::Version;
use dropship_hardware::{
    Action, DriverMetadata, HardwareId, HardwareIdChange, LabelId, LabelUpdate, TargetingUpdate,
};

/// A label that dropship made, as far as superseding needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// Its id.
    pub id: LabelId,
    /// The rule that it was made by.
    pub rule: String,
    /// The label of that rule: [`LabelPlan::key`](crate::plan::LabelPlan::key).
    pub key: String,
    /// What it targets now.
    pub rows: Vec<HardwareId>,
    /// `DriverVer` version by INF file name: [`versions`].
    pub versions: BTreeMap<String, String>,
}

/// What is to be removed from one older label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Superseded {
    /// The older label.
    pub label: LabelId,
    /// The PATCH.
    pub update: LabelUpdate,
    /// Nothing else is left in that label.
    pub empties: bool,
}

/// Version by INF file name, lower case, as the driver metadata states them.
#[must_use]
pub fn versions(metadata: &DriverMetadata) -> BTreeMap<String, String> {
    let infs = metadata.bundles.values().flat_map(|bundle| &bundle.infs);
    infs.filter_map(|(name, info)| Some((name.to_lowercase(), info.driver_version.clone()?))).collect()
}

/// The changes that remove what `new` targets too from older labels of the same rule and label, for a
/// lower `DriverVer` of the same INF, and nothing else.
#[must_use]
pub fn supersede(new: &Published, others: &[Published]) -> Vec<Superseded> {
    let older = others.iter().filter(|old| {
        let twin = old.rule == new.rule && old.key == new.key;
        twin && old.id != new.id
    });
    older.filter_map(|old| remove(new, old)).collect()
}

fn remove(new: &Published, old: &Published) -> Option<Superseded> {
    let target = |row: &HardwareId| {
        (row.inf_id.to_lowercase(), row.operating_system_code.to_lowercase(), row.pnp_string.to_lowercase())
    };
    let taken: Vec<_> = new.rows.iter().map(target).collect();
    let gone = |row: &&HardwareId| taken.contains(&target(row)) && is_newer(new, old, &row.inf_id);
    let changes: Vec<_> = old
        .rows
        .iter()
        .filter(gone)
        .map(|row| HardwareIdChange {
            action: Action::Remove,
            bundle_id: row.bundle_id.clone(),
            inf_id: row.inf_id.clone(),
            operating_system_code: row.operating_system_code.clone(),
            pnp_string: row.pnp_string.clone(),
        })
        .collect();
    if changes.is_empty() {
        return None;
    }
    Some(Superseded {
        label: old.id,
        empties: changes.len() == old.rows.len(),
        update: LabelUpdate {
            targeting: TargetingUpdate { hardware_ids: changes, ..TargetingUpdate::default() },
            ..LabelUpdate::default()
        },
    })
}

/// Whether both versions of the INF are known and the new one is higher.
fn is_newer(new: &Published, old: &Published, inf: &str) -> bool {
    let version = |label: &Published| label.versions.get(&inf.to_lowercase())?.parse::<Version>().ok();
    match (version(new), version(old)) {
        (Some(new), Some(old)) => new > old,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn published(id: u64, rule: &str, version: &str, pnps: &[&str]) -> Published {
        let row = |pnp: &&str| HardwareId {
            bundle_id: format!("bundle-{id}"),
            inf_id: "Echo.inf".to_owned(),
            operating_system_code: "WINDOWS_v100_X64_CO_FULL".to_owned(),
            pnp_string: (*pnp).to_owned(),
            ..HardwareId::default()
        };
        Published {
            id: LabelId(id),
            rule: rule.to_owned(),
            key: "k".to_owned(),
            rows: pnps.iter().map(row).collect(),
            versions: [("echo.inf".to_owned(), version.to_owned())].into(),
        }
    }

    #[test]
    fn superseding_removes_what_both_target_from_lower_versions_and_nothing_else() {
        let new = published(9, "r", "1.10.0.0", &["PCI\\A", "pci\\b"]);
        let mut other_key = published(5, "r", "1.0", &["pci\\a"]);
        other_key.key = "other".to_owned();
        let others = [
            published(1, "r", "1.9.0.0", &["pci\\a", "pci\\c"]),
            published(2, "r", "1.10.0.0", &["pci\\a"]),
            published(3, "other", "1.0", &["pci\\a"]),
            published(4, "r", "1.2", &["pci\\b"]),
            other_key,
            published(6, "r", "no version", &["pci\\a"]),
            new.clone(),
        ];
        let patches = supersede(&new, &others);
        let told: Vec<_> = patches.iter().map(|patch| (patch.label.0, patch.empties)).collect();
        assert_eq!(told, [(1, false), (4, true)]);
        assert_eq!(
            serde_json::to_value(&patches[0].update).expect("json"),
            json!({"targeting": {"hardwareIds": [{"action": "remove", "bundleId": "bundle-1", "infId": "Echo.inf",
                "operatingSystemCode": "WINDOWS_v100_X64_CO_FULL", "pnpString": "pci\\a"}]}})
        );
    }

    #[test]
    fn versions_come_from_the_driver_metadata() {
        let text = json!({"BundleInfoMap": {"b": {"InfInfoMap": {"Echo.INF": {"DriverVersion": "1.2.0.0"}, "x.inf": {}}}}});
        let metadata: DriverMetadata = serde_json::from_value(text).expect("metadata");
        assert_eq!(versions(&metadata), [("echo.inf".to_owned(), "1.2.0.0".to_owned())].into());
    }
}
