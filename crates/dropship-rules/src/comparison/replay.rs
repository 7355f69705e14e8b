//! Plans a remembered package again and compares.

use std::ops::Deref;

use dropship_hardware::DriverMetadata;

use super::cause::Cause;
use super::choice;
use super::difference::{PlanChange, PlanDifference, ValueChange};
use super::fields::{differing, fields, product_key};
use super::labels::PlanPair;
use super::targets::TargetSource;
use crate::input::MatchInput;
use crate::plan::Plan;
use crate::planning::{Planning, PlanningError, plan_package};
use crate::rule::Rule;

/// The result of planning a package.
#[derive(Debug, Clone, PartialEq)]
pub enum PlanningOutcome {
    /// The rules made this plan.
    Planned(Box<Plan>),
    /// The rules rejected the package.
    Rejected {
        /// The rule that could not be applied; `None` if no rule matched.
        rule: Option<String>,
        /// The reason.
        reason: String,
    },
}

impl PlanningOutcome {
    /// The rule that was chosen.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        match self {
            Self::Planned(plan) => Some(&plan.rule),
            Self::Rejected { rule, .. } => rule.as_deref(),
        }
    }
}

/// A package as it was planned.
#[derive(Clone, Copy)]
pub struct PlannedPackage<'a> {
    /// The package.
    pub input: MatchInput<'a>,
    /// How it was planned.
    pub planning: &'a Planning,
    /// The result of its planning.
    pub outcome: &'a PlanningOutcome,
    /// The driver metadata, if Microsoft has sent them. Read only if the targets of a label may differ.
    pub metadata: &'a dyn Deref<Target = Option<DriverMetadata>>,
}

/// Plans a package again by these rules, and lists how the plan would differ. `reject` says why a plan would be rejected by
/// checks that are not about rules.
#[must_use]
pub fn replay(
    rules: &[Rule],
    package: &PlannedPackage<'_>,
    reject: &dyn Fn(&Plan) -> Option<String>,
) -> (PlanningOutcome, Vec<PlanDifference>) {
    let planned = plan_package(rules, &package.input, package.planning.clone()).plan;
    let new = match planned {
        Ok(plan) => match reject(&plan) {
            None => PlanningOutcome::Planned(Box::new(plan)),
            Some(reason) => PlanningOutcome::Rejected { rule: Some(plan.rule), reason },
        },
        Err(PlanningError::Unfit(error)) => {
            PlanningOutcome::Rejected { reason: error.to_string(), rule: Some(error.rule) }
        }
        Err(error) => PlanningOutcome::Rejected { rule: None, reason: error.to_string() },
    };
    let differences = compare(rules, package, &new);
    (new, differences)
}

fn compare(rules: &[Rule], package: &PlannedPackage<'_>, new: &PlanningOutcome) -> Vec<PlanDifference> {
    let (before, after) = (package.outcome.rule(), new.rule());
    let choice = if before == after {
        None
    } else {
        choice::cause(rules, &package.input, package.planning, before, after)
    };
    let applicability =
        |rule: Option<&str>| Cause::Applicability { rule: rule.unwrap_or_default().to_owned() };
    let cause = || choice.clone().unwrap_or_else(|| applicability(after.or(before)));
    let rule_change = |old: Option<&str>, new: Option<&str>, rejected| PlanDifference {
        cause: cause(),
        label: None,
        change: PlanChange::Rule { old: old.map(str::to_owned), new: new.map(str::to_owned), rejected },
    };
    match (package.outcome, new) {
        // Rejected as before, if perhaps with another reason: nothing is sent.
        (PlanningOutcome::Rejected { .. }, PlanningOutcome::Rejected { .. }) => Vec::new(),
        (PlanningOutcome::Rejected { .. }, PlanningOutcome::Planned(plan)) => {
            vec![rule_change(None, Some(&plan.rule), None)]
        }
        (PlanningOutcome::Planned(plan), PlanningOutcome::Rejected { reason, .. }) => {
            vec![rule_change(Some(&plan.rule), None, Some(reason.clone()))]
        }
        (PlanningOutcome::Planned(old), PlanningOutcome::Planned(new)) => {
            let mut all = Vec::new();
            if old.rule != new.rule {
                all.push(rule_change(Some(&old.rule), Some(&new.rule), None));
            }
            let source = TargetSource {
                facts: package.input.facts,
                metadata: package.metadata,
                now: package.planning.at,
            };
            let plans = PlanPair { old, new, choice: choice.as_ref(), source };
            all.extend(plans.values());
            all.extend(plans.labels());
            all
        }
    }
}

impl PlanPair<'_> {
    /// The differences of account, product and submission.
    fn values(&self) -> Vec<PlanDifference> {
        let (old, new) = (self.old, self.new);
        let mut all = Vec::new();
        let mut add_change = |key: String, old, new| {
            let keys = || Cause::Keys { rule: self.new.rule.clone(), label: None, keys: vec![key.clone()] };
            let cause = self.choice.cloned().unwrap_or_else(keys);
            all.push(PlanDifference {
                cause,
                label: None,
                change: PlanChange::Value(ValueChange { key, old, new }),
            });
        };
        if old.account != new.account {
            add_change("account".to_owned(), old.account.clone().into(), new.account.clone().into());
        }
        if old.strategy != new.strategy {
            let value = |plan: &Plan| serde_json::to_value(&plan.strategy).unwrap_or_default();
            add_change("product.strategy".to_owned(), value(old), value(new));
        }
        for change in differing(&fields(&old.product), &fields(&new.product)) {
            add_change(product_key(&change.key), change.old, change.new);
        }
        for change in differing(&fields(&old.submission), &fields(&new.submission)) {
            add_change(format!("submission.{}", change.key), change.old, change.new);
        }
        all
    }
}
