//! Which job is next: the open jobs in memory, by when they can be worked on.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::Notify;

use super::unbegun::{Owner, Unbegun};
use dropship_job::{Job, JobId, State};

/// Passed over so often, and a folder's job goes first, whatever the priority of others.
const PATIENCE: u32 = 8;

/// The open jobs that wait for no person: by folder, and in each by time.
///
/// Folders take turns, so that one with a thousand packages does not keep another's only one from going on; those of a
/// higher priority go first, but not for ever.
#[derive(Debug, Default)]
pub struct Queue {
    inner: Mutex<Inner>,
    /// Rings when the order may have changed.
    pub(super) bell: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    /// Folders that have jobs, by name; without one for what was handed in.
    lanes: BTreeMap<Arc<str>, Lane>,
    places: BTreeMap<JobId, Place>,
    running: BTreeSet<JobId>,
    turns: u64,
    turn_of: BTreeMap<Arc<str>, Turn>,
    /// Accepted jobs for which nothing was begun at the service.
    unbegun: Unbegun,
}

type Lane = BTreeSet<(Timestamp, JobId)>;

/// How a folder fared when jobs were given out.
#[derive(Debug, Default, Clone, Copy)]
struct Turn {
    last: u64,
    passed_over: u32,
}

#[derive(Debug)]
struct Place {
    time: Timestamp,
    rev: u64,
    lane: Arc<str>,
    unbegun: Option<Owner>,
    /// Held or ended: it is only looked for what came late.
    looks_back: bool,
    /// What was due could not be done.
    postponed: bool,
}

impl Inner {
    fn take_out(&mut self, id: &JobId) -> Option<Place> {
        let place = self.places.remove(id)?;
        if let Some(lane) = self.lanes.get_mut(&place.lane) {
            lane.remove(&(place.time, id.clone()));
            if lane.is_empty() {
                self.lanes.remove(&place.lane);
            }
        }
        Some(place)
    }

    /// The first job of each folder that no worker has in hand.
    fn heads(&self) -> impl Iterator<Item = (&Arc<str>, Timestamp, &JobId)> {
        self.lanes.iter().filter_map(|(name, lane)| {
            let (time, id) = lane.iter().find(|(_, id)| !self.running.contains(id))?;
            Some((name, *time, id))
        })
    }

    /// It is this folder's turn; others that could have gone on with a job were passed over.
    fn give_turn(&mut self, lane: &Arc<str>, others: &[Arc<str>]) {
        self.turns += 1;
        let last = self.turns;
        for other in others {
            self.turn_of.entry(Arc::clone(other)).or_default().passed_over += 1;
        }
        self.turn_of.insert(Arc::clone(lane), Turn { last, passed_over: 0 });
    }
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
        if inner.places.get(&job.id).is_some_and(|place| place.rev > job.rev) {
            // News can come late: what is known of the job is newer.
            return;
        }
        if let Some(was) = inner.take_out(&job.id).and_then(|place| place.unbegun) {
            inner.unbegun.remove(&was);
        }
        let time = match job.state {
            State::Queued => Some(job.step_started),
            State::Waiting { due, .. } => Some(due),
            // Held or ended, it may still have to be looked for what came late.
            _ => job.duplicate_check_due(),
        };
        let looks_back = !matches!(job.state, State::Queued | State::Waiting { .. });
        if let Some(time) = time {
            let unbegun = Owner::of(job);
            if let Some(owner) = unbegun.clone() {
                inner.unbegun.add(owner);
            }
            let name = job.package.folder.as_deref().unwrap_or_default();
            let lane =
                inner.lanes.get_key_value(name).map_or_else(|| name.into(), |(lane, _)| Arc::clone(lane));
            inner.lanes.entry(Arc::clone(&lane)).or_default().insert((time, job.id.clone()));
            let place = Place { time, rev: job.rev, lane, unbegun, looks_back, postponed: false };
            inner.places.insert(job.id.clone(), place);
        }
        drop(inner);
        self.bell.notify_one();
    }

    /// The job that has waited longest of those that can be worked on, of the folder whose turn it is.
    pub(super) fn next(&self, now: Timestamp, priority: impl Fn(&str) -> i64) -> Next {
        let mut inner = self.inner();
        let soonest = inner.heads().map(|(_, time, _)| time).min();
        let ready = || inner.heads().filter(|(_, time, _)| *time <= now);
        let first = ready().min_by_key(|(name, time, _)| {
            let turn = inner.turn_of.get(*name).copied().unwrap_or_default();
            let patient = turn.passed_over < PATIENCE;
            (patient, if patient { Reverse(priority(name)) } else { Reverse(0) }, turn.last, *time)
        });
        let Some((lane, id)) = first.map(|(name, _, id)| (Arc::clone(name), id.clone())) else {
            return soonest.map_or(Next::Nothing, Next::Later);
        };
        let mine = priority(&lane);
        let others: Vec<_> =
            ready().filter(|(name, ..)| priority(name) < mine).map(|(name, ..)| Arc::clone(name)).collect();
        inner.give_turn(&lane, &others);
        inner.running.insert(id.clone());
        Next::Job(id)
    }

    /// The accepted jobs that wait to be begun at the service.
    pub(super) fn unbegun<T>(&self, ask: impl FnOnce(&Unbegun) -> T) -> T {
        ask(&self.inner().unbegun)
    }

    /// What was due could not be done: again then, unless something happens to the job before.
    pub(super) fn postpone(&self, id: &JobId, then: Timestamp) {
        let mut inner = self.inner();
        if let Some(place) = inner.take_out(id) {
            inner.lanes.entry(Arc::clone(&place.lane)).or_default().insert((then, id.clone()));
            inner.places.insert(id.clone(), Place { time: then, postponed: true, ..place });
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
    pub fn waiting(&self) -> usize {
        let inner = self.inner();
        let waits = |(id, place): &(&JobId, &Place)| !place.looks_back && !inner.running.contains(*id);
        inner.places.iter().filter(waits).count()
    }

    /// Has nobody anything to do, now or later, but for people?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner().places.is_empty()
    }

    /// Is nothing running, and nothing to be done until then? What was tried in vain does not count.
    #[must_use]
    pub fn is_idle_until(&self, then: Timestamp) -> bool {
        let inner = self.inner();
        let due = |place: &Place| place.time <= then && !place.postponed;
        inner.running.is_empty() && !inner.places.values().any(due)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dropship_job::{Event, Package, fold};

    fn job(folder: &str, number: u64) -> Job {
        let at = Timestamp::from_millisecond(i64::try_from(number).expect("small")).expect("a time");
        let package = Package {
            name: "echo.cab".to_owned(),
            path: None,
            folder: Some(folder.to_owned()),
            sha256: number.to_string(),
            size: 1,
            outbox: String::new(),
        };
        let accepted = Event::Accepted {
            rule: "all".to_owned(),
            account: "default".to_owned(),
            plan: String::new(),
            labels: Vec::new(),
            warnings: Vec::new(),
            vars: std::collections::BTreeMap::default(),
        };
        let events = [(at, &Event::Arrived { package }), (at, &accepted)];
        fold(&JobId::new(number, 0), events).expect("legal").expect("a job")
    }

    /// Whose jobs are given out, in order, each put down and placed no more.
    fn order(queue: &Queue, count: usize, priority: impl Fn(&str) -> i64 + Copy) -> String {
        let given = (0..count).map(|_| {
            let Next::Job(id) = queue.next(Timestamp::now(), priority) else { panic!("a job is ready") };
            let lane = queue.inner().take_out(&id).expect("it was placed").lane;
            queue.put_down(&id);
            lane.to_string()
        });
        given.collect()
    }

    #[test]
    fn folders_take_turns_and_each_gives_its_oldest_first() {
        let queue = Queue::default();
        (0..6).for_each(|number| queue.place(&job("a", number)));
        (6..8).for_each(|number| queue.place(&job("b", number)));
        assert_eq!(queue.unbegun(Unbegun::count), 8);
        let Next::Job(first) = queue.next(Timestamp::now(), |_| 0) else { panic!("a job is ready") };
        assert_eq!(first, JobId::new(0, 0));
        assert_eq!(order(&queue, 7, |_| 0), "babaaaa");
        // That which is in hand is given to nobody else.
        assert!(matches!(queue.next(Timestamp::now(), |_| 0), Next::Nothing));
    }

    #[test]
    fn a_higher_priority_goes_first_but_not_for_ever() {
        let queue = Queue::default();
        (0..20).for_each(|number| queue.place(&job("urgent", number)));
        (20..23).for_each(|number| queue.place(&job("low", number)));
        let order = order(&queue, 23, |folder| i64::from(folder == "urgent"));
        let order = order.replace("urgent", "u").replace("low", "l");
        assert_eq!(order, "uuuuuuuuluuuuuuuuluuuul");
    }

    #[test]
    fn a_look_back_that_was_tried_in_vain_keeps_nobody_waiting() {
        let queue = Queue::default();
        let mut held = job("a", 1);
        held.state = State::Cancelled;
        held.duplicate_checks.push(dropship_job::LateDuplicateCheck {
            kind: dropship_job::RemoteKind::Product,
            name: "n".to_owned(),
            existing_ids: Vec::new(),
            due: Timestamp::UNIX_EPOCH,
            product: None,
            submission: None,
        });
        queue.place(&held);
        let soon = Timestamp::from_second(60).expect("a time");
        assert!(!queue.is_idle_until(soon), "it is due");
        assert_eq!(queue.waiting(), 0, "the job itself waits for nothing");
        queue.postpone(&held.id, Timestamp::from_second(5).expect("a time"));
        assert!(queue.is_idle_until(soon) && !queue.is_empty());
        assert!(matches!(queue.next(soon, |_| 0), Next::Job(_)), "it is tried again all the same");
    }
}
