//! Requests that Microsoft accepts, but may ask about or reject later.

use std::collections::BTreeSet;

use serde::Serialize;

use super::hardware_ids as ids;
use super::select::{self, MetadataRow};
use crate::plan::{DestinationPlan, LabelPlan};
use crate::vocabulary;
use dropship_hardware::{DriverMetadata, NewShippingLabel};

/// A warning about a label, with its source document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LabelWarning {
    /// Name of the label.
    pub label: String,
    /// The doubt, in words.
    pub message: String,
    /// The document.
    pub document: &'static str,
}

pub(super) const RESTRICTIONS: &str = "Microsoft: Publishing restrictions";
const EXTENSION: &str = "Microsoft: Extension INF targeting rules";
const FLIGHTING: &str = "Microsoft: Driver flighting";
const METADATA: &str = "Microsoft: Driver package metadata";
const RULES: &str = "dropship: Rules, Targeting";
const POLICIES: &str = "Microsoft: Other policies";

/// Everything doubtful about a label that [`build`](super::build) made.
#[must_use]
pub fn warnings(plan: &LabelPlan, label: &NewShippingLabel, metadata: &DriverMetadata) -> Vec<LabelWarning> {
    let Some(targeting) = &label.targeting else {
        return Vec::new();
    };
    let all = select::rows(metadata);
    let targeted: BTreeSet<_> = targeting
        .hardware_ids
        .iter()
        .map(|row| {
            (
                row.bundle_id.as_str(),
                row.inf_id.as_str(),
                row.operating_system_code.as_str(),
                row.pnp_string.as_str(),
            )
        })
        .collect();
    let rows: Vec<_> =
        all.into_iter().filter(|row| targeted.contains(&(row.bundle, row.inf, row.os, row.pnp))).collect();
    let has_chids = !targeting.chids.is_empty();
    let mut found = Vec::new();
    if plan.destination == DestinationPlan::WindowsUpdate {
        check_hardware_ids(&rows, &mut found);
        check_classes(metadata, &rows, has_chids, &mut found);
        check_inbox_drivers(plan, &mut found);
        if plan.build.is_some() {
            let message = "co-engineering labels reach only Insider builds, and end after 60 days".to_owned();
            found.push((message, FLIGHTING));
        }
        if let Some(info) = &plan.approval
            && info.has_ui_software == Some(true)
            && plan.publish_to_windows10s == Some(true)
        {
            found.push(("drivers with UI software cannot go to Windows 10 S".to_owned(), RESTRICTIONS));
        }
    }
    check_mixed_systems(&rows, &mut found);
    check_ceilings(plan, &rows, &mut found);
    check_excludes(plan, metadata, &mut found);
    let warning = |(message, document)| LabelWarning { label: plan.name.clone(), message, document };
    found.into_iter().map(warning).collect()
}

type FoundWarnings = Vec<(String, &'static str)>;

fn check_hardware_ids(rows: &[MetadataRow<'_>], found: &mut FoundWarnings) {
    let ids: BTreeSet<String> = rows.iter().map(|row| row.pnp.to_lowercase()).collect();
    for id in ids {
        if let Some(reason) = ids::warning(&id) {
            found.push((format!("`{id}` {reason}: it needs another review"), RESTRICTIONS));
        }
    }
    if rows.iter().any(|row| row.os.to_ascii_uppercase().contains("IA64")) {
        found.push(("it targets Itanium systems: it needs another review".to_owned(), RESTRICTIONS));
    }
}

fn check_classes(
    metadata: &DriverMetadata,
    rows: &[MetadataRow<'_>],
    has_chids: bool,
    found: &mut FoundWarnings,
) {
    let infs: BTreeSet<_> = rows.iter().map(|row| (row.bundle, row.inf)).collect();
    for (bundle, inf) in infs {
        let Some(info) = metadata.bundles.get(bundle).and_then(|bundle| bundle.infs.get(inf)) else {
            continue;
        };
        let class = info.inf_class.as_deref().unwrap_or_default().to_ascii_lowercase();
        match (class.as_str(), has_chids) {
            ("unclassified", _) => {
                found.push((
                    format!("{inf} is of the class Unclassified: it needs another review"),
                    RESTRICTIONS,
                ));
            }
            ("firmware", false) => {
                found.push((
                    format!("{inf} is firmware, which requires CHIDs (other pages forbid them)"),
                    FLIGHTING,
                ));
            }
            ("firmware", true) => {
                found.push((format!("{inf} is firmware, for which one page forbids CHIDs"), POLICIES));
            }
            ("display", true) => {
                found.push((format!("{inf} is a display driver, for which CHIDs are forbidden"), FLIGHTING));
            }
            _ => {}
        }
        let is_extension = info.extension_id.as_deref().is_some_and(|id| !id.trim().is_empty());
        let two_part = rows.iter().find(|row| row.inf == inf && ids::is_two_part(row.pnp));
        if let Some(row) = two_part.filter(|_| is_extension && !has_chids) {
            let message = format!(
                "{inf} is an extension INF, and `{}` has two parts and no CHID: it is rejected",
                row.pnp
            );
            found.push((message, EXTENSION));
        }
        let vendors: BTreeSet<_> = rows
            .iter()
            .filter(|row| (row.bundle, row.inf) == (bundle, inf))
            .filter_map(|row| ids::subsystem_vendor(row.pnp))
            .collect();
        if is_extension && vendors.len() > 1 {
            let vendors = vendors.into_iter().collect::<Vec<_>>().join(", ");
            let message = format!(
                "{inf} is an extension INF for the devices of more than one OEM (subsystem vendors {vendors}): it is \
                 rejected; make a label, or a package, for each"
            );
            found.push((message, EXTENSION));
        }
    }
}

/// The part of the justification about inbox drivers that are extended.
fn check_inbox_drivers(plan: &LabelPlan, found: &mut FoundWarnings) {
    let justification = plan.approval.as_ref().and_then(|info| info.business_justification.as_deref());
    let bases = justification.unwrap_or_default().to_lowercase().matches("extendsinboxdriver").count();
    if bases > 1 {
        found.push((
            "it extends several inbox drivers, each of which needs a label of its own".to_owned(),
            EXTENSION,
        ));
    }
}

/// Targets above their own ceiling: the service refuses them, or offers them to no machine.
fn check_ceilings(plan: &LabelPlan, rows: &[MetadataRow<'_>], found: &mut FoundWarnings) {
    for row in rows {
        let Some(ceiling) = row.ceiling else { continue };
        let above = |system| vocabulary::is_above_ceiling(system, ceiling) == Some(true);
        if above(row.os) {
            let message = format!(
                "`{}` ({}) is targeted for {}, above its ceiling {ceiling}: the service refuses it or offers it to no machine",
                row.pnp, row.inf, row.os
            );
            found.push((message, METADATA));
        } else if let Some(floor) = plan.floor.as_deref().filter(|floor| above(floor)) {
            let message = format!(
                "the floor {floor} is above the ceiling {ceiling} of `{}` ({}): it is offered to no machine",
                row.pnp, row.inf
            );
            found.push((message, METADATA));
        }
    }
}

/// An exclusion that excludes nothing may be a mistake, and the label then reaches machines that it must not reach.
fn check_excludes(plan: &LabelPlan, metadata: &DriverMetadata, found: &mut FoundWarnings) {
    let rows = select::rows(metadata);
    for glob in &plan.targets.exclude {
        if !rows.iter().any(|row| glob.is_match(row.pnp)) {
            found.push((format!("`exclude` \"{glob}\" matches no hardware id of the package"), RULES));
        }
    }
}

fn check_mixed_systems(rows: &[MetadataRow<'_>], found: &mut FoundWarnings) {
    let (new, old): (Vec<&MetadataRow<'_>>, Vec<_>) =
        rows.iter().partition(|row| vocabulary::is_windows_10_or_later(row.os));
    if let (Some(new), Some(old)) = (new.first(), old.first()) {
        let message =
            format!("it mixes {} with {}; down-level systems want a label of their own", old.os, new.os);
        found.push((message, POLICIES));
    }
}
