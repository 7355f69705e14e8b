//! A shipping label of a job: what its plan asks for, what operators decided, and its life at the service.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::remote::{CreateProgress, Intent};
use super::remote_id::RemoteId;

mod drift;
mod gate;
mod hold;
mod life;
mod pending;
mod withdrawal;

pub use drift::{Drift, LabelDrift};
pub use gate::LabelGate;
pub use hold::{LabelApproval, LabelHold, Release};
pub use life::{LabelLife, LabelStage, LabelStatus, RemoteLabel};
pub use pending::{PendingWithdrawal, StrayLabel};
pub use withdrawal::Withdrawal;

/// The part of a label's plan that the job itself uses. The request is in the stored plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedLabel {
    /// Its name. Unique among the labels of the job.
    pub name: String,
    /// The audiences as the rule names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audiences: Vec<String>,
    /// Indices of the labels of the job that must be live first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<usize>,
    /// How long they must have been live, in seconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub soak_seconds: u64,
    /// The go-live date, if it is a fixed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub go_live: Option<Timestamp>,
    /// Number of different operators who have to approve its request; 0 if the rule does not ask for an approval. A limit of
    /// `[guard]` can require the approval of one operator.
    #[serde(default, skip_serializing_if = "is_none_needed")]
    pub approvals: u8,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_zero(seconds: &u64) -> bool {
    *seconds == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_none_needed(approvals: &u8) -> bool {
    *approvals == 0
}

/// A label of a job. Its index in the job never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    pub(crate) planned: PlannedLabel,
    pub(crate) life: LabelLife,
    /// It waits for an operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hold: Option<LabelHold>,
    /// Digest of the request that as many operators have approved as the label needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) approved: Option<String>,
    /// An operator has approved it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) released: bool,
    /// An operator has approved it although a label that it depends on will never be published.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) predecessor_waived: bool,
    /// Ids of labels that Microsoft refused or that were withdrawn, before this one was requested again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) former_ids: Vec<RemoteId>,
    /// Number of hardware ids that were removed from older labels because it targets them too.
    #[serde(default, skip_serializing_if = "is_none_taken")]
    pub(crate) taken_over: usize,
    /// The last change after its publication that dropship did not make.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) drift: Option<LabelDrift>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_none_taken(rows: &usize) -> bool {
    *rows == 0
}

impl Label {
    /// A label that was not requested yet.
    #[must_use]
    pub fn planned(planned: PlannedLabel) -> Self {
        Self {
            planned,
            life: LabelLife::Planned,
            hold: None,
            approved: None,
            released: false,
            predecessor_waived: false,
            former_ids: Vec::new(),
            taken_over: 0,
            drift: None,
        }
    }

    /// A label that the rules in force no longer ask for.
    #[must_use]
    pub fn dropped(planned: PlannedLabel) -> Self {
        Self { life: LabelLife::Dropped, ..Self::planned(planned) }
    }

    /// A label that exists at the service.
    #[must_use]
    pub fn existing(planned: PlannedLabel, remote: RemoteLabel) -> Self {
        Self { life: LabelLife::Exists(remote), ..Self::planned(planned) }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.planned.name
    }

    /// Its plan.
    #[must_use]
    pub fn plan(&self) -> &PlannedLabel {
        &self.planned
    }

    /// Its progress.
    #[must_use]
    pub fn life(&self) -> &LabelLife {
        &self.life
    }

    /// The label at the service.
    #[must_use]
    pub fn remote(&self) -> Option<&RemoteLabel> {
        match &self.life {
            LabelLife::Exists(remote) => Some(remote),
            LabelLife::Planned | LabelLife::Dropped | LabelLife::Intended(_) => None,
        }
    }

    /// Its id at the service.
    #[must_use]
    pub fn id(&self) -> Option<RemoteId> {
        self.remote().map(|remote| remote.id)
    }

    /// Its stage at the service.
    #[must_use]
    pub fn stage(&self) -> Option<&LabelStage> {
        self.remote().map(|remote| &remote.stage)
    }

    /// The create that is in doubt.
    #[must_use]
    pub fn intent(&self) -> Option<&Intent> {
        match &self.life {
            LabelLife::Intended(intent) => Some(intent),
            LabelLife::Planned | LabelLife::Dropped | LabelLife::Exists(_) => None,
        }
    }

    /// Progress of its create.
    #[must_use]
    pub fn creation(&self) -> CreateProgress<'_> {
        match &self.life {
            LabelLife::Planned | LabelLife::Dropped => CreateProgress::Open,
            LabelLife::Intended(intent) => CreateProgress::Intended(intent),
            LabelLife::Exists(remote) => CreateProgress::Done(remote.id),
        }
    }

    /// Why it waits for an operator.
    #[must_use]
    pub fn hold(&self) -> Option<&LabelHold> {
        self.hold.as_ref()
    }

    /// Whether releasing it sends something that was not approved yet. After a hold for a cause that is gone, the label is only
    /// checked again.
    #[must_use]
    pub fn needs_approval(&self) -> bool {
        let is_in_doubt = self.intent().is_some();
        self.hold.as_ref().is_some_and(|hold| is_in_doubt || hold.release != Release::Attempt)
    }

    /// Digest of the request that an operator has approved.
    #[must_use]
    pub fn approved(&self) -> Option<&str> {
        self.approved.as_deref()
    }

    /// Whether an operator has approved it although a label that it depends on will never be published.
    #[must_use]
    pub fn is_predecessor_waived(&self) -> bool {
        self.predecessor_waived
    }

    /// Ids of the labels that were requested before this one and were refused or withdrawn.
    #[must_use]
    pub fn former_ids(&self) -> &[RemoteId] {
        &self.former_ids
    }

    /// Number of hardware ids that were removed from older labels because it targets them too.
    #[must_use]
    pub fn taken_over(&self) -> usize {
        self.taken_over
    }

    /// Whether it still has to be requested, or its request is in doubt.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self.life, LabelLife::Planned | LabelLife::Intended(_))
    }

    /// Whether it does not exist and is no longer asked for.
    #[must_use]
    pub fn is_dropped(&self) -> bool {
        self.life == LabelLife::Dropped
    }

    /// Whether the service processes it, and nothing but its publication is wanted.
    #[must_use]
    pub fn is_processing(&self) -> bool {
        matches!(self.stage(), Some(LabelStage::Processing))
    }

    /// Whether it is published.
    #[must_use]
    pub fn is_published(&self) -> bool {
        matches!(self.stage(), Some(LabelStage::Published { .. }))
    }

    /// Whether it is withdrawn, or about to be.
    #[must_use]
    pub fn is_withdrawn(&self) -> bool {
        self.stage().is_some_and(LabelStage::is_withdrawn)
    }

    /// Why Microsoft failed it.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        match self.stage() {
            Some(LabelStage::Failed { reason, .. }) => Some(reason),
            _ => None,
        }
    }

    /// The last change after its publication that dropship did not make.
    #[must_use]
    pub fn drift(&self) -> Option<&LabelDrift> {
        self.drift.as_ref()
    }

    /// The change that no operator has acknowledged yet.
    #[must_use]
    pub fn unacknowledged_drift(&self) -> Option<&LabelDrift> {
        self.drift.as_ref().filter(|drift| drift.acknowledged_by.is_none())
    }

    /// Whether it was published and is not any more, although dropship did not withdraw it.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self.stage(), Some(LabelStage::Gone))
    }

    /// Whether it will never be published, or no longer is.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.is_dropped() || self.failure().is_some() || self.is_withdrawn() || self.is_gone()
    }

    /// When its publication was seen, while it is published.
    #[must_use]
    pub fn published(&self) -> Option<Timestamp> {
        match self.stage()? {
            LabelStage::Published { at, .. } => Some(*at),
            _ => None,
        }
    }

    /// When it is live: the later of its publication and its go-live date.
    #[must_use]
    pub fn live_at(&self) -> Option<Timestamp> {
        match self.remote()? {
            RemoteLabel { go_live, stage: LabelStage::Published { at, .. }, .. } => {
                Some(go_live.map_or(*at, |date| date.max(*at)))
            }
            _ => None,
        }
    }

    /// Its status in one word.
    #[must_use]
    pub fn status(&self) -> LabelStatus {
        match &self.life {
            _ if self.hold.is_some() => LabelStatus::Held,
            LabelLife::Planned => LabelStatus::Planned,
            LabelLife::Dropped => LabelStatus::Dropped,
            LabelLife::Intended(_) => LabelStatus::InDoubt,
            LabelLife::Exists(remote) => remote.stage.status(),
        }
    }
}
