//! Which events have to survive a power cut at once.
//!
//! The journal is written in order: an event that is not synced becomes durable with the next one that is, of any job. Each sync
//! costs the disk a flush, and most of the events of a job can be found out again.

use std::collections::BTreeSet;

use parking_lot::Mutex;

use dropship_job::{Event, Job, JobId, RemoteKind, Step};
use dropship_store::Entry;

/// The cost of an event that a power cut loses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Loss {
    /// The job continues sooner than it had to. Its receipt does not count as newer than the store.
    Time,
    /// The step is done again, with the same result. The receipt must not show it before it is durable: a receipt that shows more
    /// than the store looks like that of a store which was restored from a backup.
    Repetition,
    /// A request could be sent twice, or the act of an operator be lost.
    Everything,
}

impl Loss {
    /// The cost of these events and of the entries that are committed with them; `job` is the state before.
    pub(super) fn of(job: &Job, events: &[Event], entries: &[Entry]) -> Self {
        // The service shows again what they contain, together with their event.
        let is_derived = |entry: &Entry| {
            matches!(
                entry,
                Entry::LabelPublished { .. }
                    | Entry::LabelChecked { .. }
                    | Entry::Setting { value: Some(_), .. }
            )
        };
        let of_entries = match entries {
            [] => Self::Time,
            some if some.iter().all(is_derived) => Self::Repetition,
            _ => Self::Everything,
        };
        events.iter().map(|event| Self::of_event(job, event)).max().unwrap_or(Self::Time).max(of_entries)
    }

    fn of_event(job: &Job, event: &Event) -> Self {
        match event {
            // After a restart the job is polled at once.
            Event::Waited { .. } | Event::Resumed | Event::Idle | Event::NotWithdrawn { .. } => Self::Time,
            // The next poll shows it again. In this step, another workflow does not make a receipt newer than the store.
            Event::Progressed { label: None, .. } if job.step() == Step::Sign => Self::Time,
            Event::Progressed { .. } | Event::Signed | Event::Published { .. } => Self::Repetition,
            // The same bytes are uploaded to the same place again. The intent to commit them comes before the commit, and makes
            // this durable.
            Event::Uploaded { .. } => Self::Repetition,
            // The results are downloaded again. They were synced, and are named by the intent of the first label.
            Event::Collected { .. } => Self::Repetition,
            // It follows from the labels, or from their targets.
            Event::Labelled | Event::Superseded { .. } => Self::Repetition,
            // A lost create is in doubt, and the product is found by its name. The intent of the submission in it, or that of any
            // other product with its name, makes this durable before it is sent. A submission is followed by its upload and a
            // label by its approval at Microsoft, which take long, so their creates are durable at once.
            Event::Created { kind: RemoteKind::Product, .. } => Self::Repetition,
            _ => Self::Everything,
        }
    }
}

/// Jobs with events that a receipt must not show yet.
#[derive(Debug, Default)]
pub(super) struct UnsyncedJobs(Mutex<BTreeSet<JobId>>);

impl UnsyncedJobs {
    /// Whether a commit with this loss has to be durable. A wait is shown by the receipt, together with all events before it.
    pub(super) fn needs_sync(&self, job: &JobId, loss: Loss) -> bool {
        match loss {
            Loss::Everything => true,
            Loss::Repetition => false,
            Loss::Time => self.0.lock().contains(job),
        }
    }

    /// Notes a commit.
    pub(super) fn committed(&self, job: &JobId, loss: Loss, durable: bool) {
        if durable {
            self.0.lock().remove(job);
        } else if loss == Loss::Repetition {
            self.0.lock().insert(job.clone());
        }
    }
}
