//! Predicts the labels of a plan from the package.

use jiff::Timestamp;
use serde::Serialize;

use crate::wording::{Lines, add_label_lines};
use dropship_hardware::{DriverMetadata, NewShippingLabel, format_date};
use dropship_package::Facts;
use dropship_rules::label::{
    Ceiling, Guard, GuardVerdict, LabelPreview, earliest, predicted_folder, preview, preview_with,
};
use dropship_rules::plan::{LabelPlan, Plan};

/// A label of the plan with the request that will probably create it.
#[derive(Serialize)]
pub(super) struct PreviewedLabel<'a> {
    #[serde(flatten)]
    plan: &'a LabelPlan,
    /// Absent for an .hlkx: its hardware ids are only known from Microsoft's driver metadata.
    foreseen: Option<LabelPreview>,
    /// The earliest time at which it is requested.
    #[serde(skip)]
    earliest: Timestamp,
    /// The limits of `[guard]` that the label exceeds.
    guard: GuardVerdict,
}

/// The labels in the order of the rule. With `metadata` they are what will be sent; otherwise they are predicted.
pub(super) fn labels<'a>(
    plan: &'a Plan,
    facts: &Facts,
    metadata: Option<&DriverMetadata>,
    guard: &Guard,
) -> Vec<PreviewedLabel<'a>> {
    let is_predictable = facts.infs.iter().any(|inf| !inf.hardware_ids.is_empty());
    let now = Timestamp::now();
    let previewed = |label| {
        let foreseen = match metadata {
            Some(metadata) => Some(preview_with(label, plan, metadata, now)),
            None => is_predictable.then(|| preview(label, plan, facts, now)),
        };
        let request = foreseen.as_ref().and_then(|foreseen| foreseen.request.as_ref());
        let guard = match (request, metadata) {
            (Some(request), Some(_)) => guard.check_before_sending(request, label, plan, facts),
            (Some(request), None) => guard.check_request(request),
            (None, _) => guard.check_plan(label),
        };
        PreviewedLabel { plan: label, foreseen, earliest: earliest(label, plan, now), guard }
    };
    plan.labels.iter().map(previewed).collect()
}

impl PreviewedLabel<'_> {
    /// Whether the label cannot be created.
    pub(super) fn is_unfit(&self) -> bool {
        !self.guard.refused.is_empty()
            || self.foreseen.as_ref().is_some_and(|foreseen| foreseen.request.is_none())
    }

    pub(super) fn text(&self) -> String {
        let mut lines = Lines::new(format!("label: {}", self.plan.name));
        add_label_lines(&mut lines, self.plan);
        match &self.foreseen {
            None => {
                lines.add(
                    "targets",
                    "what fits in Microsoft's driver metadata, after signing; nothing is known of them yet",
                );
                self.add_go_live(&mut lines);
            }
            Some(LabelPreview { request: Some(request), warnings, ceilings, .. }) => {
                add_targets(&mut lines, request, ceilings);
                self.add_go_live(&mut lines);
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
        for reason in &self.guard.refused {
            lines.add("refused", reason);
        }
        for reason in &self.guard.held {
            lines.add("held", format_args!("the job is held before this label: {reason}"));
        }
        lines.text()
    }

    /// When it goes live. An offset counts from the time at which the label is requested.
    fn add_go_live(&self, lines: &mut Lines) {
        let plan = self.plan;
        let Some(go_live) = plan.go_live else { return lines.add("go live", "as soon as it is certified") };
        let condition = match go_live.fixed() {
            Some(_) => "",
            None if plan.after.is_some() => ", at the earliest",
            None if plan.hold.is_required() => ", if approved today",
            None => ", if requested today",
        };
        match go_live.resolve(self.earliest, &plan.blackout) {
            Ok(date) => lines.add("go live", format_args!("{} (UTC){condition}", format_date(date))),
            Err(error) => lines.add("go live", error),
        }
    }
}

/// Adds the targets of the request.
fn add_targets(lines: &mut Lines, request: &NewShippingLabel, ceilings: &[Ceiling]) {
    let targeting = request.targeting.as_ref();
    for row in targeting.iter().flat_map(|targeting| &targeting.hardware_ids) {
        let ceiling = ceilings.iter().find(|ceiling| {
            (&ceiling.inf, &ceiling.os, &ceiling.hardware_id)
                == (&row.inf_id, &row.operating_system_code, &row.pnp_string)
        });
        let ceiling = ceiling.map(|ceiling| format!(", ceiling {}", ceiling.ceiling)).unwrap_or_default();
        let (inf, os, pnp) = (&row.inf_id, &row.operating_system_code, &row.pnp_string);
        let folder = predicted_folder(&row.bundle_id).map(|folder| format!("{folder}/")).unwrap_or_default();
        lines.add("target", format_args!("{folder}{inf} {os} {pnp}{ceiling}"));
    }
    for chid in targeting.iter().flat_map(|targeting| &targeting.chids) {
        lines.add("chid", &chid.chid);
    }
}
