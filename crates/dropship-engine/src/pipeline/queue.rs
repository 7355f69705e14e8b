//! The open jobs in memory, ordered by when they can be processed next.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use super::unstarted::{JobGroup, UnstartedJobs};
use dropship_job::{Job, JobId, State};

/// After being skipped this many times a folder is served next regardless of priority (prevents starvation).
const MAX_SKIPS: u32 = 8;

/// Jobs that do not wait for an operator, by folder and within a folder by time.
///
/// Folders take turns, so that a folder with a thousand packages does not delay another folder's only package. Folders
/// with a higher priority go first, up to eight times in a row.
#[derive(Debug, Default)]
pub struct Queue {
    inner: Mutex<Inner>,
    /// Notified when the order may have changed.
    pub(super) wakeup: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    /// Queues of folders that have jobs; submitted packages without a folder are under the empty name.
    folders: BTreeMap<Arc<str>, FolderQueue>,
    slots: BTreeMap<JobId, Slot>,
    running: BTreeSet<JobId>,
    turns: u64,
    last_served: BTreeMap<Arc<str>, LastServed>,
    unstarted: UnstartedJobs,
}

type FolderQueue = BTreeSet<(Timestamp, JobId)>;

/// When a folder was served last.
#[derive(Debug, Default, Clone, Copy)]
struct LastServed {
    turn: u64,
    skipped: u32,
}

#[derive(Debug)]
struct Slot {
    due: Timestamp,
    rev: u64,
    folder: Arc<str>,
    unstarted: Option<JobGroup>,
    /// The job is held or has ended; only work on its labels or a duplicate check is due.
    is_background_only: bool,
    /// A label of the job has to be withdrawn and is not withdrawn yet.
    has_pending_withdrawal: bool,
    /// The job waits longer than usual.
    is_overdue: bool,
    created: Timestamp,
    /// The due work failed and will be retried.
    is_postponed: bool,
}

impl Inner {
    fn remove(&mut self, id: &JobId) -> Option<Slot> {
        let slot = self.slots.remove(id)?;
        if let Some(queue) = self.folders.get_mut(&slot.folder) {
            queue.remove(&(slot.due, id.clone()));
            if queue.is_empty() {
                self.folders.remove(&slot.folder);
            }
        }
        Some(slot)
    }

    fn insert(&mut self, id: &JobId, slot: Slot) {
        self.folders.entry(Arc::clone(&slot.folder)).or_default().insert((slot.due, id.clone()));
        self.slots.insert(id.clone(), slot);
    }

    /// The first job of each folder that is not running.
    fn heads(&self) -> impl Iterator<Item = (&Arc<str>, Timestamp, &JobId)> {
        self.folders.iter().filter_map(|(name, queue)| {
            let (due, id) = queue.iter().find(|(_, id)| !self.running.contains(id))?;
            Some((name, *due, id))
        })
    }

    /// Serves this folder; `others` had a job ready too and are skipped.
    fn serve(&mut self, folder: &Arc<str>, others: &[Arc<str>]) {
        self.turns += 1;
        let turn = self.turns;
        for other in others {
            self.last_served.entry(Arc::clone(other)).or_default().skipped += 1;
        }
        self.last_served.insert(Arc::clone(folder), LastServed { turn, skipped: 0 });
    }
}

/// The answer of [`Queue::next`].
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NextJob {
    /// This job is ready. It counts as running until [`Queue::release`].
    Job(JobId),
    /// No job is ready before this time.
    Later(Timestamp),
    /// The queue is empty.
    Nothing,
}

impl Queue {
    /// Moves a job to its new position after it changed. An older revision than the known one is ignored.
    pub fn upsert(&self, job: &Job) {
        let mut inner = self.inner();
        if inner.slots.get(job.id()).is_some_and(|slot| slot.rev > job.rev()) {
            return;
        }
        if let Some(group) = inner.remove(job.id()).and_then(|slot| slot.unstarted) {
            inner.unstarted.remove(&group);
        }
        let due = match job.state() {
            State::Queued => Some(job.step_started()),
            _ => job.due(),
        };
        let due = due.into_iter().chain(job.background_due()).min();
        if let Some(due) = due {
            let unstarted = JobGroup::of(job);
            if let Some(group) = unstarted.clone() {
                inner.unstarted.add(group);
            }
            let name = job.package().folder.as_deref().unwrap_or_default();
            let folder =
                inner.folders.get_key_value(name).map_or_else(|| name.into(), |(name, _)| Arc::clone(name));
            let is_background_only = !matches!(job.state(), State::Queued | State::Waiting { .. });
            inner.insert(
                job.id(),
                Slot {
                    due,
                    rev: job.rev(),
                    folder,
                    unstarted,
                    is_background_only,
                    has_pending_withdrawal: !job.pending_withdrawals().is_empty(),
                    is_overdue: job.is_overdue(),
                    created: job.created(),
                    is_postponed: false,
                },
            );
        }
        drop(inner);
        self.wakeup.notify_one();
    }

    /// The ready job that has waited longest in the folder that is served next.
    pub(super) fn next(&self, now: Timestamp, priority: impl Fn(&str) -> i64) -> NextJob {
        let mut inner = self.inner();
        let soonest = inner.heads().map(|(_, due, _)| due).min();
        let ready = || inner.heads().filter(|(_, due, _)| *due <= now);
        let first = ready().min_by_key(|(name, due, _)| {
            let served = inner.last_served.get(*name).copied().unwrap_or_default();
            let may_be_skipped = served.skipped < MAX_SKIPS;
            (
                may_be_skipped,
                if may_be_skipped { Reverse(priority(name)) } else { Reverse(0) },
                served.turn,
                *due,
            )
        });
        let Some((folder, id)) = first.map(|(name, _, id)| (Arc::clone(name), id.clone())) else {
            return soonest.map_or(NextJob::Nothing, NextJob::Later);
        };
        let own_priority = priority(&folder);
        let others: Vec<_> = ready()
            .filter(|(name, ..)| priority(name) < own_priority)
            .map(|(name, ..)| Arc::clone(name))
            .collect();
        inner.serve(&folder, &others);
        inner.running.insert(id.clone());
        NextJob::Job(id)
    }

    /// Calls `read` with the accepted jobs that have not started.
    pub(super) fn unstarted<T>(&self, read: impl FnOnce(&UnstartedJobs) -> T) -> T {
        read(&self.inner().unstarted)
    }

    /// Moves a job whose due work failed to a later time. A change of the job moves it again, or has done so already.
    pub(super) fn postpone(&self, job: &Job, due: Timestamp) {
        let (mut inner, id) = (self.inner(), job.id());
        if inner.slots.get(id).is_some_and(|slot| slot.rev <= job.rev())
            && let Some(slot) = inner.remove(id)
        {
            inner.insert(id, Slot { due, is_postponed: true, ..slot });
        }
    }

    /// Claims a job for work outside of the workers, until [`Queue::release`]. False while a worker has it.
    #[must_use]
    pub fn claim(&self, id: &JobId) -> bool {
        self.inner().running.insert(id.clone())
    }

    /// Ends the work on a job.
    pub fn release(&self, id: &JobId) {
        self.inner().running.remove(id);
        self.wakeup.notify_one();
    }

    /// Wakes the dispatcher, which then checks the queue and sends a heartbeat.
    pub fn wake(&self) {
        self.wakeup.notify_one();
    }

    /// Whether a worker processes the job.
    #[must_use]
    pub fn is_running(&self, id: &JobId) -> bool {
        self.inner().running.contains(id)
    }

    /// Whether a job is ready and waits for a worker, apart from work that failed and will be retried.
    #[must_use]
    pub fn has_waiting(&self, now: Timestamp) -> bool {
        let inner = self.inner();
        let waits = |(id, slot): (&JobId, &Slot)| {
            slot.due <= now && !slot.is_postponed && !inner.running.contains(id)
        };
        inner.slots.iter().any(waits)
    }

    /// The jobs that workers process, oldest first.
    #[must_use]
    pub fn running_jobs(&self) -> Vec<JobId> {
        self.inner().running.iter().cloned().collect()
    }

    /// Number of jobs that workers process.
    #[must_use]
    pub fn running(&self) -> usize {
        self.inner().running.len()
    }

    /// Number of jobs that wait for a worker or for a time.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let inner = self.inner();
        let waits = |(id, slot): &(&JobId, &Slot)| !slot.is_background_only && !inner.running.contains(*id);
        inner.slots.iter().filter(waits).count()
    }

    /// The jobs with labels that have to be withdrawn and are not withdrawn yet, oldest first.
    #[must_use]
    pub fn not_withdrawn(&self) -> Vec<JobId> {
        let inner = self.inner();
        let slots = inner.slots.iter().filter(|(_, slot)| slot.has_pending_withdrawal);
        slots.map(|(id, _)| id.clone()).collect()
    }

    /// The jobs that wait longer than usual, oldest first.
    #[must_use]
    pub fn overdue(&self) -> Vec<JobId> {
        let inner = self.inner();
        let slots = inner.slots.iter().filter(|(_, slot)| slot.is_overdue && !slot.is_background_only);
        slots.map(|(id, _)| id.clone()).collect()
    }

    /// When the oldest job that is queued, running or waiting was created.
    #[must_use]
    pub fn oldest(&self) -> Option<Timestamp> {
        let inner = self.inner();
        inner.slots.values().filter(|slot| !slot.is_background_only).map(|slot| slot.created).min()
    }

    /// Whether nothing is left to do, now or later, without an operator.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner().slots.is_empty()
    }

    /// Whether no job runs and none becomes due until then, apart from work that failed and will be retried.
    #[must_use]
    pub fn is_idle_until(&self, then: Timestamp) -> bool {
        let inner = self.inner();
        let due = |slot: &Slot| slot.due <= then && !slot.is_postponed;
        inner.running.is_empty() && !inner.slots.values().any(due)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dropship_job::testing::JobBuilder;
    use dropship_job::{Event, RemoteKind};

    fn job(folder: &str, number: u32) -> Job {
        let at = Timestamp::from_millisecond(i64::from(number)).expect("a time");
        JobBuilder::new(folder, number).at(at).build().expect("a job")
    }

    /// The folders of the jobs that the queue returns, in order; each job is removed.
    fn order(queue: &Queue, count: usize, priority: impl Fn(&str) -> i64 + Copy) -> String {
        let given = (0..count).map(|_| {
            let NextJob::Job(id) = queue.next(Timestamp::now(), priority) else { panic!("a job is ready") };
            let folder = queue.inner().remove(&id).expect("it was queued").folder;
            queue.release(&id);
            folder.to_string()
        });
        given.collect()
    }

    #[test]
    fn folders_with_equal_priority_take_turns_oldest_job_first() {
        let queue = Queue::default();
        (0..6).for_each(|number| queue.upsert(&job("a", number)));
        (6..8).for_each(|number| queue.upsert(&job("b", number)));
        assert_eq!(queue.unstarted(UnstartedJobs::total), 8);
        let NextJob::Job(first) = queue.next(Timestamp::now(), |_| 0) else { panic!("a job is ready") };
        assert_eq!(first, JobId::new(0, 0));
        assert_eq!(order(&queue, 7, |_| 0), "babaaaa");
        // A running job is not returned again.
        assert!(matches!(queue.next(Timestamp::now(), |_| 0), NextJob::Nothing));
    }

    #[test]
    fn folder_with_low_priority_is_served_after_max_skips() {
        let queue = Queue::default();
        (0..20).for_each(|number| queue.upsert(&job("urgent", number)));
        (20..23).for_each(|number| queue.upsert(&job("low", number)));
        let order = order(&queue, 23, |folder| i64::from(folder == "urgent"));
        let order = order.replace("urgent", "u").replace("low", "l");
        assert_eq!(order, "uuuuuuuuluuuuuuuuluuuul");
    }

    #[test]
    fn failed_duplicate_check_does_not_keep_the_queue_busy() {
        let queue = Queue::default();
        let cancelled = JobBuilder::new("a", 1)
            .intended(RemoteKind::Product, "n", Timestamp::UNIX_EPOCH)
            .event(Event::Cancelled { by: "an operator".into() })
            .build()
            .expect("a job");
        queue.upsert(&cancelled);
        let soon = Timestamp::from_second(60).expect("a time");
        assert!(!queue.is_idle_until(soon), "it is due");
        assert_eq!(queue.waiting(), 0, "the job itself does not wait");
        queue.postpone(&cancelled, Timestamp::from_second(5).expect("a time"));
        assert!(queue.is_idle_until(soon) && !queue.is_empty());
        assert!(matches!(queue.next(soon, |_| 0), NextJob::Job(_)), "it is retried");
    }
}
