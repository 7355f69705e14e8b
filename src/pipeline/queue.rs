//! Which job is next: the open jobs in memory, by when they can be worked on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::Notify;

use crate::job::{Job, JobId, State};

/// The open jobs that wait for no person, ordered by time.
#[derive(Debug, Default)]
pub struct Queue {
    inner: Mutex<Inner>,
    /// Rings when the order may have changed.
    pub(super) bell: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    ready: BTreeSet<(Timestamp, JobId)>,
    times: BTreeMap<JobId, (Timestamp, u64)>,
    running: BTreeSet<JobId>,
}

/// What the queue has to offer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// This job can be worked on; it counts as running now.
    Job(JobId),
    /// Nothing until then.
    Later(Timestamp),
    /// Nothing at all.
    Nothing,
}

impl Queue {
    /// Puts a job where it belongs after something happened to it.
    pub fn place(&self, job: &Job) {
        let mut inner = self.inner();
        match inner.times.get(&job.id).copied() {
            // News can come late: what is known of the job is newer.
            Some((_, rev)) if rev > job.rev => return,
            Some((time, _)) => {
                inner.times.remove(&job.id);
                inner.ready.remove(&(time, job.id.clone()));
            }
            None => {}
        }
        let time = match job.state {
            State::Queued => Some(job.step_began),
            State::Waiting { due, .. } => Some(due),
            // Held or ended, it may still have to be looked for what came late.
            _ => job.look_due(),
        };
        if let Some(time) = time {
            inner.times.insert(job.id.clone(), (time, job.rev));
            inner.ready.insert((time, job.id.clone()));
        }
        drop(inner);
        self.bell.notify_one();
    }

    /// The job that has waited longest of those that can be worked on.
    pub(super) fn next(&self, now: Timestamp) -> Next {
        let mut inner = self.inner();
        let free = inner.ready.iter().find(|(_, id)| !inner.running.contains(id)).cloned();
        match free {
            Some((time, id)) if time <= now => {
                inner.running.insert(id.clone());
                Next::Job(id)
            }
            Some((time, _)) => Next::Later(time),
            None => Next::Nothing,
        }
    }

    /// What was due could not be done: again then, unless something happens to the job before.
    pub(super) fn postpone(&self, id: &JobId, then: Timestamp) {
        let mut inner = self.inner();
        if let Some((time, _)) = inner.times.get_mut(id) {
            let before = std::mem::replace(time, then);
            inner.ready.remove(&(before, id.clone()));
            inner.ready.insert((then, id.clone()));
        }
    }

    /// A worker has put the job down.
    pub(super) fn put_down(&self, id: &JobId) {
        self.inner().running.remove(id);
        self.bell.notify_one();
    }

    /// Is a worker at it?
    #[must_use]
    pub fn is_running(&self, id: &JobId) -> bool {
        self.inner().running.contains(id)
    }

    /// The jobs that workers have in hand, oldest first.
    #[must_use]
    pub fn in_hand(&self) -> Vec<JobId> {
        self.inner().running.iter().cloned().collect()
    }

    /// How many jobs workers have in hand.
    #[must_use]
    pub fn running(&self) -> usize {
        self.inner().running.len()
    }

    /// How many jobs wait for a worker or for a time.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner().ready.len()
    }

    /// Is no job open that waits for no person?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Is nothing running, and nothing to be done until then?
    #[must_use]
    pub fn is_idle_until(&self, then: Timestamp) -> bool {
        let inner = self.inner();
        inner.running.is_empty() && inner.ready.first().is_none_or(|(time, _)| *time > then)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
