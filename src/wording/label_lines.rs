//! The lines about the settings of a label: destination, installation, predecessors, selection of targets.

use std::time::Duration;

use super::label_selection;
use super::lines::Lines;
use dropship_rules::duration;
use dropship_rules::plan::{DestinationPlan, LabelPlan};

/// Adds the settings of the rule for a label.
pub(crate) fn add(lines: &mut Lines, plan: &LabelPlan) {
    every_setting_is_shown(plan);
    lines.add("destination", destination(plan));
    if plan.destination == DestinationPlan::WindowsUpdate {
        lines.add("installation", installation(plan));
    }
    if let Some(after) = &plan.after {
        let soak = match after.soak_seconds {
            0 => String::new(),
            seconds => format!(", plus {}", duration::format(Duration::from_secs(seconds))),
        };
        lines.add("after", format_args!("publication of {}{soak}", after.labels.join(", ")));
    }
    match plan.hold.operators() {
        0 => {}
        1 => lines.add("hold", "the job is held before this label until `dropship approve`"),
        several => lines.add(
            "hold",
            format_args!(
                "the job is held before this label until {several} different operators approve its request"
            ),
        ),
    }
    if plan.supersede {
        lines.add(
            "supersede",
            "once it is live, its targets are removed from labels that dropship created by the same rule and label \
             for a lower DriverVer",
        );
    }
    label_selection::add(lines, plan);
}

fn destination(plan: &LabelPlan) -> String {
    match &plan.destination {
        DestinationPlan::WindowsUpdate if plan.audiences.is_empty() => {
            "Windows Update, no audiences: every machine that the targets below fit".to_owned()
        }
        DestinationPlan::WindowsUpdate => format!("Windows Update, audiences {}", plan.audiences.join(", ")),
        DestinationPlan::AnotherPartner { partner, enforce_chid_targeting, block_dua_creation } => {
            let chids = if *enforce_chid_targeting == Some(true) { ", which must target CHIDs" } else { "" };
            let dua =
                if *block_dua_creation == Some(true) { ", which must not create driver updates" } else { "" };
            format!("partner {partner}{chids}{dua}")
        }
    }
}

fn installation(plan: &LabelPlan) -> &'static str {
    match (plan.auto_install_during_os_upgrade, plan.auto_install_on_applicable_systems) {
        (false, false) => "manual, as an optional update",
        (true, false) => "automatic, during OS upgrades",
        (false, true) => "automatic, on applicable systems",
        (true, true) => "automatic, during OS upgrades and on applicable systems",
    }
}

/// An operator approves what these lines show. The compiler refuses a new field here until its line exists.
fn every_setting_is_shown(plan: &LabelPlan) {
    let LabelPlan {
        // The heading, and the line about the date.
        key: _,
        name: _,
        go_live: _,
        blackout: _,
        // Here.
        destination: _,
        auto_install_during_os_upgrade: _,
        auto_install_on_applicable_systems: _,
        after: _,
        hold: _,
        supersede: _,
        audiences: _,
        // `label_selection`.
        disclosure_restricted: _,
        publish_to_windows10s: _,
        visible_to_accounts: _,
        approval: _,
        floor: _,
        ceiling: _,
        build: _,
        chids: _,
        targets: _,
        // A fact of the package, not a setting.
        attestation: _,
    } = plan;
}
