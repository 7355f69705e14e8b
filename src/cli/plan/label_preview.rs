//! Predicts the labels of a plan from the package.

use jiff::Timestamp;
use serde::Serialize;

use dropship_hardware::{DriverMetadata, NewShippingLabel};
use dropship_package::Facts;
use dropship_rules::label::{Ceiling, LabelPreview, preview, preview_with};
use dropship_rules::plan::{DestinationPlan, LabelPlan, Plan};

/// A label of the plan with the request that will probably create it.
#[derive(Serialize)]
pub(super) struct Preview<'a> {
    #[serde(flatten)]
    plan: &'a LabelPlan,
    /// Absent for an .hlkx: its hardware ids are only known from Microsoft's driver metadata.
    foreseen: Option<LabelPreview>,
}

/// The labels in the order of the rule.
pub(super) fn labels<'a>(
    plan: &'a Plan,
    facts: &Facts,
    metadata: Option<&DriverMetadata>,
) -> Vec<Preview<'a>> {
    let is_predictable = facts.infs.iter().any(|inf| !inf.hardware_ids.is_empty());
    let now = Timestamp::now();
    let foreseen = |label| match metadata {
        Some(metadata) => Some(preview_with(label, plan, metadata, now)),
        None => is_predictable.then(|| preview(label, plan, facts, now)),
    };
    let shown = |label| Preview { plan: label, foreseen: foreseen(label) };
    plan.labels.iter().map(shown).collect()
}

/// The lines of one label's text.
struct Lines(Vec<String>);

impl Lines {
    fn add(&mut self, key: &str, value: impl std::fmt::Display) {
        self.0.push(format!("  {key}: {value}"));
    }
}

impl Preview<'_> {
    /// Whether the label cannot be created.
    pub(super) fn is_unfit(&self) -> bool {
        self.foreseen.as_ref().is_some_and(|foreseen| foreseen.request.is_none())
    }

    pub(super) fn text(&self) -> String {
        let mut lines = Lines(vec![format!("label: {}", self.plan.name)]);
        self.add_plan(&mut lines);
        match &self.foreseen {
            None => lines.add("targets", "selected from Microsoft's driver metadata after signing"),
            Some(LabelPreview { request: Some(request), warnings, ceilings, .. }) => {
                add_request(&mut lines, self.plan, request, ceilings);
                for warning in warnings {
                    lines.add("warning", format_args!("{} ({})", warning.message, warning.document));
                }
            }
            Some(LabelPreview { problems, .. }) => {
                for problem in problems {
                    lines.add("problem", &problem.message);
                }
            }
        }
        lines.0.join("\n")
    }

    /// Adds the settings of the rule.
    fn add_plan(&self, lines: &mut Lines) {
        let plan = self.plan;
        lines.add("destination", destination(plan));
        if plan.destination == DestinationPlan::WindowsUpdate {
            lines.add("installation", installation(plan));
        }
        if let Some(after) = &plan.after {
            let soak = match after.soak_seconds {
                0 => String::new(),
                seconds => format!(", plus {seconds} s"),
            };
            lines.add("after", format_args!("publication of {}{soak}", after.labels.join(", ")));
        }
        if plan.hold {
            lines.add("hold", "the job is held before this label until `dropship approve`");
        }
        if plan.supersede {
            lines.add(
                "supersede",
                "after publication, its targets are removed from labels that dropship created by the same rule and label \
                 for a lower DriverVer",
            );
        }
    }
}

fn destination(plan: &LabelPlan) -> String {
    match &plan.destination {
        DestinationPlan::WindowsUpdate if plan.audiences.is_empty() => "Windows Update, everybody".to_owned(),
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

/// Adds the targets and the publication date of the request.
fn add_request(lines: &mut Lines, plan: &LabelPlan, request: &NewShippingLabel, ceilings: &[Ceiling]) {
    let targeting = request.targeting.as_ref();
    for row in targeting.iter().flat_map(|targeting| &targeting.hardware_ids) {
        let ceiling = ceilings.iter().find(|ceiling| {
            (&ceiling.inf, &ceiling.os, &ceiling.hardware_id)
                == (&row.inf_id, &row.operating_system_code, &row.pnp_string)
        });
        let ceiling = ceiling.map(|ceiling| format!(", ceiling {}", ceiling.ceiling)).unwrap_or_default();
        let (inf, os, pnp) = (&row.inf_id, &row.operating_system_code, &row.pnp_string);
        lines.add("target", format_args!("{inf} {os} {pnp}{ceiling}"));
    }
    for chid in targeting.iter().flat_map(|targeting| &targeting.chids) {
        lines.add("chid", &chid.chid);
    }
    let date = request.publishing_specifications.as_ref().and_then(|how| how.go_live_date.as_deref());
    let Some(date) = date else { return lines.add("go live", "as soon as it is certified") };
    // An offset counts from the time at which the label is requested.
    let condition = match plan.go_live.is_some_and(|go_live| go_live.fixed().is_some()) {
        true => "",
        false if plan.hold => ", if approved today",
        false => ", if requested today",
    };
    lines.add("go live", format_args!("{date} (UTC){condition}"));
}
