//! The targets that a new label takes over from older ones of the same rule and label.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::reach::{Narrower, Reach};
use crate::version::Version;
use dropship_hardware::{
    Action, DriverMetadata, HardwareId, HardwareIdChange, LabelId, LabelUpdate, TargetingUpdate,
};

/// `DriverVer` version of each INF: by bundle id, then by file name in lower case.
pub type Versions = BTreeMap<String, BTreeMap<String, String>>;

/// A label that dropship made, as far as superseding needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesLabel {
    /// Its id.
    pub id: LabelId,
    /// The rule that it was made by.
    pub rule: String,
    /// The label of that rule: [`LabelPlan::key`](crate::plan::LabelPlan::key).
    pub key: String,
    /// Its present targets.
    pub rows: Vec<HardwareId>,
    /// The versions of its package: [`versions`].
    pub versions: Versions,
    /// Its other restrictions.
    pub reach: Reach,
}

/// The targets that are removed from one older label, and those that it keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superseded {
    /// The older label.
    pub label: LabelId,
    /// The PATCH; `None` if it keeps all its targets.
    pub update: Option<LabelUpdate>,
    /// Nothing else is left in that label.
    pub empties: bool,
    /// Targets of both that it keeps, because the new label does not reach all of its machines: how many, by the reason.
    pub kept: BTreeMap<Narrower, usize>,
}

/// The versions that the driver metadata state.
#[must_use]
pub fn versions(metadata: &DriverMetadata) -> Versions {
    let bundle = |infs: &dropship_hardware::Bundle| {
        let version = |(name, info): (&String, &dropship_hardware::InfMetadata)| {
            Some((name.to_lowercase(), info.driver_version.clone()?))
        };
        infs.infs.iter().filter_map(version).collect::<BTreeMap<_, _>>()
    };
    metadata.bundles.iter().map(|(id, infs)| (id.clone(), bundle(infs))).collect()
}

/// Whether any INF of both has a lower version in `older`, in any of its bundles.
#[must_use]
pub fn has_lower_version(older: &Versions, newer: &Versions) -> bool {
    let flat = |versions: &Versions| {
        let infs = versions.values().flatten();
        let parsed = infs.filter_map(|(inf, version)| Some((inf.clone(), version.parse::<Version>().ok()?)));
        parsed.collect::<Vec<_>>()
    };
    let newer = flat(newer);
    flat(older).iter().any(|(inf, lower)| newer.iter().any(|(other, higher)| other == inf && lower < higher))
}

/// The targets that `new` takes over from older labels of the same rule and label: those that it has too, for a higher
/// `DriverVer` of the same INF, if it reaches all machines that the older label reaches.
#[must_use]
pub fn supersede(new: &SeriesLabel, others: &[SeriesLabel]) -> Vec<Superseded> {
    let older = others.iter().filter(|old| {
        let same_series = old.rule == new.rule && old.key == new.key;
        same_series && old.id != new.id
    });
    older.filter_map(|old| supersede_one(new, old)).collect()
}

fn supersede_one(new: &SeriesLabel, old: &SeriesLabel) -> Option<Superseded> {
    let target = |row: &HardwareId| {
        (row.inf_id.to_lowercase(), row.operating_system_code.to_lowercase(), row.pnp_string.to_lowercase())
    };
    let mut new_versions = BTreeMap::new();
    for row in &new.rows {
        let version = version(new, row);
        let highest = new_versions.entry(target(row)).or_insert(version);
        *highest = version.max(*highest);
    }
    let is_newer = |row: &HardwareId| {
        let versions = new_versions.get(&target(row)).copied().flatten().zip(version(old, row));
        versions.is_some_and(|(new, old)| new > old)
    };
    let mut changes = Vec::new();
    let mut kept = BTreeMap::new();
    for row in old.rows.iter().filter(|row| is_newer(row)) {
        match new.reach.narrower_than(&old.reach, &row.operating_system_code) {
            Some(narrower) => *kept.entry(narrower).or_insert(0) += 1,
            None => changes.push(HardwareIdChange {
                action: Action::Remove,
                bundle_id: row.bundle_id.clone(),
                inf_id: row.inf_id.clone(),
                operating_system_code: row.operating_system_code.clone(),
                pnp_string: row.pnp_string.clone(),
            }),
        }
    }
    if changes.is_empty() && kept.is_empty() {
        return None;
    }
    Some(Superseded {
        label: old.id,
        empties: changes.len() == old.rows.len(),
        update: (!changes.is_empty()).then(|| LabelUpdate {
            targeting: TargetingUpdate { hardware_ids: changes, ..TargetingUpdate::default() },
            ..LabelUpdate::default()
        }),
        kept,
    })
}

/// The version of the INF that a target of a label comes from.
fn version(label: &SeriesLabel, row: &HardwareId) -> Option<Version> {
    label.versions.get(&row.bundle_id)?.get(&row.inf_id.to_lowercase())?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn published(id: u64, rule: &str, version: &str, pnps: &[&str]) -> SeriesLabel {
        let row = |pnp: &&str| HardwareId {
            bundle_id: format!("bundle-{id}"),
            inf_id: "Echo.inf".to_owned(),
            operating_system_code: "WINDOWS_v100_X64_CO_FULL".to_owned(),
            pnp_string: (*pnp).to_owned(),
            ..HardwareId::default()
        };
        SeriesLabel {
            id: LabelId(id),
            rule: rule.to_owned(),
            key: "k".to_owned(),
            rows: pnps.iter().map(row).collect(),
            versions: [(format!("bundle-{id}"), [("echo.inf".to_owned(), version.to_owned())].into())].into(),
            reach: Reach::default(),
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
        let found: Vec<_> = patches.iter().map(|patch| (patch.label.0, patch.empties)).collect();
        assert_eq!(found, [(1, false), (4, true)]);
        assert_eq!(
            serde_json::to_value(patches[0].update.as_ref().expect("an update")).expect("json"),
            json!({"targeting": {"hardwareIds": [{"action": "remove", "bundleId": "bundle-1", "infId": "Echo.inf",
                "operatingSystemCode": "WINDOWS_v100_X64_CO_FULL", "pnpString": "pci\\a"}]}})
        );
    }

    #[test]
    fn versions_come_from_the_driver_metadata() {
        let text = json!({"BundleInfoMap": {"b": {"InfInfoMap": {"Echo.INF": {"DriverVersion": "1.2.0.0"}, "x.inf": {}}}}});
        let metadata: DriverMetadata = serde_json::from_value(text).expect("metadata");
        assert_eq!(
            versions(&metadata),
            [("b".to_owned(), [("echo.inf".to_owned(), "1.2.0.0".to_owned())].into())].into()
        );
    }

    #[test]
    fn versions_are_compared_per_bundle() {
        // One INF name in two bundles, of which one is newer than before and the other older.
        let both = |id: u64, first: &str, second: &str| {
            let row = |bundle: &str, os: &str| HardwareId {
                bundle_id: format!("{bundle}-{id}"),
                inf_id: "echo.inf".to_owned(),
                operating_system_code: os.to_owned(),
                pnp_string: "pci\\a".to_owned(),
                ..HardwareId::default()
            };
            let of = |version: &str| [("echo.inf".to_owned(), version.to_owned())].into();
            SeriesLabel {
                rows: vec![
                    row("x64", "WINDOWS_v100_X64_CO_FULL"),
                    row("arm64", "WINDOWS_v100_ARM64_CO_FULL"),
                ],
                versions: [(format!("x64-{id}"), of(first)), (format!("arm64-{id}"), of(second))].into(),
                ..published(id, "r", "0", &[])
            }
        };
        let (new, old) = (both(2, "2.0", "1.0"), both(1, "1.5", "1.5"));
        assert!(
            has_lower_version(&old.versions, &new.versions)
                && has_lower_version(&new.versions, &old.versions)
        );
        let found = supersede(&new, &[old]);
        let changes = &found[0].update.as_ref().expect("an update").targeting.hardware_ids;
        assert_eq!(changes.iter().map(|row| row.bundle_id.as_str()).collect::<Vec<_>>(), ["x64-1"]);
        assert!(!found[0].empties);
    }

    #[test]
    fn target_whose_machines_the_new_label_does_not_reach_stays() {
        let restricted = |audiences: &[&str]| {
            let targeting = json!({"restrictedToAudiences": audiences});
            Reach::of(&serde_json::from_value(targeting).expect("targeting"))
        };
        let old = published(1, "r", "1.0", &["pci\\a", "pci\\b", "pci\\c"]);
        let new =
            SeriesLabel { reach: restricted(&["ring"]), ..published(2, "r", "2.0", &["pci\\a", "pci\\b"]) };
        let found = supersede(&new, &[old]);
        assert_eq!((found.len(), found[0].update.is_none(), found[0].empties), (1, true, false));
        assert_eq!(found[0].kept, [(Narrower::Audiences, 2)].into());
    }
}
