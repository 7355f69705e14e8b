//! Compares what dropship knows of a published label with the label at the service.

use std::collections::BTreeMap;

use super::published;
use dropship_hardware::{Audience, ShippingLabel};
use dropship_job::counted;
use dropship_rules::label::{Reach, Versions};
use dropship_store::{PublishedLabel, PublishedTarget};

/// Number of added and of removed targets that are named.
const MAX_NAMED: usize = 3;

/// The result of a comparison.
#[derive(Debug)]
pub(super) enum Comparison {
    /// Nothing differs, or the service does not show what the label targets.
    Same,
    /// The label as the service shows it; there was nothing to compare its restrictions with.
    First(Box<PublishedLabel>),
    /// The label reaches other machines.
    Changed {
        /// The label as the service shows it.
        label: Box<PublishedLabel>,
        /// The differences, one text for each.
        changes: Vec<String>,
    },
    /// The label had targets, and none of them is in force.
    NoTargets,
}

/// Compares a label with the service's.
pub(super) fn compare(known: &PublishedLabel, found: &ShippingLabel, audiences: &[Audience]) -> Comparison {
    let Some(targeting) = &found.targeting else { return Comparison::Same };
    let rows = published::rows(targeting);
    if rows.is_empty() && !known.targets.is_empty() {
        return Comparison::NoTargets;
    }
    let mut label = PublishedLabel {
        reach: published::reach(targeting),
        audiences: targeting
            .restricted_to_audiences
            .iter()
            .map(|id| published::name_of(id, audiences))
            .collect(),
        targets: published::targets(rows, &versions(&known.targets)),
        ..known.clone()
    };
    let mut changes = reach_changes(known, &label, audiences);
    changes.extend(target_changes(&known.targets, &label.targets));
    if changes.is_empty() {
        // The names of audiences may have changed, or be known now.
        let is_first = known.reach.is_none() && label.reach.is_some();
        label.targets.clone_from(&known.targets);
        return if is_first { Comparison::First(Box::new(label)) } else { Comparison::Same };
    }
    Comparison::Changed { label: Box::new(label), changes }
}

/// The versions of the INFs that a label had.
fn versions(targets: &[PublishedTarget]) -> Versions {
    let mut versions = Versions::new();
    for target in targets {
        if let Some(version) = &target.version {
            let infs = versions.entry(target.bundle.clone()).or_default();
            infs.insert(target.inf.to_lowercase(), version.clone());
        }
    }
    versions
}

fn reach_changes(before: &PublishedLabel, after: &PublishedLabel, audiences: &[Audience]) -> Vec<String> {
    let read = |label: &PublishedLabel| serde_json::from_str::<Reach>(label.reach.as_deref()?).ok();
    let (Some(before), Some(after)) = (read(before), read(after)) else { return Vec::new() };
    after.differences(&before, &|id| published::name_of(id, audiences))
}

fn target_changes(before: &[PublishedTarget], after: &[PublishedTarget]) -> Vec<String> {
    let keyed = |targets: &[PublishedTarget]| -> BTreeMap<_, _> {
        targets.iter().map(|target| (published::identity(target), target.clone())).collect()
    };
    let (before, after) = (keyed(before), keyed(after));
    let only = |one: &BTreeMap<[String; 4], PublishedTarget>,
                other: &BTreeMap<[String; 4], PublishedTarget>,
                verb: &str| {
        let only: Vec<_> =
            one.iter().filter(|(key, _)| !other.contains_key(*key)).map(|(_, row)| row).collect();
        let named =
            only.iter().take(MAX_NAMED).map(|row| format!("{} {} {}", row.inf, row.os, row.hardware_id));
        let named = named.collect::<Vec<_>>().join(", ");
        let more = if only.len() > MAX_NAMED { ", …" } else { "" };
        (!only.is_empty()).then(|| format!("{} {verb} ({named}{more})", counted(only.len(), "target")))
    };
    only(&after, &before, "added").into_iter().chain(only(&before, &after, "removed")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use dropship_job::RemoteId;
    use dropship_job::testing::{at, job_id};

    fn row(id: &str) -> Value {
        json!({"bundleId": "b1", "infId": "echo.inf", "operatingSystemCode": "CO", "pnpString": id,
            "distributionState": "added"})
    }

    fn found(targeting: &Value) -> ShippingLabel {
        serde_json::from_value(json!({"id": 1, "targeting": targeting})).expect("a label")
    }

    /// The label as it was known, with these targets, for one audience.
    fn known(targeting: &Value) -> PublishedLabel {
        let targeting = found(targeting).targeting.expect("targeting");
        PublishedLabel {
            id: RemoteId::new(1),
            name: "echo".into(),
            job: job_id(),
            package: "echo.cab".into(),
            rule: "ring".into(),
            account: "default".into(),
            product: RemoteId::new(2),
            submission: RemoteId::new(3),
            audiences: Vec::new(),
            published: at(0),
            go_live: None,
            supersedes: Vec::new(),
            superseded_by: Vec::new(),
            reach: published::reach(&targeting),
            series: None,
            targets: published::targets(published::rows(&targeting), &Versions::new()),
        }
    }

    fn changes(before: &Value, after: &Value) -> Vec<String> {
        match compare(&known(before), &found(after), &[]) {
            Comparison::Changed { changes, .. } => changes,
            Comparison::Same => Vec::new(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_what_reaches_other_machines_is_a_change() {
        let before = json!({"hardwareIds": [row("pci\\a"), row("pci\\b")], "restrictedToAudiences": ["a-1"]});
        for (key, value, expected) in [
            ("hardwareIds", json!([row("PCI\\B"), row("PCI\\A")]), &[][..]),
            ("chids", json!([]), &[]),
            ("restrictedToAudiences", json!(["{A-1}"]), &[]),
            ("hardwareIds", json!([row("pci\\a")]), &["1 target removed (echo.inf CO pci\\b)"]),
            (
                "hardwareIds",
                json!([row("pci\\a"), row("pci\\b"), row("pci\\c")]),
                &["1 target added (echo.inf CO pci\\c)"],
            ),
            ("restrictedToAudiences", json!([]), &["audiences changed from a-1 to none"]),
            ("inServicePublishInfo", json!({"flooring": "NI"}), &["floor changed from none to NI"]),
            ("inServicePublishInfo", json!({"ceiling": "GE"}), &["ceiling changed from none to GE"]),
        ] {
            let mut after = before.clone();
            after[key] = value;
            assert_eq!(changes(&before, &after), expected, "{key}");
        }
    }

    #[test]
    fn label_without_targets_in_force_is_recognised() {
        let before = json!({"hardwareIds": [row("pci\\a")]});
        let mut removed = before.clone();
        removed["hardwareIds"][0]["distributionState"] = json!("pendingRemove");
        for after in [json!({"hardwareIds": []}), json!({}), removed] {
            assert!(
                matches!(compare(&known(&before), &found(&after), &[]), Comparison::NoTargets),
                "{after}"
            );
        }
        // Without targeting, nothing is known; a label for a partner never has any.
        assert!(matches!(compare(&known(&before), &found(&Value::Null), &[]), Comparison::Same));
        assert!(matches!(compare(&known(&json!({})), &found(&json!({})), &[]), Comparison::Same));
    }
}
