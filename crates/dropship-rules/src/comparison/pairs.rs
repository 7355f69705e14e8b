//! Which label of the new plan is which of the old one.

use crate::plan::{LabelPlan, Plan};

/// A label of the old plan, of the new plan, or of both.
pub(super) struct LabelPair<'a> {
    pub old: Option<&'a LabelPlan>,
    pub new: Option<&'a LabelPlan>,
}

/// Pairs the labels of two plans: by name, then by the name as the rule writes it, then by position within one rule.
pub(super) fn pair_labels<'a>(old: &'a Plan, new: &'a Plan) -> Vec<LabelPair<'a>> {
    let mut open: Vec<Option<&LabelPlan>> = old.labels.iter().map(Some).collect();
    let mut partners: Vec<Option<&LabelPlan>> = vec![None; new.labels.len()];
    let mut pair = |fits: &dyn Fn(usize, &LabelPlan, usize, &LabelPlan) -> bool| {
        for (new_index, label) in new.labels.iter().enumerate() {
            if partners[new_index].is_some() {
                continue;
            }
            let found = open
                .iter_mut()
                .enumerate()
                .find(|(old_index, open)| open.is_some_and(|open| fits(*old_index, open, new_index, label)));
            partners[new_index] = found.and_then(|(_, open)| open.take());
        }
    };
    pair(&|_, old, _, new| old.name == new.name);
    pair(&|_, old, _, new| old.key == new.key);
    if old.rule == new.rule {
        pair(&|old_index, _, new_index, _| old_index == new_index);
    }
    let both = new.labels.iter().zip(&partners).map(|(new, old)| LabelPair { old: *old, new: Some(new) });
    let removed = open.iter().flatten().map(|old| LabelPair { old: Some(*old), new: None });
    both.chain(removed).collect()
}
