//! Labels that are to be withdrawn: those of a cancelled job, and late duplicates.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::life::{LabelStage, RemoteLabel};
use super::withdrawal::Withdrawal;
use crate::{Job, LateDuplicateCheck, RemoteId, RemoteKind, State};

/// A late duplicate of a label: the request was sent twice, and both took effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StrayLabel {
    /// Index of the label that it duplicates.
    pub label: usize,
    /// Its name.
    pub name: String,
    /// The label at the service.
    pub remote: RemoteLabel,
}

/// A label that is not withdrawn yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingWithdrawal<'a> {
    /// Index of the label, or of the label that it duplicates.
    pub label: usize,
    /// Its name.
    pub name: &'a str,
    /// Its id; absent while its create is in doubt.
    pub id: Option<RemoteId>,
    /// Whether the service has agreed.
    pub is_agreed: bool,
    /// The withdrawal; absent while the create is in doubt.
    pub withdrawal: Option<&'a Withdrawal>,
}

impl PendingWithdrawal<'_> {
    /// Why it is not withdrawn yet.
    #[must_use]
    pub fn why(&self) -> &str {
        match self.withdrawal {
            None => "the response to its create was lost, so it may still appear; dropship looks for it",
            Some(Withdrawal { why: Some(why), .. }) => why,
            Some(_) if self.is_agreed => "Microsoft has agreed and is working on it",
            Some(_) => "the withdrawal was not attempted yet",
        }
    }
}

impl Job {
    /// The labels that have to be withdrawn and are not withdrawn yet, with late duplicates.
    #[must_use]
    pub fn pending_withdrawals(&self) -> Vec<PendingWithdrawal<'_>> {
        let labels = self.labels.iter().enumerate().filter_map(|(index, label)| match label.remote() {
            Some(remote) => pending(index, label.name(), remote),
            None => self.may_still_appear(index).then(|| PendingWithdrawal {
                label: index,
                name: label.name(),
                id: None,
                is_agreed: false,
                withdrawal: None,
            }),
        });
        let strays = self.strays.iter().filter_map(|stray| pending(stray.label, &stray.name, &stray.remote));
        labels.chain(strays).collect()
    }

    /// Whether a withdrawal was not attempted yet.
    #[must_use]
    pub fn has_untried_withdrawal(&self) -> bool {
        let is_untried = |pending: &PendingWithdrawal<'_>| {
            !pending.is_agreed && pending.withdrawal.is_none_or(|withdrawal| withdrawal.why.is_none())
        };
        self.pending_withdrawals().iter().any(is_untried)
    }

    /// Whether a label of a cancelled job may still be created by a request without a response. Once the search for it is over,
    /// no request can take effect any more.
    fn may_still_appear(&self, index: usize) -> bool {
        let is_searched = |check: &LateDuplicateCheck| check.kind == RemoteKind::Label(index);
        self.state == State::Cancelled
            && self.labels.get(index).is_some_and(|label| label.intent().is_some())
            && self.duplicate_checks.iter().any(is_searched)
    }

    /// When the next attempt at a withdrawal is due.
    #[must_use]
    pub(crate) fn withdrawal_due(&self) -> Option<Timestamp> {
        let stages = self.labels.iter().filter_map(|label| label.stage());
        let strays = self.strays.iter().map(|stray| &stray.remote.stage);
        stages.chain(strays).filter_map(LabelStage::withdrawal).map(|withdrawal| withdrawal.due).min()
    }
}

fn pending<'a>(label: usize, name: &'a str, remote: &'a RemoteLabel) -> Option<PendingWithdrawal<'a>> {
    let withdrawal = remote.stage.withdrawal()?;
    let is_agreed = matches!(remote.stage, LabelStage::Withdrawing(_));
    Some(PendingWithdrawal { label, name, id: Some(remote.id), is_agreed, withdrawal: Some(withdrawal) })
}
