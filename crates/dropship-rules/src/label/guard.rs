//! `[guard]`: limits that no rule can exceed.

use std::collections::BTreeSet;

use dropship_glob::Glob;
use dropship_hardware::{Destination, NewShippingLabel};
use serde::Serialize;

use super::preview::preview;
use crate::plan::{DestinationPlan, LabelPlan, Plan};
use dropship_package::Facts;

/// Number of hardware ids that a reason quotes.
const QUOTED: usize = 3;

/// The limits. By default there are none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guard {
    /// How a Windows Update label without audiences is handled.
    pub everybody: Everybody,
    /// Targets that match none of these globs are refused. Empty: all are allowed.
    pub hardware_ids: Vec<Glob>,
    /// A label with more targets is held. `None`: no limit.
    pub max_targets: Option<usize>,
    /// Whether a label with targets that its plan did not have is held.
    pub unforeseen: Unforeseen,
}

/// How a label for everybody is handled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Everybody {
    /// It is created.
    #[default]
    Allow,
    /// It is held for an operator.
    Hold,
    /// It is never created.
    Refuse,
}

/// How a label with unforeseen targets is handled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unforeseen {
    /// It is created.
    #[default]
    Allow,
    /// It is held for an operator.
    Hold,
}

/// Which limits a label exceeds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct GuardVerdict {
    /// Why it is never created.
    pub refused: Vec<String>,
    /// Why an operator must approve it.
    pub held: Vec<String>,
}

impl GuardVerdict {
    /// Whether the label exceeds no limit.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.refused.is_empty() && self.held.is_empty()
    }
}

impl Guard {
    /// Checks a label before its request is known.
    #[must_use]
    pub fn check_plan(&self, label: &LabelPlan) -> GuardVerdict {
        let is_for_everybody =
            label.destination == DestinationPlan::WindowsUpdate && label.audiences.is_empty();
        let mut verdict = GuardVerdict::default();
        self.check_everybody(is_for_everybody, &mut verdict);
        if self.unforeseen == Unforeseen::Hold {
            let message =
                "its targets are unknown before Microsoft has signed (`[guard] unforeseen = \"hold\"`)";
            verdict.held.push(message.to_owned());
        }
        verdict
    }

    /// Checks the request for a label.
    #[must_use]
    pub fn check_request(&self, request: &NewShippingLabel) -> GuardVerdict {
        let mut verdict = GuardVerdict::default();
        let targeting = request.targeting.as_ref();
        let is_for_everybody = request.destination == Destination::WindowsUpdate
            && targeting.is_none_or(|targeting| targeting.restricted_to_audiences.is_empty());
        self.check_everybody(is_for_everybody, &mut verdict);
        let targets = targeting.map(|targeting| targeting.hardware_ids.as_slice()).unwrap_or_default();
        let is_outside =
            |id: &str| !self.hardware_ids.is_empty() && !dropship_glob::any(&self.hardware_ids, id);
        let outside: BTreeSet<_> =
            targets.iter().map(|row| row.pnp_string.to_lowercase()).filter(|id| is_outside(id)).collect();
        if !outside.is_empty() {
            verdict.refused.push(format!("`[guard] hardware_ids` does not contain {}", quoted(&outside)));
        }
        if let Some(max) = self.max_targets.filter(|max| targets.len() > *max) {
            let message =
                format!("it has {} targets, more than `[guard] max_targets = {max}`", targets.len());
            verdict.held.push(message);
        }
        verdict
    }

    /// Checks the request for a label of a plan, right before it is sent.
    #[must_use]
    pub fn check_before_sending(
        &self,
        request: &NewShippingLabel,
        label: &LabelPlan,
        plan: &Plan,
        facts: &Facts,
    ) -> GuardVerdict {
        let mut verdict = self.check_request(request);
        if self.unforeseen == Unforeseen::Hold {
            let predicted = preview(label, plan, facts, jiff::Timestamp::UNIX_EPOCH);
            let predicted = predicted.request.as_ref().map(targets).unwrap_or_default();
            let new: Vec<_> = targets(request).difference(&predicted).cloned().collect();
            if !new.is_empty() {
                let shown: BTreeSet<_> = new.iter().map(|(inf, os, id)| format!("{inf} {os} {id}")).collect();
                verdict.held.push(format!("its plan did not foresee {}", quoted(&shown)));
            }
        }
        verdict
    }

    fn check_everybody(&self, is_for_everybody: bool, verdict: &mut GuardVerdict) {
        const WHY: &str = "it has no audiences, so it reaches everybody";
        match self.everybody {
            Everybody::Hold if is_for_everybody => {
                verdict.held.push(format!("{WHY} (`[guard] everybody = \"hold\"`)"));
            }
            Everybody::Refuse if is_for_everybody => {
                verdict.refused.push(format!("{WHY} (`[guard] everybody = \"refuse\"`)"));
            }
            Everybody::Allow | Everybody::Hold | Everybody::Refuse => {}
        }
    }
}

/// INF, OS code and hardware id of each target, in lower case. Bundle ids are different for each submission.
fn targets(request: &NewShippingLabel) -> BTreeSet<(String, String, String)> {
    let rows = request.targeting.iter().flat_map(|targeting| &targeting.hardware_ids);
    rows.map(|row| {
        (row.inf_id.to_lowercase(), row.operating_system_code.to_lowercase(), row.pnp_string.to_lowercase())
    })
    .collect()
}

fn quoted(texts: &BTreeSet<String>) -> String {
    let mut shown: Vec<_> = texts.iter().take(QUOTED).map(|text| format!("`{text}`")).collect();
    if texts.len() > QUOTED {
        shown.push(format!("{} more", texts.len() - QUOTED));
    }
    shown.join(", ")
}
