//! The thread of the writer: it groups waiting commits into one synced write.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use crate::commit::{Commit, lost};
use crate::entry::Line;
use crate::error::StoreError;
use crate::heartbeat::Heartbeat;
use crate::journal::{AppendOutcome, Journal};
use crate::space::DiskSpace;
use crate::tables::{Overlay, TableChanges, key, record, require_unknown};
use crate::writer::checked_commits::CheckedCommits;
use crate::writer::layer::LayeredTables;
use crate::writer::{CommitAnswer, PendingCommit, WriterMessage, WriterTables};
use dropship_job::{Job, JobId};

/// Number of recently changed jobs that are kept parsed; about as many as change at the same time.
const RECENT_JOBS: usize = 128;

/// Maximum number of commits that share one sync.
const GROUP: usize = 256;

/// Maximum time that a sync waits for one more commit, while the group has fewer commits than the last group.
const STRAGGLE: Duration = Duration::from_micros(50);

/// Time without commits after which the store is maintained, if that is worthwhile.
const QUIET: Duration = Duration::from_millis(500);

/// Maximum age of unflushed changes. A flush costs three syncs of its own, and the journal has the changes anyway: they are
/// replayed when the store is opened, in milliseconds, since their number is limited ([`WriterTables::is_full`]).
const LAG: Duration = Duration::from_secs(600);

pub(super) struct WriterThread<T, J> {
    tables: Arc<T>,
    journal: J,
    /// Recently changed jobs, parsed. Parsing a job costs as much as the rest of its next change.
    recent_jobs: HashMap<JobId, Job>,
    /// Since when the tables on the disk are behind the journal.
    dirty_since: Option<Instant>,
    /// Whether there was no commit since the last check for due maintenance.
    is_quiet: bool,
    /// Number of commits that shared the last sync.
    last_group: usize,
    stopped: watch::Sender<Option<String>>,
    heartbeat: Arc<dyn Heartbeat>,
    space: DiskSpace,
}

impl<T: WriterTables, J: Journal> WriterThread<T, J> {
    pub(super) fn new(
        tables: Arc<T>,
        journal: J,
        stopped: watch::Sender<Option<String>>,
        heartbeat: Arc<dyn Heartbeat>,
        space: DiskSpace,
    ) -> Self {
        Self {
            tables,
            journal,
            recent_jobs: HashMap::new(),
            dirty_since: None,
            is_quiet: true,
            last_group: 1,
            stopped,
            heartbeat,
            space,
        }
    }

    /// Works until the last handle is dropped.
    pub(super) fn run(mut self, messages: &Receiver<WriterMessage>) {
        loop {
            self.heartbeat.beat();
            match messages.recv_timeout(self.timeout()) {
                Ok(message) => {
                    let mut next = Some(message);
                    while let Some(message) = next.take() {
                        next = self.handle(message, messages);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.catch_up();
                    self.on_quiet();
                }
                Err(RecvTimeoutError::Disconnected) => return self.flush(),
            }
        }
    }

    /// Handles a message. Returns the message that was received after it, if that is not handled yet.
    fn handle(
        &mut self,
        message: WriterMessage,
        messages: &Receiver<WriterMessage>,
    ) -> Option<WriterMessage> {
        match message {
            WriterMessage::Commit(first) => {
                self.is_quiet = false;
                let (group, next) = self.gather(first, messages);
                self.write(group);
                if self.dirty_since.is_some_and(|since| since.elapsed() >= LAG) {
                    self.flush();
                }
                return next;
            }
            WriterMessage::CatchUp => self.catch_up(),
            WriterMessage::TakeOver(answer) => drop(answer.send(self.take_over())),
            WriterMessage::Superseded => {
                if self.stopped.borrow().is_none() {
                    self.stop(&StoreError::taken_over());
                }
            }
        }
        None
    }

    /// Appends the takeover marker, a line without entries. The journal is notified before the next line is read: it takes the next
    /// marker for the marker of the next owner.
    fn take_over(&mut self) -> Result<u64, StoreError> {
        let (answer, mut done) = oneshot::channel();
        self.write(vec![(Commit::new(Vec::new()), answer)]);
        // A write answers before it returns.
        done.try_recv().unwrap_or_else(|_| Err(lost()))?;
        self.journal.on_taken_over();
        Ok(self.journal.last_seq())
    }

    /// Maximum time to wait for a message.
    fn timeout(&self) -> Duration {
        let idle = if self.is_quiet { self.heartbeat.idle_interval().max(QUIET) } else { QUIET };
        self.journal.poll_interval().map_or(idle, |poll| poll.min(idle))
    }

    /// Collects the commits that share one sync (group commit): all commits that wait, and the commits of the next moment until
    /// there are as many as in the last group.
    ///
    /// The senders of the last group have just been answered, and are about to commit again. The wait keeps them in one group.
    /// Without it, they would split into two groups that wait for each other. Also returns a message of another kind that came
    /// after the commits.
    fn gather(
        &mut self,
        first: PendingCommit,
        messages: &Receiver<WriterMessage>,
    ) -> (Vec<PendingCommit>, Option<WriterMessage>) {
        let (mut group, mut next) = (vec![first], None);
        while next.is_none() && group.len() < GROUP {
            let message = match messages.try_recv() {
                Err(_) if group.len() < self.last_group => messages.recv_timeout(STRAGGLE).ok(),
                waiting => waiting.ok(),
            };
            match message {
                Some(WriterMessage::Commit(pending)) => group.push(pending),
                // Not needed: an append finds the lines of other nodes.
                Some(WriterMessage::CatchUp) => {}
                Some(other) => next = Some(other),
                None => break,
            }
        }
        self.last_group = group.len();
        (group, next)
    }

    /// Writes a group; each commit is accepted or refused separately.
    fn write(&mut self, mut group: Vec<PendingCommit>) {
        if let Some(why) = self.stopped.borrow().clone() {
            for (_, answer) in group {
                drop(answer.send(Err(StoreError::Stopped(why.clone()))));
            }
            return;
        }
        loop {
            let mut checked = self.check(group);
            if checked.lines.is_empty() {
                return;
            }
            // Even if the write fails: these jobs may have changed.
            self.forget_changed(&checked.changes);
            match self.append(&mut checked.lines, checked.must_sync) {
                Ok(AppendOutcome::Done { is_full }) => return self.on_appended(checked, is_full),
                Ok(AppendOutcome::Behind(lines)) => match self.follow(&lines) {
                    // Another node was first: the same commits are checked again, on top of its lines.
                    Ok(()) => group = checked.into_group(),
                    Err(error) => return self.stop_and_answer(checked.answers, &error),
                },
                Err(error) => return self.stop_and_answer(checked.answers, &error),
            }
        }
    }

    /// Checks each commit on top of the commits before it. An illegal commit is answered at once.
    fn check(&self, group: Vec<PendingCommit>) -> CheckedCommits {
        let mut checked = CheckedCommits::default();
        for (commit, answer) in group {
            let seq = self.journal.last_seq() + 1 + checked.lines.len() as u64;
            let line = Line::new(seq, commit.at, commit.entries);
            // Each commit is checked on a view of its own, so that a refused commit leaves nothing behind.
            let group_view = LayeredTables {
                base: &*self.tables,
                recent_jobs: &self.recent_jobs,
                changes: &checked.changes,
            };
            let mut view = Overlay::new(&group_view);
            let condition =
                commit.unknown.as_ref().map_or(Ok(()), |bytes| require_unknown(&group_view, bytes));
            match condition.and_then(|()| record(&mut view, &line)) {
                Ok(jobs) => {
                    let changes = view.changes;
                    checked.changes.extend(changes);
                    checked.lines.push(line);
                    checked.conditions.push(commit.unknown);
                    checked.must_sync |= commit.durable;
                    checked.answers.push((answer, jobs));
                }
                Err(error) => drop(answer.send(Err(error))),
            }
        }
        checked
    }

    /// Makes lines visible that are in the journal, and answers their senders.
    fn on_appended(&mut self, mut checked: CheckedCommits, is_full: bool) {
        self.journal.mark(&mut checked.changes);
        let removed = checked.changes.iter().filter(|(_, change)| change.is_none());
        let removed: HashSet<_> = removed.map(|(key, _)| key.clone()).collect();
        if let Err(error) = self.tables.change(checked.changes) {
            return self.stop_and_answer(checked.answers, &error);
        }
        self.dirty_since.get_or_insert_with(Instant::now);
        if self.recent_jobs.len() > RECENT_JOBS {
            self.recent_jobs.clear();
        }
        for (answer, jobs) in checked.answers {
            let present = jobs.iter().filter(|job| !removed.contains(&key::job(job.id())));
            self.recent_jobs.extend(present.map(|job| (job.id().clone(), job.clone())));
            drop(answer.send(Ok(jobs)));
        }
        if is_full {
            self.compact();
        }
        if self.tables.is_full() {
            self.apply_pending();
        }
    }

    fn stop_and_answer(&mut self, answers: Vec<(CommitAnswer, Vec<Job>)>, error: &StoreError) {
        let why = self.stop(error);
        for (answer, _) in answers {
            drop(answer.send(Err(StoreError::Stopped(why.clone()))));
        }
    }

    fn forget_changed(&mut self, changes: &TableChanges) {
        self.recent_jobs.retain(|id, _| !changes.contains_key(&key::job(id)));
    }

    /// Appends lines to the journal. Tries again while the disk is full or the journal does not respond.
    fn append(&mut self, lines: &mut [Line], must_sync: bool) -> Result<AppendOutcome, StoreError> {
        loop {
            match self.journal.append(lines, must_sync) {
                Err(error) if self.may_retry(&error) => self.heartbeat.beat(),
                done => return done,
            }
        }
    }

    fn may_retry(&mut self, error: &StoreError) -> bool {
        !self.space.is_closing() && (self.space.may_retry(error) || self.journal.may_retry(error))
    }

    /// Applies the lines that other nodes have appended.
    fn catch_up(&mut self) {
        while self.stopped.borrow().is_none() {
            match self.journal.read_newer() {
                Ok(lines) if lines.is_empty() => return,
                Ok(lines) => {
                    if let Err(error) = self.follow(&lines) {
                        self.stop(&error);
                    }
                    self.heartbeat.beat();
                }
                // The next call tries again.
                Err(StoreError::Away { .. }) => return,
                Err(error) => drop(self.stop(&error)),
            }
        }
    }

    /// Applies lines of other nodes. They were checked by the node that appended them.
    fn follow(&mut self, lines: &[Line]) -> Result<(), StoreError> {
        let mut view = Overlay::new(&*self.tables);
        for line in lines {
            record(&mut view, line).map_err(|error| StoreError::Damaged {
                what: format!("line {} of another node does not fit: {error}", line.seq),
            })?;
        }
        let mut changes = view.changes;
        self.forget_changed(&changes);
        self.journal.mark(&mut changes);
        self.tables.change(changes)?;
        self.dirty_since.get_or_insert_with(Instant::now);
        self.journal.on_followed(lines);
        if self.tables.is_full() {
            self.apply_pending();
        }
        Ok(())
    }

    /// Keeps the journal bounded. The tables are flushed first: they become the only copy of what is deleted.
    fn compact(&mut self) {
        if self.space.is_low() {
            return;
        }
        if J::NEEDS_FLUSH {
            self.flush();
        }
        if self.stopped.borrow().is_none()
            && let Err(error) = self.journal.compact(&*self.tables)
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

#[cfg(test)]
mod tests;
