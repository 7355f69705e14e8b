//! The one writer: a thread that folds what waits into one synced write.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use super::compact::compact;
use super::entry::Line;
use super::journal::Journal;
use super::tables::{Bytes, Changes, Overlay, Pair, decode_job, key, record};
use super::{Commit, StoreError, Ticket};
use crate::observe::Heartbeat;
use dropship_job::{Job, JobId};

/// So many jobs are kept fresh, and as many as change at the same time.
const FRESH: usize = 128;

/// At most so many commits share one sync.
const GROUP: usize = 256;

/// How long a sync waits for one more commit, while fewer have come than shared the last one.
const STRAGGLE: Duration = Duration::from_micros(50);

/// Once nothing has come for so long, the tables go to the disk.
const QUIET: Duration = Duration::from_millis(500);

/// While commits keep coming, the tables lag behind the journal for so long at most: to settle costs a sync of its own,
/// and what they lack is read again when the store is opened.
const LAG: Duration = Duration::from_secs(10);

/// Tables that the writer changes.
pub(super) trait Target: Bytes + Send + Sync + 'static {
    /// Makes the changes visible, all at once.
    fn change(&self, changes: Changes) -> Result<(), StoreError>;
    /// Do so many changes wait in memory that they should be brought to the database?
    fn is_full(&self) -> bool;
    /// Brings the changes that wait in memory to the database, all at once.
    fn bring(&self) -> Result<(), StoreError>;
    /// Brings the tables to the disk, with what waits.
    fn settle(&self) -> Result<(), StoreError>;
    /// Nothing is going on, and all is settled: the time for upkeep.
    fn tidy(&self) -> Result<(), StoreError>;
}

type Answer = oneshot::Sender<Result<Vec<Job>, StoreError>>;

/// Hands commits to the writer.
pub(super) struct Writer {
    queue: Sender<(Commit, Answer)>,
    thread: Option<std::thread::JoinHandle<()>>,
    beat: Heartbeat,
    stopped: watch::Receiver<Option<String>>,
}

impl Writer {
    /// Starts the writer.
    pub(super) fn start<T: Target>(tables: Arc<T>, journal: Journal) -> Result<Self, std::io::Error> {
        let (queue, commits) = channel();
        let beat = Heartbeat::default();
        let (stopping, stopped) = watch::channel(None);
        let writing = Writing {
            tables,
            journal,
            fresh: HashMap::new(),
            behind: None,
            together: 1,
            stopped: stopping,
            beat: beat.clone(),
        };
        let thread =
            std::thread::Builder::new().name("store".to_owned()).spawn(move || writing.run(&commits))?;
        Ok(Self { queue, thread: Some(thread), beat, stopped })
    }

    /// Beats as long as the writer comes round.
    pub(super) fn beat(&self) -> &Heartbeat {
        &self.beat
    }

    /// Says why, once nothing is acknowledged any more.
    pub(super) fn stopped(&self) -> watch::Receiver<Option<String>> {
        self.stopped.clone()
    }

    /// Queues a commit.
    pub(super) fn commit(&self, commit: Commit) -> Ticket {
        let (answer, ticket) = oneshot::channel();
        // A writer that is gone drops the answer, and the ticket says so.
        drop(self.queue.send((commit, answer)));
        Ticket(ticket)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let (closed, _) = channel();
        drop(std::mem::replace(&mut self.queue, closed));
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's writer panicked");
        }
    }
}

struct Writing<T> {
    tables: Arc<T>,
    journal: Journal,
    /// Jobs that changed of late, as they stand: to read one costs as much as all the rest of its next change.
    fresh: HashMap<JobId, Job>,
    /// Since when the tables on the disk lack something.
    behind: Option<Instant>,
    /// How many commits shared the last sync.
    together: usize,
    stopped: watch::Sender<Option<String>>,
    beat: Heartbeat,
}

impl<T: Target> Writing<T> {
    fn run(mut self, commits: &Receiver<(Commit, Answer)>) {
        loop {
            self.beat.beat();
            let rest = if self.behind.is_some() { QUIET } else { self.beat.idle_interval().max(QUIET) };
            match commits.recv_timeout(rest) {
                Ok(first) => {
                    let group = self.gather(first, commits);
                    self.write(group);
                    if self.behind.is_some_and(|since| since.elapsed() >= LAG) {
                        self.settle();
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.rest(),
                Err(RecvTimeoutError::Disconnected) => return self.settle(),
            }
        }
    }

    /// What shares one sync: all that waits, and for an instant as many as shared the last one, whose senders have just
    /// been answered and are about to come again. Without that they split into two groups that wait for each other.
    fn gather(
        &mut self,
        first: (Commit, Answer),
        commits: &Receiver<(Commit, Answer)>,
    ) -> Vec<(Commit, Answer)> {
        let mut group = vec![first];
        group.extend(commits.try_iter().take(GROUP - 1));
        while group.len() < self.together {
            let Ok(next) = commits.recv_timeout(STRAGGLE) else { break };
            group.push(next);
        }
        self.together = group.len();
        group
    }

    /// Writes a group; each commit is legal or refused by itself.
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
            let group_view = Layer { base: &*self.tables, fresh: &self.fresh, changes: &all };
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
        // Whatever becomes of them, these are not fresh any more.
        self.fresh.retain(|id, _| !all.contains_key(&key::job(id)));
        let forgotten: HashSet<_> =
            all.iter().filter(|(_, change)| change.is_none()).map(|(key, _)| key.clone()).collect();
        let written =
            self.journal.append(&mut lines, sync).and_then(|full| self.tables.change(all).map(|()| full));
        match written {
            Ok(full) => {
                self.behind.get_or_insert_with(Instant::now);
                if self.fresh.len() > FRESH {
                    self.fresh.clear();
                }
                for (answer, jobs) in answers {
                    let standing = jobs.iter().filter(|job| !forgotten.contains(&key::job(job.id())));
                    self.fresh.extend(standing.map(|job| (job.id().clone(), job.clone())));
                    drop(answer.send(Ok(jobs)));
                }
                if full {
                    self.compact();
                }
                if self.tables.is_full() {
                    self.bring();
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

    /// Keeps the journal bounded. The tables go to the disk first: what is dropped is nowhere else then.
    fn compact(&mut self) {
        self.settle();
        if self.stopped.borrow().is_none()
            && let Err(error) = compact(&*self.tables, &mut self.journal)
        {
            self.stop(&error);
        }
    }

    /// Lets the database have what waits in memory, but never before the journal has it on the disk.
    fn bring(&mut self) {
        if let Err(error) = self.journal.sync().and_then(|()| self.tables.bring()) {
            self.stop(&error);
        }
    }

    fn rest(&mut self) {
        if self.behind.is_none() {
            return;
        }
        self.settle();
        if self.stopped.borrow().is_none()
            && let Err(error) = self.tables.tidy()
        {
            self.stop(&error);
        }
    }

    fn settle(&mut self) {
        if self.behind.take().is_none() || self.stopped.borrow().is_some() {
            return;
        }
        // Never the tables before the journal: what they amount to has to be in it.
        if let Err(error) = self.journal.sync().and_then(|()| self.tables.settle()) {
            self.stop(&error);
        }
    }

    /// From now on nothing is acknowledged any more, and whoever runs the store is told.
    fn stop(&mut self, error: &StoreError) -> String {
        let why = error.to_string();
        tracing::error!(event = "store_stopped", "The store stopped: {why}; nothing more is acknowledged");
        self.stopped.send_replace(Some(why.clone()));
        why
    }
}

/// Tables with the changes of a group on top.
struct Layer<'a, T> {
    base: &'a T,
    fresh: &'a HashMap<JobId, Job>,
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
        match self.fresh.get(id) {
            Some(job) if !self.changes.contains_key(&key::job(id)) => Ok(Some(job.clone())),
            _ => Ok(self.get(&key::job(id))?.map(|value| decode_job(&value)).transpose()?),
        }
    }

    fn scan(&self, prefix: &[u8]) -> Result<Vec<Pair>, StoreError> {
        Ok(super::tables::merge(self.base.scan(prefix)?, self.changes, prefix))
    }
}

#[cfg(test)]
mod tests;
