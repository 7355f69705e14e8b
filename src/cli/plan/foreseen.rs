//! The labels of a plan as they will probably be.

use jiff::Timestamp;
use serde::Serialize;

use dropship_package::Facts;
use dropship_rules::label::{LabelPreview, preview};
use dropship_rules::plan::{DestinationPlan, LabelPlan, Plan};

/// A label of the plan, and what it will probably be.
#[derive(Serialize)]
pub(super) struct Shown<'a> {
    #[serde(flatten)]
    plan: &'a LabelPlan,
    /// Nothing is known of the INFs of an .hlkx before Microsoft tells: its targets are chosen then.
    foreseen: Option<LabelPreview>,
}

/// The labels in the order of the rule.
pub(super) fn labels<'a>(plan: &'a Plan, facts: &Facts) -> Vec<Shown<'a>> {
    let known = facts.infs.iter().any(|inf| !inf.hardware_ids.is_empty());
    let now = Timestamp::now();
    let shown = |label| Shown { plan: label, foreseen: known.then(|| preview(label, plan, facts, now)) };
    plan.labels.iter().map(shown).collect()
}

impl Shown<'_> {
    /// Whether it could not be asked for.
    pub(super) fn is_unfit(&self) -> bool {
        self.foreseen.as_ref().is_some_and(|foreseen| foreseen.request.is_none())
    }

    /// The label for a person.
    pub(super) fn text(&self) -> String {
        let plan = self.plan;
        let mut lines = vec![format!("label: {}", plan.name)];
        let mut put = |key: &str, value: String| lines.push(format!("  {key}: {value}"));
        put(
            "to",
            match &plan.destination {
                DestinationPlan::WindowsUpdate if plan.audiences.is_empty() => {
                    "Windows Update, everybody".to_owned()
                }
                DestinationPlan::WindowsUpdate => {
                    format!("Windows Update, audiences {}", plan.audiences.join(", "))
                }
                DestinationPlan::AnotherPartner { partner, .. } => format!("partner {partner}"),
            },
        );
        let automatic = match (plan.auto_install_during_os_upgrade, plan.auto_install_on_applicable_systems) {
            (false, false) => "by hand, as an optional update",
            (true, false) => "automatic, during upgrades of the system",
            (false, true) => "automatic, on applicable systems",
            (true, true) => "automatic, during upgrades of the system and on applicable systems",
        };
        if plan.destination == DestinationPlan::WindowsUpdate {
            put("installed", automatic.to_owned());
        }
        if let Some(after) = &plan.after {
            let soak = match after.soak_seconds {
                0 => String::new(),
                seconds => format!(", {seconds} s later"),
            };
            put("after", format!("{} is published{soak}", after.labels.join(", ")));
        }
        if plan.hold {
            put("hold", "the job is held before this label until `dropship approve`".to_owned());
        }
        if plan.supersede {
            put("supersede", "once it is published, what it targets too is removed from labels that dropship made by this \
                rule and label for a lower DriverVer".to_owned());
        }
        match &self.foreseen {
            None => put(
                "targets",
                "chosen from the driver metadata that Microsoft sends; an .hlkx does not tell".to_owned(),
            ),
            Some(LabelPreview { request: Some(request), warnings, .. }) => {
                let targeting = request.targeting.as_ref();
                for row in targeting.iter().flat_map(|targeting| &targeting.hardware_ids) {
                    put(
                        "targets",
                        format!("{} {} {}", row.inf_id, row.operating_system_code, row.pnp_string),
                    );
                }
                for chid in targeting.iter().flat_map(|targeting| &targeting.chids) {
                    put("chid", chid.chid.clone());
                }
                let live =
                    request.publishing_specifications.as_ref().and_then(|how| how.go_live_date.clone());
                put("goes live", live.unwrap_or_else(|| "as soon as it is certified".to_owned()));
                for warning in warnings {
                    put("warning", format!("{} ({})", warning.message, warning.document));
                }
            }
            Some(LabelPreview { problems, .. }) => {
                for problem in problems {
                    put("problem", problem.message.clone());
                }
            }
        }
        lines.join("\n")
    }
}
