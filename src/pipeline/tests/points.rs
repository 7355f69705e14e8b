//! Where a daemon can die: before and after every durable write and every call, by the lists of both.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use crate::store::Entry;
use dropship_job::Event;

/// A list of words that is known as a whole.
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
    /// The methods of the service; the double has to name one in each, so a new method gets a point or does not compile.
    Call: Probe, Products, CreateProduct, Submissions, Submission, CreateSubmission, Commit, Labels, Label,
        CreateLabel, UpdateLabel, CancelLabel, Audiences, Upload, Download,
}

listed! {
    /// What is written durably; [`writes`] knows each entry and event, so a new one gets a point or does not compile.
    Write: Seen, Gone, Inspecting, Inspected, Flag, Receipted, Pruned, Arrived, Accepted, Rejected, Intended, Absent, Repeated,
        Unsent, Created, Twins, Uploaded, CommitIntended, Committed, Progressed, Signed, Collected, Labelled,
        Published, Withdrawn, Edited, TakenOver, Superseded, Waited, Overdue, Stumbled, Resumed, Held, Approved, Failed, Cancelled, Retried, Succeeded,
}

/// What a commit writes.
pub(super) fn writes(entries: &[Entry]) -> Vec<Write> {
    let of_entry = |entry: &Entry| match entry {
        Entry::Job { events, .. } => events.iter().map(of_event).collect(),
        Entry::Seen { .. } => vec![Write::Seen],
        Entry::Gone { .. } => vec![Write::Gone],
        Entry::Inspecting { .. } => vec![Write::Inspecting],
        Entry::Inspected { .. } => vec![Write::Inspected],
        Entry::Flag { .. } => vec![Write::Flag],
        Entry::Receipted { .. } => vec![Write::Receipted],
        Entry::Pruned { .. } => vec![Write::Pruned],
        // Written by the store itself, when the oldest lines go; the store's own tests die there.
        Entry::Standing { .. } | Entry::Told { .. } | Entry::Inspections { .. } | Entry::Owned { .. } => {
            vec![]
        }
    };
    entries.iter().flat_map(of_entry).collect()
}

fn of_event(event: &Event) -> Write {
    match event {
        Event::Arrived { .. } => Write::Arrived,
        Event::Accepted { .. } => Write::Accepted,
        Event::Rejected { .. } => Write::Rejected,
        Event::Intended { .. } => Write::Intended,
        Event::Absent { .. } => Write::Absent,
        Event::Repeated { .. } => Write::Repeated,
        Event::Unsent { .. } => Write::Unsent,
        Event::Created { .. } => Write::Created,
        Event::Twins { .. } => Write::Twins,
        Event::Uploaded { .. } => Write::Uploaded,
        Event::CommitIntended => Write::CommitIntended,
        Event::Committed => Write::Committed,
        Event::Progressed { .. } => Write::Progressed,
        Event::Signed => Write::Signed,
        Event::Collected { .. } => Write::Collected,
        Event::Labelled => Write::Labelled,
        Event::Published { .. } => Write::Published,
        Event::Withdrawn { .. } => Write::Withdrawn,
        Event::Edited { .. } => Write::Edited,
        Event::TakenOver { .. } => Write::TakenOver,
        Event::Superseded { .. } => Write::Superseded,
        Event::Waited { .. } => Write::Waited,
        Event::Overdue => Write::Overdue,
        Event::Stumbled { .. } => Write::Stumbled,
        Event::Resumed => Write::Resumed,
        Event::Held { .. } => Write::Held,
        Event::Approved { .. } => Write::Approved,
        Event::Failed { .. } => Write::Failed,
        Event::Cancelled { .. } => Write::Cancelled,
        Event::Retried { .. } => Write::Retried,
        Event::Succeeded => Write::Succeeded,
    }
}

/// Where the daemon is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Point {
    /// At a call.
    Call(Call),
    /// At a commit, whose parts become true together.
    Write(Vec<Write>),
}

/// Before a thing is done, or after it was done and before anybody heard of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Side {
    Before,
    After,
}

/// Where it is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aim {
    /// At the point of this number.
    Number(usize),
    /// The first time at a call.
    Call(Call, Side),
    /// The first time that this is written.
    Write(Write, Side),
}

impl Aim {
    fn is_at(self, number: usize, point: &Point, side: Side) -> bool {
        match (self, point) {
            (Self::Number(at), _) => at == number,
            (Self::Call(call, at), Point::Call(point)) => call == *point && at == side,
            (Self::Write(write, at), Point::Write(writes)) => writes.contains(&write) && at == side,
            _ => false,
        }
    }
}

/// Ends the daemon at the point that is aimed at; from then on nothing that it does counts.
pub(super) struct Tripwire {
    passed: AtomicUsize,
    at: Mutex<Option<Aim>>,
    /// Where it ended.
    tripped: watch::Sender<Option<(Point, Side)>>,
}

impl Tripwire {
    pub(super) fn new() -> Self {
        Self { passed: AtomicUsize::new(0), at: Mutex::new(None), tripped: watch::channel(None).0 }
    }

    /// Ends the daemon `points` points from now.
    pub(super) fn arm(&self, points: usize) {
        self.aim(Aim::Number(self.passed() + points));
    }

    /// Ends the daemon there.
    pub(super) fn aim(&self, at: Aim) {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
    }

    /// No death is planned any more.
    pub(super) fn disarm(&self) {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// A new daemon begins; gives where the old one ended.
    pub(super) fn reset(&self) -> Option<(Point, Side)> {
        let death = self.tripped.send_replace(None);
        if death.is_some() {
            self.disarm();
        }
        death
    }

    /// How many points were passed so far.
    pub(super) fn passed(&self) -> usize {
        self.passed.load(Ordering::SeqCst)
    }

    /// Is the daemon dead?
    pub(super) fn is_tripped(&self) -> bool {
        self.tripped.borrow().is_some()
    }

    /// Returns when the daemon has died.
    pub(super) async fn tripped(&self) {
        let mut watch = self.tripped.subscribe();
        let _closed = watch.wait_for(Option::is_some).await.is_err();
    }

    /// Passes a point; false when the daemon is dead by then.
    pub(super) fn pass(&self, point: impl FnOnce() -> Point, side: Side) -> bool {
        if self.is_tripped() {
            return false;
        }
        let number = self.passed.fetch_add(1, Ordering::SeqCst);
        let aim = *self.at.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(aim) = aim {
            let point = point();
            if aim.is_at(number, &point, side) {
                self.tripped.send_replace(Some((point, side)));
                return false;
            }
        }
        true
    }
}
