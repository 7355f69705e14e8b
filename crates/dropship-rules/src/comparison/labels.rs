//! Compares a label of two plans.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::cause::Cause;
use super::difference::{PlanChange, PlanDifference, TargetChange, ValueChange};
use super::fields::{differing, fields};
use super::pairs::{LabelPair, pair_labels};
use super::targets::{LabelReach, TargetSource};
use crate::plan::{DestinationPlan, LabelPlan, Plan};

/// The key whose values decide what is signed, and so which targets there are.
const SIGNATURES: &str = "product.requested_signatures";

/// Two plans of a package.
pub(super) struct PlanPair<'a> {
    pub old: &'a Plan,
    pub new: &'a Plan,
    /// Why another rule applies, if one does: the cause of all differences.
    pub choice: Option<&'a Cause>,
    pub source: TargetSource<'a>,
}

impl PlanPair<'_> {
    /// The differences of all labels.
    pub(super) fn labels(&self) -> Vec<PlanDifference> {
        let pairs = pair_labels(self.old, self.new);
        let mut all = Vec::new();
        for pair in &pairs {
            match *pair {
                LabelPair { old: Some(old), new: Some(new) } => all.extend(self.label(old, new, &pairs)),
                LabelPair { old: None, new: Some(new) } => {
                    let targets = self.source.reach(new, self.new).targets.unwrap_or_default();
                    let targets = TargetChange::between(&BTreeSet::new(), &targets);
                    all.extend(self.added_or_removed(new, PlanChange::LabelAdded, targets));
                }
                LabelPair { old: Some(old), new: None } => {
                    let targets = self.source.reach(old, self.old).targets.unwrap_or_default();
                    let targets = TargetChange::between(&targets, &BTreeSet::new());
                    all.extend(self.added_or_removed(old, PlanChange::LabelRemoved, targets));
                }
                LabelPair { old: None, new: None } => {}
            }
        }
        all
    }

    /// A label that only one of the plans has.
    fn added_or_removed(
        &self,
        label: &LabelPlan,
        change: PlanChange,
        targets: Option<TargetChange>,
    ) -> Vec<PlanDifference> {
        let changes = std::iter::once(change).chain(targets.map(PlanChange::Targets));
        changes.map(|change| self.difference(label, vec!["label".to_owned()], change)).collect()
    }

    fn label(&self, old: &LabelPlan, new: &LabelPlan, pairs: &[LabelPair<'_>]) -> Vec<PlanDifference> {
        let differing = differing(&comparable(old, Some(pairs)), &comparable(new, None));
        let (filters, values): (Vec<_>, Vec<_>) =
            differing.into_iter().partition(|change| change.key.starts_with(FILTER));
        let has_other_rows = self.source.is_predicted()
            && !has_same_codes(self.old, self.new)
            && !self.source.facts.infs.is_empty();
        if filters.is_empty() && values.is_empty() && !has_other_rows && old.attestation == new.attestation {
            return Vec::new();
        }
        let difference = |keys, change| self.difference(new, keys, change);
        let mut all: Vec<_> = values
            .iter()
            .map(|change| difference(vec![change.key.clone()], PlanChange::Value(change.clone())))
            .collect();
        let mut filter_keys: Vec<_> = filters.iter().map(|change| change.key.clone()).collect();
        let (old_reach, new_reach) = (self.source.reach(old, self.old), self.source.reach(new, self.new));
        match (&old_reach.targets, &new_reach.targets) {
            (Some(old_targets), Some(new_targets)) => {
                if has_other_rows {
                    filter_keys.push(SIGNATURES.to_owned());
                }
                let change = TargetChange::between(old_targets, new_targets).map(PlanChange::Targets);
                all.extend(change.map(|change| difference(filter_keys.clone(), change)));
            }
            // Before Microsoft has signed it, the targets of an .hlkx are unknown: the selection itself is compared.
            _ => all.extend(
                filters
                    .into_iter()
                    .map(|change| difference(vec![change.key.clone()], PlanChange::Value(change))),
            ),
        }
        let mut keys: Vec<_> = values.into_iter().map(|change| change.key).chain(filter_keys).collect();
        if old.attestation != new.attestation {
            keys.push("product.test_harness".to_owned());
        }
        all.extend(problem_change(old_reach, new_reach).map(|change| difference(keys, change)));
        all
    }

    fn difference(&self, label: &LabelPlan, keys: Vec<String>, change: PlanChange) -> PlanDifference {
        let name = label.name.clone();
        let cause = self.choice.cloned().unwrap_or_else(|| {
            // Keys outside of the label are keys of the rule.
            let of_rule = keys.iter().all(|key| key.starts_with("product."));
            let label = Some(label.key.clone()).filter(|_| !of_rule);
            Cause::Keys { rule: self.new.rule.clone(), label, keys }
        });
        PlanDifference { cause, label: Some(name), change }
    }
}

/// The keys in which a label differs from one of another plan. A label that it waits for has another name in another plan, which is
/// no difference.
#[must_use]
pub fn label_changes(
    (old_plan, old): (&Plan, &LabelPlan),
    (new_plan, new): (&Plan, &LabelPlan),
) -> Vec<ValueChange> {
    let pairs = pair_labels(old_plan, new_plan);
    let mut changes = differing(&comparable(old, Some(&pairs)), &comparable(new, None));
    if old.attestation != new.attestation {
        let [old, new] = [old, new].map(|label| json!(label.attestation));
        changes.push(ValueChange { key: "attestation".to_owned(), old, new });
    }
    changes
}

fn problem_change(old_reach: LabelReach, new_reach: LabelReach) -> Option<PlanChange> {
    let (old, new) = (old_reach.problems, new_reach.problems);
    // A label that cannot be requested for another reason than before is no difference at the service.
    (old.is_empty() != new.is_empty()).then_some(PlanChange::Problems { old, new })
}

fn has_same_codes(old: &Plan, new: &Plan) -> bool {
    let codes = |plan: &Plan| plan.product.requested_signatures.iter().cloned().collect::<BTreeSet<_>>();
    codes(old) == codes(new)
}

/// Beginning of the keys that select targets.
pub const FILTER: &str = "hardware_ids.";

/// The values of a label under the keys of the configuration. `pairs` translates the names of other labels to those of the
/// new plan, so that a renamed label is no difference of the labels that wait for it.
fn comparable(label: &LabelPlan, pairs: Option<&[LabelPair<'_>]>) -> Map<String, Value> {
    let mut all = fields(label);
    // The name as the rule writes it is not sent, and attestation follows from the product.
    all.remove("key");
    all.remove("attestation");
    if let Some(Value::Object(targets)) = all.remove("targets") {
        all.extend(targets.into_iter().map(|(key, value)| (format!("{FILTER}{key}"), value)));
    }
    all.remove("after");
    if let Some(after) = &label.after {
        let translated = |name: &String| {
            let mut pairs = pairs.unwrap_or_default().iter();
            let pair = pairs.find(|pair| pair.old.is_some_and(|old| old.name == *name));
            pair.and_then(|pair| pair.new).map_or_else(|| name.clone(), |new| new.name.clone())
        };
        all.insert("after".to_owned(), after.labels.iter().map(translated).collect());
        if after.soak_seconds > 0 {
            all.insert("soak".to_owned(), json!(crate::duration::format(after.soak())));
        }
    }
    // The keys of a partner are beside `destination` in the configuration.
    if let DestinationPlan::AnotherPartner { partner, enforce_chid_targeting, block_dua_creation } =
        &label.destination
    {
        all.insert("destination".to_owned(), json!("another_partner"));
        all.insert("partners".to_owned(), json!([partner]));
        all.insert("enforce_chid_targeting".to_owned(), json!(enforce_chid_targeting));
        all.insert("block_dua_creation".to_owned(), json!(block_dua_creation));
    }
    all
}
