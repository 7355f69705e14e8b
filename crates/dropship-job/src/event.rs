//! The events of a job. A job is the fold of its events, in the running daemon and after a crash.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::hold_reason::HoldFault;
use super::label::{Drift, PlannedLabel, Release};
use super::package::{Asset, Package};
use super::remote::{Intent, RemoteKind, Resolution};
use super::remote_id::RemoteId;
use super::wait_reason::WaitReason;

/// One event of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A package was found or submitted: the job starts.
    Arrived {
        /// The package.
        package: Package,
    },
    /// Inspection and rules accepted the package. From now on only the captured copy is used.
    Accepted {
        /// The rule that applies.
        rule: String,
        /// The account of the rule.
        account: String,
        /// Digest of the plan that is stored beside the copy.
        plan: String,
        /// Identity of its signed content; packages that differ only in bytes that no signature covers have the same.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content: Option<String>,
        /// The labels that the plan asks for.
        labels: Vec<PlannedLabel>,
        /// Warnings of the inspection and the rules.
        warnings: Vec<String>,
        /// Variables that its sidecar set.
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
        /// The action that was taken, or why none is left.
        how: String,
    },
    /// The package or the rules are at fault.
    Rejected {
        /// Why.
        fault: Fault,
    },
    /// A create is about to be sent.
    Intended {
        /// Kind of the object.
        kind: RemoteKind,
        /// The durable record of the request.
        intent: Intent,
    },
    /// The object of a create in doubt was searched for and not found.
    NotFound {
        /// Kind of the object that was looked for.
        kind: RemoteKind,
        /// When to search again.
        due: Timestamp,
    },
    /// The object of a create in doubt was not found twice: the request is about to be sent again. The ids that are
    /// excluded remain those of before the first request, so that a late first object is recognised.
    Reissued {
        /// Kind of the object.
        kind: RemoteKind,
        /// Until when the request may still take effect.
        may_complete_until: Timestamp,
    },
    /// No list can prove whether a create in doubt took effect: an operator decides.
    Unproven {
        /// Kind of the object.
        kind: RemoteKind,
        /// The proposal that an approval accepts.
        #[serde(flatten)]
        resolution: Resolution,
    },
    /// A create had no effect: it was refused, or never sent.
    NotCreated {
        /// Kind of the object.
        kind: RemoteKind,
        /// The service's answer, or why nothing was sent.
        why: String,
    },
    /// The object exists at the service.
    Created {
        /// Kind of the object.
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
        /// Ids of objects of that name that cannot be attributed to this create; they are only reported.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        unproven: Vec<RemoteId>,
        /// When to search again; absent after the last search.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<Timestamp>,
    },
    /// The package was uploaded, and its length at the upload URL verified.
    Uploaded {
        /// Bytes sent.
        bytes: u64,
    },
    /// A commit is about to be sent.
    CommitIntended,
    /// The service has confirmed the commit.
    Committed,
    /// The submission was committed before this job did it: an earlier run of dropship got further than a store that was
    /// restored from a backup. The job follows the submission.
    FoundCommitted {
        /// Whether the submission is known to contain the package of the job: the job uploaded it, or the service returned it.
        verified: bool,
    },
    /// The workflow at the service advanced.
    Progressed {
        /// Index of the label; absent for the submission.
        label: Option<usize>,
        /// The service's step.
        step: String,
        /// The service's state of that step.
        state: String,
    },
    /// Microsoft has signed the package, and it can be downloaded.
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
    /// Microsoft failed the label, or no longer has it.
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
        /// The effect of an approval.
        release: Release,
    },
    /// Only labels that wait for an operator need more work.
    Idle,
    /// The service has agreed to withdraw the label. The label appears as failed later.
    Withdrawn {
        /// Index of the label, or of the label that it duplicates.
        label: usize,
        /// Its id.
        id: RemoteId,
        /// Who asked for it.
        by: String,
    },
    /// A label that is to be withdrawn is not withdrawn yet.
    NotWithdrawn {
        /// Index of the label, or of the label that it duplicates.
        label: usize,
        /// Its id.
        id: RemoteId,
        /// When to try or check again.
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
    /// A label that was to be withdrawn was published before.
    PublishedAnyway {
        /// Index of the label, or of the label that it duplicates.
        label: usize,
        /// Its id.
        id: RemoteId,
    },
    /// A published label was compared with the service: it was withdrawn, has expired, or was changed, and dropship did not do it.
    Drifted {
        /// Index of the label.
        label: usize,
        /// Its id.
        id: RemoteId,
        /// The difference.
        #[serde(flatten)]
        drift: Drift,
    },
    /// An operator has acknowledged that a published label was withdrawn, has expired, or was changed.
    Acknowledged {
        /// Index of the label.
        label: usize,
        /// The operator.
        by: String,
        /// The operator's note.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
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
        /// Differences from the old plan.
        changes: Vec<String>,
    },
    /// An operator changed the targets of the label.
    Edited {
        /// Which.
        label: usize,
        /// Who.
        by: String,
        /// The requested change.
        update: String,
    },
    /// Targets of this label were removed from an older label of its rule.
    TakenOver {
        /// The newer label.
        label: usize,
        /// Id of the older label.
        from: RemoteId,
        /// How many hardware ids were removed there.
        rows: usize,
    },
    /// All targets of this label are removed from older labels, as far as possible.
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
        /// The reason.
        why: WaitReason,
        /// Whether the service was polled for it just now.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        polled: bool,
    },
    /// The wait takes unusually long. Operators are notified, and the wait continues.
    Overdue,
    /// An attempt failed with a temporary error.
    AttemptFailed {
        /// When to try again.
        due: Timestamp,
        /// The error.
        fault: Fault,
    },
    /// The job is in the queue again.
    Resumed,
    /// The job waits for an operator.
    Held {
        /// Why.
        fault: HoldFault,
        /// Digest of the request that was shown, if the hold is for one.
        request: Option<String>,
    },
    /// An operator approved a held job, or a label of it. It is released if no other operator has to approve it too.
    Approved {
        /// The operator.
        by: String,
        /// User id of the operator.
        uid: u32,
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
    /// The job failed.
    Failed {
        /// Why.
        fault: Fault,
    },
    /// An operator cancelled the job.
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
    /// All steps are done.
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
