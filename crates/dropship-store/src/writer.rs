//! The only writer: a thread that groups waiting commits into one synced write.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use crate::commit::{Commit, CommitHandle};
use crate::compact::compact;
use crate::entry::Line;
use crate::error::StoreError;
use crate::heartbeat::Heartbeat;
use crate::journal::Journal;
use crate::space::Space;
use crate::tables::{Bytes, Changes, Overlay, Pair, decode_job, key, merge, record};
use dropship_job::{Job, JobId};

/// Number of recently changed jobs that are kept parsed; about as many as change at the same time.
const RECENT_JOBS: usize = 128;

/// Maximum number of commits that share one sync.
const GROUP: usize = 256;

/// How long a sync waits for one more commit, while fewer have arrived than shared the last one.
const STRAGGLE: Duration = Duration::from_micros(50);

/// Time without commits after which the store is maintained, if that is worthwhile.
const QUIET: Duration = Duration::from_millis(500);

/// Maximum age of unflushed changes. A flush costs three syncs of its own, and the journal has the changes anyway: they are
/// replayed when the store is opened, in milliseconds, since their number is limited ([`Target::is_full`]).
const LAG: Duration = Duration::from_secs(600);

/// Tables that the writer changes.
pub(crate) trait Target: Bytes + Send + Sync + 'static {
    /// Makes the changes visible, all at once.
    fn change(&self, changes: Changes) -> Result<(), StoreError>;
    /// Whether enough changes are pending in memory to apply them to the database.
    fn is_full(&self) -> bool;
    /// Applies the pending changes to the database, all at once.
    fn apply_pending(&self) -> Result<(), StoreError>;
    /// Applies the pending changes and syncs the database to the disk.
    fn flush(&self) -> Result<(), StoreError>;
    /// Whether maintenance is worthwhile.
    fn needs_maintenance(&self) -> Result<bool, StoreError>;
    /// Maintenance, while no commit is waiting and all changes are flushed.
    fn maintain(&self) -> Result<(), StoreError>;
}

type Answer = oneshot::Sender<Result<Vec<Job>, StoreError>>;

/// Passes commits to the writer's thread.
pub(crate) struct Writer {
    queue: Sender<(Commit, Answer)>,
    thread: Option<std::thread::JoinHandle<()>>,
    stopped: watch::Receiver<Option<String>>,
    closing: Arc<AtomicBool>,
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start<T: Target>(
        tables: Arc<T>,
        journal: Journal,
        heartbeat: Arc<dyn Heartbeat>,
        space: Space,
    ) -> Result<Self, std::io::Error> {
        let (queue, commits) = channel();
        let (stopping, stopped) = watch::channel(None);
        let closing = space.closing();
        let writing = WriterThread {
            tables,
            journal,
            recent_jobs: HashMap::new(),
            dirty_since: None,
            is_quiet: true,
            last_group: 1,
            stopped: stopping,
            heartbeat,
            space,
        };
        let thread =
            std::thread::Builder::new().name("store".to_owned()).spawn(move || writing.run(&commits))?;
        Ok(Self { queue, thread: Some(thread), stopped, closing })
    }

    /// The reason, once nothing is acknowledged any more.
    pub(crate) fn stopped(&self) -> watch::Receiver<Option<String>> {
        self.stopped.clone()
    }

    /// Queues a commit.
    pub(crate) fn commit(&self, commit: Commit) -> CommitHandle {
        let (answer, handle) = oneshot::channel();
        // A thread that has ended drops the answer, and the handle reports that.
        drop(self.queue.send((commit, answer)));
        CommitHandle::new(handle)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
        let (closed, _) = channel();
        drop(std::mem::replace(&mut self.queue, closed));
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's writer panicked");
        }
    }
}

struct WriterThread<T> {
    tables: Arc<T>,
    journal: Journal,
    /// Recently changed jobs: to parse one costs as much as the rest of its next change.
    recent_jobs: HashMap<JobId, Job>,
    /// Since when the tables on the disk are behind the journal.
    dirty_since: Option<Instant>,
    /// Whether there was no commit since the last look at what maintenance is due.
    is_quiet: bool,
    /// Number of commits that shared the last sync.
    last_group: usize,
    stopped: watch::Sender<Option<String>>,
    heartbeat: Arc<dyn Heartbeat>,
    space: Space,
}

impl<T: Target> WriterThread<T> {
    fn run(mut self, commits: &Receiver<(Commit, Answer)>) {
        loop {
            self.heartbeat.beat();
            let timeout = if self.is_quiet { self.heartbeat.idle_interval().max(QUIET) } else { QUIET };
            match commits.recv_timeout(timeout) {
                Ok(first) => {
                    self.is_quiet = false;
                    let group = self.gather(first, commits);
                    self.write(group);
                    if self.dirty_since.is_some_and(|since| since.elapsed() >= LAG) {
                        self.flush();
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.on_quiet(),
                Err(RecvTimeoutError::Disconnected) => return self.flush(),
            }
        }
    }

    /// Collects the commits that share one sync: all that are waiting, and for an instant as many as shared the last one.
    /// Their senders have just been answered and are about to commit again; without waiting for them they would split into
    /// two groups that wait for each other.
    fn gather(
        &mut self,
        first: (Commit, Answer),
        commits: &Receiver<(Commit, Answer)>,
    ) -> Vec<(Commit, Answer)> {
        let mut group = vec![first];
        group.extend(commits.try_iter().take(GROUP - 1));
        while group.len() < self.last_group {
            let Ok(next) = commits.recv_timeout(STRAGGLE) else { break };
            group.push(next);
        }
        self.last_group = group.len();
        group
    }

    /// Writes a group; each commit is accepted or refused separately.
    fn write(&mut self, group: Vec<(Commit, Answer)>) {
        if let Some(why) = self.stopped.borrow().clone() {
            for (_, answer) in group {
                drop(answer.send(Err(StoreError::Stopped(why.clone()))));
            }
            return;
        }
        let mut lines = Vec::new();
        let mut answers = Vec::new();
        let mut sync = false;
        let mut all = Changes::new();
        for (commit, answer) in group {
            let seq = self.journal.last_seq() + 1 + lines.len() as u64;
            let line = Line::new(seq, commit.at, commit.entries);
            // Each commit is tried on a view of its own, so that a refused one leaves nothing behind.
            let group_view = Layer { base: &*self.tables, recent_jobs: &self.recent_jobs, changes: &all };
            let mut view = Overlay::new(&group_view);
            match record(&mut view, &line) {
                Ok(jobs) => {
                    let changes = view.changes;
                    all.extend(changes);
                    lines.push(line);
                    sync |= commit.durable;
                    answers.push((answer, jobs));
                }
                Err(error) => drop(answer.send(Err(error))),
            }
        }
        if lines.is_empty() {
            return;
        }
        // Even if the write fails: these jobs may have changed.
        self.recent_jobs.retain(|id, _| !all.contains_key(&key::job(id)));
        let pruned: HashSet<_> =
            all.iter().filter(|(_, change)| change.is_none()).map(|(key, _)| key.clone()).collect();
        let written = self.append(&mut lines, sync).and_then(|full| self.tables.change(all).map(|()| full));
        match written {
            Ok(full) => {
                self.dirty_since.get_or_insert_with(Instant::now);
                if self.recent_jobs.len() > RECENT_JOBS {
                    self.recent_jobs.clear();
                }
                for (answer, jobs) in answers {
                    let present = jobs.iter().filter(|job| !pruned.contains(&key::job(job.id())));
                    self.recent_jobs.extend(present.map(|job| (job.id().clone(), job.clone())));
                    drop(answer.send(Ok(jobs)));
                }
                if full {
                    self.compact();
                }
                if self.tables.is_full() {
                    self.apply_pending();
                }
            }
            Err(error) => {
                let why = self.stop(&error);
                for (answer, _) in answers {
                    drop(answer.send(Err(StoreError::Stopped(why.clone()))));
                }
            }
        }
    }

    /// Appends lines to the journal. A full disk is tried again.
    fn append(&mut self, lines: &mut [Line], sync: bool) -> Result<bool, StoreError> {
        loop {
            match self.journal.append(lines, sync) {
                Err(error) if self.space.may_retry(&error) => self.heartbeat.beat(),
                done => return done,
            }
        }
    }

    /// Keeps the journal bounded. The tables are flushed first: they become the only copy of what is deleted.
    fn compact(&mut self) {
        if self.space.is_low() {
            return;
        }
        self.flush();
        if self.stopped.borrow().is_none()
            && let Err(error) = compact(&*self.tables, &mut self.journal)
        {
            self.stop(&error);
        }
    }

    /// Applies pending changes to the database, after the journal has them on the disk.
    fn apply_pending(&mut self) {
        if self.space.is_low() {
            return;
        }
        if let Err(error) = self.journal.sync().and_then(|()| self.tables.apply_pending()) {
            self.stop(&error);
        }
    }

    fn on_quiet(&mut self) {
        self.is_quiet = true;
        self.space.renew();
        let Some(since) = self.dirty_since else { return };
        let is_due = match self.tables.needs_maintenance() {
            Ok(needed) => needed && !self.space.is_low(),
            Err(error) => {
                self.stop(&error);
                return;
            }
        };
        if is_due || since.elapsed() >= LAG {
            self.flush();
        }
        if is_due
            && self.stopped.borrow().is_none()
            && let Err(error) = self.tables.maintain()
        {
            self.stop(&error);
        }
    }

    fn flush(&mut self) {
        if self.dirty_since.take().is_none() || self.stopped.borrow().is_some() {
            return;
        }
        if self.space.is_low() {
            // The tables stay behind the journal, in memory, until there is space.
            self.dirty_since = Some(Instant::now());
            if let Err(error) = self.journal.sync() {
                self.stop(&error);
            }
            return;
        }
        // Never the tables before the journal: they must not contain what the journal may still lose.
        if let Err(error) = self.journal.sync().and_then(|()| self.tables.flush()) {
            self.stop(&error);
        }
    }

    /// From now on nothing is acknowledged; the owner of the store is notified.
    fn stop(&mut self, error: &StoreError) -> String {
        let why = error.to_string();
        tracing::error!(event = "store_stopped", "The store stopped: {why}; nothing more is acknowledged");
        self.stopped.send_replace(Some(why.clone()));
        why
    }
}

/// Tables with the changes of a group on top, and the recent jobs.
struct Layer<'a, T> {
    base: &'a T,
    recent_jobs: &'a HashMap<JobId, Job>,
    changes: &'a Changes,
}

impl<T: Bytes> Bytes for Layer<'_, T> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.changes.get(key) {
            Some(change) => Ok(change.clone()),
            None => self.base.get(key),
        }
    }

    fn job(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        match self.recent_jobs.get(id) {
            Some(job) if !self.changes.contains_key(&key::job(id)) => Ok(Some(job.clone())),
            _ => Ok(self.get(&key::job(id))?.map(|value| decode_job(&value)).transpose()?),
        }
    }

    fn scan(&self, prefix: &[u8]) -> Result<Vec<Pair>, StoreError> {
        Ok(merge(self.base.scan(prefix)?, self.changes, prefix))
    }
}

#[cfg(test)]
mod tests;
