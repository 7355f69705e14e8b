//! Samples for tests: one instance of every event, and a job that has lived through many of them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    Asset, Drift, ErrorKind, Event, Fault, HoldFault, HoldReason, Intent, Job, JobId, KeptTargets, Package,
    PlannedLabel, Release, RemoteId, RemoteKind, Resolution, WaitReason,
};

/// Builds a list with one instance of each variant, and fails to compile when a variant is missing.
#[macro_export]
macro_rules! one_of_each {
    ($type:ty: $($pattern:pat => $sample:expr),+ $(,)?) => {{
        fn _every_variant_has_a_sample(value: &$type) {
            match value {
                $($pattern => {})+
            }
        }
        vec![$($sample),+]
    }};
}

/// A fixed time, some seconds after 2026-01-02 03:04:05 UTC.
#[must_use]
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_767_323_045 + seconds).unwrap_or(Timestamp::MAX)
}

/// A fixed job id.
#[must_use]
pub fn job_id() -> JobId {
    JobId::new(1_767_323_045_000, 7)
}

/// Id of the label that exists.
const LABEL: RemoteId = RemoteId::new(1_152_921_504_621_465_200);

/// A package that was found in a folder.
#[must_use]
pub fn package() -> Package {
    Package {
        name: "echo.cab".into(),
        path: Some("/srv/drop/echo.cab".into()),
        folder: Some("in".into()),
        sha256: "ab".repeat(32),
        size: 4096,
        outbox: "/srv/signed/echo-abababab".into(),
    }
}

fn accepted() -> Event {
    Event::Accepted {
        rule: "ring".into(),
        account: "default".into(),
        plan: "cd".repeat(32),
        content: Some("ef".repeat(32)),
        labels: vec![
            PlannedLabel {
                name: "echo test ring".into(),
                audiences: vec!["Test Registry Key".into()],
                ..PlannedLabel::default()
            },
            planned_retail(),
        ],
        warnings: vec!["a warning of the inspection".into()],
        vars: BTreeMap::from([("train".to_owned(), "26H1".to_owned())]),
    }
}

fn planned_retail() -> PlannedLabel {
    PlannedLabel {
        name: "echo retail".into(),
        audiences: Vec::new(),
        after: vec![0],
        soak_seconds: 604_800,
        go_live: Some(at(9_000_000)),
        approvals: 2,
    }
}

fn intended(kind: RemoteKind, name: &str) -> Event {
    let intent = Intent {
        existing_ids: vec![RemoteId::new(9_007_199_254_740_993)],
        first_called: Some(at(0)),
        not_found_count: 1,
        reissued: 1,
        duplicate_check_at: Some(at(1200)),
        ..Intent::new(name, "ef".repeat(32), at(600))
    };
    Event::Intended { kind, intent }
}

fn created(kind: RemoteKind, id: RemoteId) -> Event {
    let go_live = matches!(kind, RemoteKind::Label(_)).then(|| at(604_800));
    Event::Created { kind, id, adopted: true, go_live }
}

fn fault() -> Fault {
    Fault::new(ErrorKind::SigningFailed, "the package was not signed")
}

/// One instance of every event, in the order of the enum. Optional fields are set.
#[must_use]
pub fn one_of_each_event() -> Vec<Event> {
    let files = vec![Asset { name: "signed.zip".into(), size: 8192, sha256: "12".repeat(32) }];
    crate::one_of_each!(Event:
        Event::Arrived { .. } => Event::Arrived { package: package() },
        Event::Accepted { .. } => accepted(),
        Event::SameBytes { .. } => Event::SameBytes { path: Some("/srv/drop/copy of echo.cab".into()) },
        Event::AfterFailed { .. } => Event::AfterFailed {
            due: at(5),
            why: "cannot move /srv/drop/echo.cab to /srv/done: No space left on device".into(),
        },
        Event::AfterDone { .. } => Event::AfterDone { how: "/srv/drop/echo.cab moved to /srv/done/echo.cab".into() },
        Event::Rejected { .. } => Event::Rejected { fault: Fault::new(ErrorKind::Truncated, "the file is cut off") },
        Event::Intended { .. } => intended(RemoteKind::Product, "Contoso echo 1.0.0.1"),
        Event::NotFound { .. } => Event::NotFound { kind: RemoteKind::Submission, due: at(60) },
        Event::Reissued { .. } => Event::Reissued { kind: RemoteKind::Submission, may_complete_until: at(1200) },
        Event::Unproven { .. } => Event::Unproven { kind: RemoteKind::Product, resolution: Resolution::Adopt { id: RemoteId::new(9_007_199_254_740_995) } },
        Event::NotCreated { .. } => Event::NotCreated { kind: RemoteKind::Label(1), why: "400 Bad Request".into() },
        Event::Created { .. } => created(RemoteKind::Product, RemoteId::new(14_631_253_285_588_838)),
        Event::DuplicatesChecked { .. } => Event::DuplicatesChecked {
            kind: RemoteKind::Label(0),
            ids: vec![RemoteId::new(1_152_921_504_621_465_124)],
            unproven: vec![RemoteId::new(1_152_921_504_621_465_125)],
            next: Some(at(600)),
        },
        Event::Uploaded { .. } => Event::Uploaded { bytes: 4096 },
        Event::CommitIntended => Event::CommitIntended,
        Event::Committed => Event::Committed,
        Event::FoundCommitted { .. } => Event::FoundCommitted { verified: true },
        Event::Progressed { .. } => Event::Progressed {
            label: Some(0),
            step: "microsoftApproval".into(),
            state: "started".into(),
        },
        Event::Signed => Event::Signed,
        Event::Collected { .. } => Event::Collected { files },
        Event::Labelled => Event::Labelled,
        Event::Published { .. } => Event::Published { label: 0 },
        Event::LabelFailed { .. } => Event::LabelFailed { label: 0, reason: "owned by Fabrikam".into() },
        Event::LabelHeld { .. } => Event::LabelHeld {
            label: 1,
            fault: HoldFault::new(HoldReason::Approval, "the label waits for an approval"),
            release: Release::Request("34".repeat(32)),
        },
        Event::Idle => Event::Idle,
        Event::Withdrawn { .. } => Event::Withdrawn { label: 0, id: LABEL, by: "alice".into() },
        Event::NotWithdrawn { .. } => Event::NotWithdrawn {
            label: 0,
            id: LABEL,
            due: at(60),
            why: "it can be cancelled only during Microsoft's approval".into(),
        },
        Event::WithdrawalConfirmed { .. } => Event::WithdrawalConfirmed { label: 0, id: LABEL },
        Event::PublishedAnyway { .. } => Event::PublishedAnyway { label: 0, id: LABEL },
        Event::Drifted { .. } => Event::Drifted {
            label: 0,
            id: LABEL,
            drift: Drift::Withdrawn { reason: "The shipping label was cancelled.".into() },
        },
        Event::Acknowledged { .. } => Event::Acknowledged {
            label: 0,
            by: "alice (uid 1000)".into(),
            note: Some("withdrawn by us".into()),
        },
        Event::Replanned { .. } => Event::Replanned {
            rule: "ring".into(),
            plan: "cd".repeat(32),
            labels: vec![planned_retail()],
            dropped: vec![1],
            again: vec![0],
            changes: vec!["label `echo retail`: floor \"CO\" instead of \"NI\"".into()],
        },
        Event::Edited { .. } => Event::Edited {
            label: 0,
            by: "alice".into(),
            update: "{\"audiences\":[\"ring\"]}".into(),
        },
        Event::TakenOver { .. } => Event::TakenOver { label: 0, from: RemoteId::new(1_152_921_504_621_465_000), rows: 3 },
        Event::Superseded { .. } => Event::Superseded {
            label: 0,
            kept: vec![KeptTargets { label: RemoteId::new(1_152_921_504_621_465_000), rows: 2, why: "its audiences do not include those of the older label".to_owned() }],
        },
        Event::Waited { .. } => Event::Waited { due: at(30), why: WaitReason::Signature { workflow: None }, polled: true },
        Event::Overdue => Event::Overdue,
        Event::AttemptFailed { .. } => Event::AttemptFailed { due: at(5), fault: fault() },
        Event::Resumed => Event::Resumed,
        Event::Held { .. } => Event::Held {
            fault: HoldFault::new(HoldReason::Approval, "the label waits for an approval"),
            request: Some("34".repeat(32)),
        },
        Event::Approved { .. } => Event::Approved {
            by: "alice (uid 1000)".into(),
            uid: 1000,
            label: Some(1),
            name: Some("echo retail".into()),
            request: Some("34".repeat(32)),
            note: Some("seen in change 4711".into()),
        },
        Event::Failed { .. } => Event::Failed { fault: fault() },
        Event::Cancelled { .. } => Event::Cancelled { by: "alice".into() },
        Event::Retried { .. } => Event::Retried { by: "alice".into(), new_product: true },
        Event::Succeeded => Event::Succeeded,
    )
}

/// The events of a job from its package to its first label, with a second label that is still in doubt.
#[must_use]
pub fn a_life() -> Vec<Event> {
    vec![
        Event::Arrived { package: package() },
        accepted(),
        intended(RemoteKind::Product, "Contoso echo 1.0.0.1"),
        created(RemoteKind::Product, RemoteId::new(14_631_253_285_588_838)),
        intended(RemoteKind::Submission, "echo"),
        created(RemoteKind::Submission, RemoteId::new(1_152_921_504_621_465_124)),
        Event::Uploaded { bytes: 4096 },
        Event::CommitIntended,
        Event::Committed,
        Event::Progressed { label: None, step: "preparation".into(), state: "started".into() },
        Event::Waited { due: at(30), why: WaitReason::Signature { workflow: None }, polled: true },
        Event::Resumed,
        Event::Signed,
        Event::Collected {
            files: vec![Asset { name: "signed.zip".into(), size: 8192, sha256: "12".repeat(32) }],
        },
        intended(RemoteKind::Label(0), "echo test ring"),
        created(RemoteKind::Label(0), LABEL),
        intended(RemoteKind::Label(1), "echo retail"),
        Event::AttemptFailed { due: at(5), fault: fault() },
    ]
}

/// The job after [`a_life`], or the reason why that life is no longer legal.
///
/// # Errors
/// An event of the life is refused.
pub fn job() -> Result<Job, crate::Illegal> {
    let events = a_life();
    let (first, rest) = events.split_first().unwrap_or((&Event::Succeeded, &[]));
    let started = crate::apply(None, &job_id(), at(0), first)?;
    rest.iter().try_fold(started, |job, event| crate::apply(Some(&job), &job_id(), at(1), event))
}

/// Builds a job from events, beginning with an accepted package of the rule `ring`.
#[derive(Debug, Clone)]
pub struct JobBuilder {
    id: JobId,
    at: Timestamp,
    events: Vec<Event>,
}

impl JobBuilder {
    /// An accepted package of this folder, without labels. Jobs with different numbers have different bytes.
    #[must_use]
    pub fn new(folder: &str, number: u32) -> Self {
        let package =
            Package { folder: Some(folder.to_owned()), sha256: format!("{number:064x}"), ..package() };
        let accepted = Event::Accepted {
            rule: "ring".into(),
            account: "default".into(),
            plan: "cd".repeat(32),
            content: None,
            labels: Vec::new(),
            warnings: Vec::new(),
            vars: BTreeMap::new(),
        };
        let id = JobId::new(u64::from(number), 0);
        Self { id, at: Timestamp::UNIX_EPOCH, events: vec![Event::Arrived { package }, accepted] }
    }

    /// The time of all its events.
    #[must_use]
    pub fn at(mut self, at: Timestamp) -> Self {
        self.at = at;
        self
    }

    /// Adds an event.
    #[must_use]
    pub fn event(mut self, event: Event) -> Self {
        self.events.push(event);
        self
    }

    /// Adds the intent to create an object; its response may be lost until `may_complete_until`.
    #[must_use]
    pub fn intended(self, kind: RemoteKind, name: &str, may_complete_until: Timestamp) -> Self {
        let intent = Intent::new(name, "ef".repeat(32), may_complete_until);
        self.event(Event::Intended { kind, intent })
    }

    /// The job after all events.
    ///
    /// # Errors
    /// When an event is illegal: the first such event.
    pub fn build(&self) -> Result<Job, crate::Illegal> {
        let mut job = None;
        for event in &self.events {
            job = Some(crate::apply(job.as_ref(), &self.id, self.at, event)?);
        }
        let nothing = crate::apply(None, &self.id, self.at, &Event::Succeeded);
        job.map_or(nothing, Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The stored form of a job is a promise to later versions: a change of this file is a change of the store's format.
    #[test]
    fn stored_events_and_job_are_as_recorded() {
        let mut lines = String::new();
        for event in one_of_each_event() {
            let line = serde_json::to_string(&event).expect("events are JSON");
            let read: Event = serde_json::from_str(&line).expect("an event is read as it was written");
            assert_eq!(read, event);
            lines.push_str(&line);
            lines.push('\n');
        }
        let job = job().expect("a legal life");
        let stored = serde_json::to_string_pretty(&job).expect("a job is JSON");
        assert_eq!(serde_json::from_str::<Job>(&stored).expect("a job is read as it was written"), job);
        insta::with_settings!({
            snapshot_path => "../tests/golden", prepend_module_to_snapshot => false, omit_expression => true
        }, {
            insta::assert_snapshot!("events", lines);
            insta::assert_snapshot!("job", stored);
        });
    }
}
