//! Where a daemon can crash: before and after each durable write and each call of the service.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::watch;

use dropship_job::Event;
use dropship_store::Entry;

/// An enum with the list of its variants.
macro_rules! listed {
    ($(#[$doc:meta])* $name:ident: $($word:ident),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(super) enum $name { $($word),+ }

        impl $name {
            pub(super) const ALL: &[Self] = &[$(Self::$word),+];
        }
    };
}

listed! {
    /// The methods of the service. [`super::fake_service`] names one in each method.
    Call: Probe, Products, CreateProduct, Submissions, Submission, CreateSubmission, Commit, Labels, Label,
        CreateLabel, UpdateLabel, CancelLabel, Audiences, Upload, Download,
}

listed! {
    /// The kinds of durable writes. [`writes`] matches every entry and event, so a new one without a point does not compile.
    Write: FileKnown, FileRemoved, InspectionStarted, InspectionEnded, Setting, ReceiptWritten, Pruned, Arrived,
        Accepted, SameBytes, AfterFailed, AfterDone, Rejected, Intended, NotFound, Unproven, Reissued, NotCreated, Created, DuplicatesChecked, Uploaded, CommitIntended, Committed, FoundCommitted, Progressed, Signed, Collected, Labelled,
        Published, LabelFailed, LabelHeld, Idle, Withdrawn, NotWithdrawn, WithdrawalConfirmed, PublishedAnyway, Replanned, Edited, Drifted, Acknowledged, LabelPublished, LabelForgotten, LabelChecked, TakenOver, Superseded, Waited, Overdue, AttemptFailed, Resumed, Held, Approved, Failed, Cancelled, Retried, Succeeded,
}

/// The kinds of writes in a commit.
pub(super) fn writes(entries: &[Entry]) -> Vec<Write> {
    let of_entry = |entry: &Entry| match entry {
        Entry::Job { events, .. } => events.iter().map(of_event).collect(),
        Entry::KnownFile { .. } => vec![Write::FileKnown],
        Entry::FileRemoved { .. } => vec![Write::FileRemoved],
        Entry::InspectionStarted { .. } => vec![Write::InspectionStarted],
        Entry::InspectionEnded { .. } => vec![Write::InspectionEnded],
        Entry::Setting { .. } => vec![Write::Setting],
        Entry::ReceiptWritten { .. } => vec![Write::ReceiptWritten],
        Entry::Pruned { .. } => vec![Write::Pruned],
        Entry::LabelPublished { .. } => vec![Write::LabelPublished],
        Entry::LabelForgotten { .. } => vec![Write::LabelForgotten],
        Entry::LabelChecked { .. } => vec![Write::LabelChecked],
        // Written by the store during compaction; the tests of the store crash there.
        Entry::Snapshot { .. }
        | Entry::History { .. }
        | Entry::CrashedInspections { .. }
        | Entry::Ownership { .. } => {
            vec![]
        }
    };
    entries.iter().flat_map(of_entry).collect()
}

fn of_event(event: &Event) -> Write {
    match event {
        Event::Arrived { .. } => Write::Arrived,
        Event::Accepted { .. } => Write::Accepted,
        Event::SameBytes { .. } => Write::SameBytes,
        Event::AfterFailed { .. } => Write::AfterFailed,
        Event::AfterDone { .. } => Write::AfterDone,
        Event::Rejected { .. } => Write::Rejected,
        Event::Intended { .. } => Write::Intended,
        Event::NotFound { .. } => Write::NotFound,
        Event::Unproven { .. } => Write::Unproven,
        Event::Reissued { .. } => Write::Reissued,
        Event::NotCreated { .. } => Write::NotCreated,
        Event::Created { .. } => Write::Created,
        Event::DuplicatesChecked { .. } => Write::DuplicatesChecked,
        Event::Uploaded { .. } => Write::Uploaded,
        Event::CommitIntended => Write::CommitIntended,
        Event::Committed => Write::Committed,
        Event::FoundCommitted { .. } => Write::FoundCommitted,
        Event::Progressed { .. } => Write::Progressed,
        Event::Signed => Write::Signed,
        Event::Collected { .. } => Write::Collected,
        Event::Labelled => Write::Labelled,
        Event::Published { .. } => Write::Published,
        Event::LabelFailed { .. } => Write::LabelFailed,
        Event::LabelHeld { .. } => Write::LabelHeld,
        Event::Idle => Write::Idle,
        Event::Withdrawn { .. } => Write::Withdrawn,
        Event::NotWithdrawn { .. } => Write::NotWithdrawn,
        Event::WithdrawalConfirmed { .. } => Write::WithdrawalConfirmed,
        Event::PublishedAnyway { .. } => Write::PublishedAnyway,
        Event::Replanned { .. } => Write::Replanned,
        Event::Edited { .. } => Write::Edited,
        Event::Drifted { .. } => Write::Drifted,
        Event::Acknowledged { .. } => Write::Acknowledged,
        Event::TakenOver { .. } => Write::TakenOver,
        Event::Superseded { .. } => Write::Superseded,
        Event::Waited { .. } => Write::Waited,
        Event::Overdue => Write::Overdue,
        Event::AttemptFailed { .. } => Write::AttemptFailed,
        Event::Resumed => Write::Resumed,
        Event::Held { .. } => Write::Held,
        Event::Approved { .. } => Write::Approved,
        Event::Failed { .. } => Write::Failed,
        Event::Cancelled { .. } => Write::Cancelled,
        Event::Retried { .. } => Write::Retried,
        Event::Succeeded => Write::Succeeded,
    }
}

/// The place in its work that the daemon has reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CrashPoint {
    /// A call.
    Call(Call),
    /// A commit; its parts take effect together.
    Write(Vec<Write>),
}

/// Before an act, or after it and before its result is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Side {
    Before,
    After,
}

/// A crash point by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum NamedPoint {
    Call(Call, Side),
    Write(Write, Side),
}

impl NamedPoint {
    /// Every call and every kind of write that the simulation makes, before and after it. It has no second files with the same
    /// bytes, and no `after`: tests of the binary have (`tests/it/intake/names.rs`, `tests/it/intake/after.rs`).
    pub(super) fn all() -> Vec<Self> {
        let sides = [Side::Before, Side::After];
        let calls = Call::ALL.iter().flat_map(|call| sides.map(|side| Self::Call(*call, side)));
        let is_simulated =
            |write: &&Write| !matches!(write, Write::SameBytes | Write::AfterFailed | Write::AfterDone);
        let writes = Write::ALL
            .iter()
            .filter(is_simulated)
            .flat_map(|write| sides.map(|side| Self::Write(*write, side)));
        calls.chain(writes).collect()
    }
}

impl CrashPoint {
    /// The names of this point; a commit has one for each of its writes.
    pub(super) fn names(&self, side: Side) -> Vec<NamedPoint> {
        match self {
            Self::Call(call) => vec![NamedPoint::Call(*call, side)],
            Self::Write(writes) => writes.iter().map(|write| NamedPoint::Write(*write, side)).collect(),
        }
    }
}

/// Where the daemon is to crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CrashTarget {
    /// At the point with this number, counted from 0.
    Number(usize),
    /// The first time that the daemon reaches a point of this name.
    Named(NamedPoint),
}

/// Crashes the daemon at the target. After the crash, nothing that the daemon still does has an effect.
pub(super) struct CrashSwitch {
    passed: AtomicUsize,
    reached: Mutex<BTreeSet<NamedPoint>>,
    target: Mutex<Option<CrashTarget>>,
    /// Number of commits that survive a power cut.
    synced: AtomicUsize,
    /// Where the daemon crashed.
    crashed: watch::Sender<Option<(CrashPoint, Side)>>,
}

impl CrashSwitch {
    pub(super) fn new() -> Self {
        Self {
            passed: AtomicUsize::new(0),
            reached: Mutex::default(),
            target: Mutex::default(),
            synced: AtomicUsize::new(0),
            crashed: watch::channel(None).0,
        }
    }

    /// Crashes the daemon `points` points from now.
    pub(super) fn crash_after(&self, points: usize) {
        self.crash_at(CrashTarget::Number(self.passed() + points));
    }

    /// Crashes the daemon at the target.
    pub(super) fn crash_at(&self, target: CrashTarget) {
        *self.target.lock() = Some(target);
    }

    /// Removes the target.
    pub(super) fn disarm(&self) {
        *self.target.lock() = None;
    }

    /// Prepares for a new daemon; returns where the old one crashed.
    pub(super) fn reset(&self) -> Option<(CrashPoint, Side)> {
        let crash = self.crashed.send_replace(None);
        if crash.is_some() {
            self.disarm();
        }
        crash
    }

    /// The number of points passed so far, by all daemons.
    pub(super) fn passed(&self) -> usize {
        self.passed.load(Ordering::SeqCst)
    }

    /// The first `commits` commits are on the disk.
    pub(super) fn on_synced(&self, commits: usize) {
        self.synced.fetch_max(commits, Ordering::SeqCst);
    }

    /// Number of commits that survive a power cut.
    pub(super) fn surviving_commits(&self) -> usize {
        self.synced.load(Ordering::SeqCst)
    }

    /// The names of all points reached so far.
    pub(super) fn reached(&self) -> BTreeSet<NamedPoint> {
        self.reached.lock().clone()
    }

    pub(super) fn has_crashed(&self) -> bool {
        self.crashed.borrow().is_some()
    }

    /// Returns when the daemon has crashed.
    pub(super) async fn crashed(&self) {
        let mut watch = self.crashed.subscribe();
        let _closed = watch.wait_for(Option::is_some).await.is_err();
    }

    /// Passes a point; false when the daemon has crashed, here or before.
    pub(super) fn pass(&self, point: CrashPoint, side: Side) -> bool {
        if self.has_crashed() {
            return false;
        }
        let number = self.passed.fetch_add(1, Ordering::SeqCst);
        let names = point.names(side);
        let target = *self.target.lock();
        let is_target = match target {
            None => false,
            Some(CrashTarget::Number(wanted)) => wanted == number,
            Some(CrashTarget::Named(wanted)) => names.contains(&wanted),
        };
        self.reached.lock().extend(names);
        if is_target {
            self.crashed.send_replace(Some((point, side)));
        }
        !is_target
    }
}
