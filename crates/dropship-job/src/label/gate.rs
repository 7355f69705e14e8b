//! When a label may be requested: it can depend on others.

use jiff::{SignedDuration, Timestamp};

use crate::Job;

/// Whether the labels that a label depends on let it be requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelGate {
    /// From this time on.
    From(Timestamp),
    /// A label that it depends on is not published yet.
    Unpublished,
    /// The label at this index will never be published, or no longer is.
    PredecessorLost(usize),
}

impl Job {
    /// When the label at this index may be requested.
    ///
    /// The soak counts from the time at which the label before it is live: the later of publication and go-live date.
    #[must_use]
    pub fn label_gate(&self, index: usize) -> LabelGate {
        let Some(label) = self.labels.get(index) else { return LabelGate::Unpublished };
        let plan = label.plan();
        if label.predecessor_waived {
            return LabelGate::From(Timestamp::MIN);
        }
        let is_lost = |index: &usize| self.labels.get(*index).is_none_or(|before| before.is_lost());
        if let Some(lost) = plan.after.iter().copied().find(|index| is_lost(index)) {
            return LabelGate::PredecessorLost(lost);
        }
        let soak = i64::try_from(plan.soak_seconds).map_or(SignedDuration::MAX, SignedDuration::from_secs);
        let mut from = Timestamp::MIN;
        for before in &plan.after {
            let Some(live) = self.labels[*before].live_at() else { return LabelGate::Unpublished };
            from = from.max(live.checked_add(soak).unwrap_or(Timestamp::MAX));
        }
        LabelGate::From(from)
    }

    /// The time before which the label at this index is not requested or does not go live, if that is known.
    #[must_use]
    pub fn label_not_before(&self, index: usize) -> Option<Timestamp> {
        let label = self.labels.get(index)?;
        if let Some(remote) = label.remote() {
            return remote.go_live;
        }
        let gate = match self.label_gate(index) {
            LabelGate::From(time) if time > Timestamp::MIN => Some(time),
            LabelGate::From(_) | LabelGate::Unpublished | LabelGate::PredecessorLost(_) => None,
        };
        gate.into_iter().chain(label.plan().go_live).max()
    }

    /// Whether a label that is still to be requested depends on the one at this index.
    #[must_use]
    pub fn is_awaited(&self, index: usize) -> bool {
        let mut missing = self.labels.iter().filter(|label| label.is_missing() && !label.predecessor_waived);
        missing.any(|label| label.plan().after.contains(&index))
    }
}
