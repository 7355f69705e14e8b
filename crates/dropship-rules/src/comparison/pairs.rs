//! Which label of the new plan is which of the old one.

use crate::plan::{LabelPlan, Plan};

/// A label of the old plan, of the new plan, or of both.
pub(super) struct LabelPair<'a> {
    pub old: Option<&'a LabelPlan>,
    pub new: Option<&'a LabelPlan>,
}

/// Pairs the labels of two plans: by name, then by the name as the rule writes it, then by position within one rule.
pub(super) fn pairs<'a>(old: &'a Plan, new: &'a Plan) -> Vec<LabelPair<'a>> {
    let mut open: Vec<Option<&LabelPlan>> = old.labels.iter().map(Some).collect();
    let mut partners: Vec<Option<&LabelPlan>> = vec![None; new.labels.len()];
    let mut pair = |fits: &dyn Fn(usize, &LabelPlan, usize, &LabelPlan) -> bool| {
        for (at, label) in new.labels.iter().enumerate() {
            if partners[at].is_some() {
                continue;
            }
            let found = open
                .iter_mut()
                .enumerate()
                .find(|(was, open)| open.is_some_and(|open| fits(*was, open, at, label)));
            partners[at] = found.and_then(|(_, open)| open.take());
        }
    };
    pair(&|_, old, _, new| old.name == new.name);
    pair(&|_, old, _, new| old.key == new.key);
    if old.rule == new.rule {
        pair(&|was, _, at, _| was == at);
    }
    let both = new.labels.iter().zip(&partners).map(|(new, old)| LabelPair { old: *old, new: Some(new) });
    let gone = open.iter().flatten().map(|old| LabelPair { old: Some(*old), new: None });
    both.chain(gone).collect()
}
