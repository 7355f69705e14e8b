//! The events of a job. A job is the fold of its events, in the running daemon and after a crash.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::hold_reason::HoldFault;
use super::label::{PlannedLabel, Release};
use super::package::{Asset, Package};
use super::remote::{Intent, RemoteKind, Resolution};
use super::remote_id::RemoteId;
use super::state::Fault;
use super::wait_reason::WaitReason;

/// One thing that happened to a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A package was found or submitted: the job starts.
    Arrived {
        /// The package.
        package: Package,
    },
    /// Inspection and rules let the package in; from now on the captured copy is what counts.
    Accepted {
        /// The rule that is for it.
        rule: String,
        /// The account that the rule sends it with.
        account: String,
        /// Digest of the plan that is stored beside the copy.
        plan: String,
        /// Identity of its signed content; packages that differ only in bytes that no signature covers have the same.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content: Option<String>,
        /// The labels that the plan asks for.
        labels: Vec<PlannedLabel>,
        /// What inspection and rules warned of.
        warnings: Vec<String>,
        /// What its sidecar set.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        vars: BTreeMap<String, String>,
    },
    /// Another file, or another submission, has the bytes of the job.
    SameBytes {
        /// Path of the file; absent for a submitted package.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<String>,
    },
    /// The dropped file could not be deleted or moved after the success of the job. This is tried again.
    AfterFailed {
        /// When to try again.
        due: Timestamp,
        /// What failed, why, and what to do.
        why: String,
    },
    /// Nothing is left to do with the dropped file, after this had failed.
    AfterDone {
        /// What was done, or why nothing is left to do.
        how: String,
    },
    /// The package or the rules are at fault.
    Rejected {
        /// Why.
        fault: Fault,
    },
    /// A create is about to be called.
    Intended {
        /// Of what.
        kind: RemoteKind,
        /// What is known of it beforehand.
        intent: Intent,
    },
    /// A create in doubt was looked for and not found.
    NotFound {
        /// What was looked for.
        kind: RemoteKind,
        /// When to look again.
        due: Timestamp,
    },
    /// A create in doubt was absent both times: it is about to be called again. What it may not be taken for stays
    /// what it was before the first call, so that a late first one is never mistaken for a stranger's.
    Reissued {
        /// Of what.
        kind: RemoteKind,
        /// Until when the service may still carry out this call.
        may_complete_until: Timestamp,
    },
    /// No list can prove whether a create in doubt took effect: an operator decides.
    Unproven {
        /// Kind of the object.
        kind: RemoteKind,
        /// What an approval decides.
        #[serde(flatten)]
        resolution: Resolution,
    },
    /// A create is known not to have been carried out: refused, or never sent.
    NotCreated {
        /// Of what.
        kind: RemoteKind,
        /// How that is known.
        why: String,
    },
    /// Something exists at the service.
    Created {
        /// What.
        kind: RemoteKind,
        /// Its id.
        id: RemoteId,
        /// It was found after its response was lost.
        adopted: bool,
        /// The go-live date of a label.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        go_live: Option<Timestamp>,
    },
    /// A search for late duplicates of a create. Usually there are none. Duplicates of labels are withdrawn.
    DuplicatesChecked {
        /// The kind of the object.
        kind: RemoteKind,
        /// Ids of the duplicates.
        ids: Vec<RemoteId>,
        /// Ids of objects of that name which are not provably of this create; they are only reported.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        unproven: Vec<RemoteId>,
        /// When to search again; absent after the last search.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<Timestamp>,
    },
    /// The package is at the upload URL, its length verified.
    Uploaded {
        /// Bytes sent.
        bytes: u64,
    },
    /// A commit is about to be called.
    CommitIntended,
    /// The service has the commit.
    Committed,
    /// The submission was committed before this job did it: an earlier run of dropship got further than a store that was
    /// restored from a backup. The job follows the submission.
    FoundCommitted {
        /// Whether the submission is known to contain the package of the job: the job uploaded it, or the service returned it.
        verified: bool,
    },
    /// The workflow moved, at the service's own words.
    Progressed {
        /// The label that moved; absent for the submission.
        label: Option<usize>,
        /// The service's step.
        step: String,
        /// The service's state of that step.
        state: String,
    },
    /// Microsoft has signed, and the signed package is offered.
    Signed,
    /// The results are in the outbox.
    Collected {
        /// Which.
        files: Vec<Asset>,
    },
    /// All labels of the plan exist.
    Labelled,
    /// The label is published.
    Published {
        /// Which.
        label: usize,
    },
    /// Microsoft gave the label up, or no longer has it.
    LabelFailed {
        /// Index of the label.
        label: usize,
        /// Microsoft's reasons.
        reason: String,
    },
    /// A label waits for an operator. The labels that do not depend on it continue.
    LabelHeld {
        /// Index of the label.
        label: usize,
        /// The reason, and what the operator can do.
        fault: HoldFault,
        /// What an approval releases.
        release: Release,
    },
    /// The labels that do not wait for an operator need nothing more for now.
    Idle,
    /// The service has agreed to withdraw the label. The label shows as failed later.
    Withdrawn {
        /// Index of the label, or of the label that it duplicates.
        label: usize,
        /// Its id.
        id: RemoteId,
        /// Who asked for it.
        by: String,
    },
    /// A label that has to go is not withdrawn yet.
    NotWithdrawn {
        /// Index of the label, or of the label that it duplicates.
        label: usize,
        /// Its id.
        id: RemoteId,
        /// When to try, or to look, again.
        due: Timestamp,
        /// The reason.
        why: String,
    },
    /// The label is withdrawn.
    WithdrawalConfirmed {
        /// Index of the label, or of the label that it duplicates.
        label: usize,
        /// Its id.
        id: RemoteId,
    },
    /// A label that had to go was published before it could be withdrawn.
    PublishedAnyway {
        /// Index of the label, or of the label that it duplicates.
        label: usize,
        /// Its id.
        id: RemoteId,
    },
    /// The labels that do not exist yet are planned again, by the rules in force.
    Replanned {
        /// The rule that applies now.
        rule: String,
        /// Digest of the new plan.
        plan: String,
        /// All labels: those that the job has, then new ones.
        labels: Vec<PlannedLabel>,
        /// Indices of labels that are no longer asked for.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        dropped: Vec<usize>,
        /// Indices of labels that were refused or withdrawn and are requested again.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        again: Vec<usize>,
        /// What differs from the old plan.
        changes: Vec<String>,
    },
    /// An operator changed the targets of the label.
    Edited {
        /// Which.
        label: usize,
        /// Who.
        by: String,
        /// The change that the service was asked for.
        update: String,
    },
    /// Targets that this label has too were removed from an older label of its rule.
    TakenOver {
        /// The newer label.
        label: usize,
        /// Id of the older label.
        from: RemoteId,
        /// How many hardware ids were removed there.
        rows: usize,
    },
    /// Nothing is left to be removed from older labels.
    Superseded {
        /// The newer label.
        label: usize,
        /// Targets of both labels that an older label keeps.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        kept: Vec<KeptTargets>,
    },
    /// The job waits until a time. This is not a failed attempt.
    Waited {
        /// When it continues.
        due: Timestamp,
        /// What it waits for.
        why: WaitReason,
        /// Whether the service was polled for it just now.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        polled: bool,
    },
    /// The wait takes unusually long. Operators are notified, and the wait continues.
    Overdue,
    /// An attempt failed in a way that may pass.
    AttemptFailed {
        /// When to try again.
        due: Timestamp,
        /// What went wrong.
        fault: Fault,
    },
    /// The job can be worked on again.
    Resumed,
    /// The job waits for an operator.
    Held {
        /// Why.
        fault: HoldFault,
        /// Digest of the request that was shown, if the hold is for one.
        request: Option<String>,
    },
    /// An operator released a held job, or a label of it.
    Approved {
        /// The operator.
        by: String,
        /// Index of the label; absent when the job was held as a whole.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        label: Option<usize>,
        /// Name of the label.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Digest of the request that was approved.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request: Option<String>,
        /// The operator's note.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// It went wrong for good.
    Failed {
        /// Why.
        fault: Fault,
    },
    /// An operator ended it.
    Cancelled {
        /// Who.
        by: String,
    },
    /// An operator asked for another attempt.
    Retried {
        /// Who.
        by: String,
        /// With a new product, because the old one cannot be used any more.
        new_product: bool,
    },
    /// Everything is done.
    Succeeded,
}

/// Targets that an older label keeps although a newer one has them too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptTargets {
    /// Id of the older label.
    pub label: RemoteId,
    /// Number of hardware ids.
    pub rows: usize,
    /// Why the newer label does not take them over.
    pub why: String,
}

impl Event {
    /// The event's name, as logs and `show` spell it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Arrived { .. } => "arrived",
            Self::Accepted { .. } => "accepted",
            Self::SameBytes { .. } => "same_bytes",
            Self::AfterFailed { .. } => "after_failed",
            Self::AfterDone { .. } => "after_done",
            Self::Rejected { .. } => "rejected",
            Self::Intended { .. } => "intended",
            Self::NotFound { .. } => "not_found",
            Self::Reissued { .. } => "reissued",
            Self::Unproven { .. } => "unproven",
            Self::NotCreated { .. } => "not_created",
            Self::Created { .. } => "created",
            Self::DuplicatesChecked { .. } => "duplicates_checked",
            Self::Uploaded { .. } => "uploaded",
            Self::CommitIntended => "commit_intended",
            Self::Committed => "committed",
            Self::FoundCommitted { .. } => "found_committed",
            Self::Progressed { .. } => "progressed",
            Self::Signed => "signed",
            Self::Collected { .. } => "collected",
            Self::Labelled => "labelled",
            Self::Published { .. } => "published",
            Self::LabelFailed { .. } => "label_failed",
            Self::LabelHeld { .. } => "label_held",
            Self::Idle => "idle",
            Self::Withdrawn { .. } => "withdrawn",
            Self::NotWithdrawn { .. } => "not_withdrawn",
            Self::WithdrawalConfirmed { .. } => "withdrawal_confirmed",
            Self::PublishedAnyway { .. } => "published_anyway",
            Self::Replanned { .. } => "replanned",
            Self::Edited { .. } => "edited",
            Self::TakenOver { .. } => "taken_over",
            Self::Superseded { .. } => "superseded",
            Self::Waited { .. } => "waited",
            Self::Overdue => "overdue",
            Self::AttemptFailed { .. } => "attempt_failed",
            Self::Resumed => "resumed",
            Self::Held { .. } => "held",
            Self::Approved { .. } => "approved",
            Self::Failed { .. } => "failed",
            Self::Cancelled { .. } => "cancelled",
            Self::Retried { .. } => "retried",
            Self::Succeeded => "succeeded",
        }
    }
}
