//! Which events have to survive a power cut at once.
//!
//! The journal is written in order: an event that is not synced becomes durable with the next synced event of any job. Each sync
//! costs a flush of the disk, and the service shows most of the events of a job again.

use std::collections::BTreeSet;

use parking_lot::Mutex;

use dropship_job::{Event, Job, JobId, RemoteKind, Step};
use dropship_store::Entry;

/// The cost of an event that a power cut loses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LossCost {
    /// The job continues sooner than necessary. Its receipt does not count as newer than the store.
    Time,
    /// The step is repeated, with the same result. The receipt must not show the event before it is durable: if a receipt shows
    /// more than the store, the store seems to be restored from a backup.
    Repetition,
    /// A request could be sent twice, or the act of an operator be lost.
    Everything,
}

impl LossCost {
    /// The cost of these events and of the entries that are committed with them; `job` is the state before.
    pub(super) fn of(job: &Job, events: &[Event], entries: &[Entry]) -> Self {
        // The service shows the data of these entries again, together with the event.
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
            entries if entries.iter().all(is_derived) => Self::Repetition,
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
            // Found again from the labels, or from their targets.
            Event::Labelled | Event::Superseded { .. } => Self::Repetition,
            // If this event is lost, the create is in doubt again, and the product is found by its name. These writes make the
            // event durable before a request is sent that depends on it:
            // - the intent of a submission in the product;
            // - the intent of another product of the same name.
            //
            // Creates of submissions and labels are synced at once: the upload or the approval at Microsoft that follows takes
            // long.
            Event::Created { kind: RemoteKind::Product, .. } => Self::Repetition,
            _ => Self::Everything,
        }
    }
}

/// Jobs with events that a receipt must not show yet.
#[derive(Debug, Default)]
pub(super) struct UnsyncedJobs(Mutex<BTreeSet<JobId>>);

impl UnsyncedJobs {
    /// Whether a commit with this loss has to be durable. The receipt shows a wait, and with it all events before it.
    pub(super) fn needs_sync(&self, job: &JobId, loss_cost: LossCost) -> bool {
        match loss_cost {
            LossCost::Everything => true,
            LossCost::Repetition => false,
            LossCost::Time => self.0.lock().contains(job),
        }
    }

    /// Notes a commit.
    pub(super) fn on_committed(&self, job: &JobId, loss_cost: LossCost, durable: bool) {
        if durable {
            self.0.lock().remove(job);
        } else if loss_cost == LossCost::Repetition {
            self.0.lock().insert(job.clone());
        }
    }
}
