//! A shared journal as the journal of a node's store.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::entry::Line;
use crate::error::StoreError;
use crate::journal::{AppendOutcome, Journal};
use crate::shared::append_id::AppendId;
use crate::shared::compaction;
use crate::shared::entry_subscribers::EntrySubscribers;
use crate::shared::lines;
use crate::shared::node_standing::LastCurrent;
use crate::shared::shared_journal::{AppendResult, Position, SharedJournal};
use crate::tables::{ByteMap, TableChanges, key};

/// Number of lines that are read and applied together.
const BATCH: usize = 1000;

/// Interval between reads of the lines of other nodes, if no hint comes before.
const POLL: Duration = Duration::from_secs(1);

/// Delay before a call that failed is tried again; it doubles with each failure.
const FIRST_DELAY: Duration = Duration::from_millis(5);
/// Longest such delay.
const LONGEST_DELAY: Duration = Duration::from_secs(1);

/// The id of the log entry in the journal of systemd.
const DATABASE_AWAY: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c62";

/// Appends the lines of this node, and reads those of others.
pub(super) struct SharedLog {
    journal: Box<dyn SharedJournal>,
    /// The tables have everything up to here.
    have: Position,
    /// The append that was sent and not answered.
    pending: Option<AppendId>,
    /// Whether this process has taken over.
    has_taken_over: bool,
    /// Whether this process compacts the journal.
    pub(super) compacts: bool,
    subscribers: Arc<EntrySubscribers>,
    /// Delay before the next attempt after a failure.
    delay: Duration,
    /// The size in bytes below which the journal is not compacted.
    min_size: u64,
    /// Why the database does not respond, while it does not.
    away: watch::Sender<Option<String>>,
    last_current: Arc<LastCurrent>,
}

impl SharedLog {
    /// A journal of which the tables have everything up to a position.
    pub(super) fn new(
        journal: Box<dyn SharedJournal>,
        have: Position,
        min_size: u64,
        away: watch::Sender<Option<String>>,
        subscribers: Arc<EntrySubscribers>,
        last_current: Arc<LastCurrent>,
    ) -> Self {
        Self {
            journal,
            have,
            pending: None,
            has_taken_over: false,
            compacts: false,
            subscribers,
            delay: FIRST_DELAY,
            min_size,
            away,
            last_current,
        }
    }

    /// Lines after those that the tables have.
    fn read(&mut self) -> Result<Vec<(Line, AppendId)>, StoreError> {
        let batch = self.journal.read(self.have.seq, BATCH);
        let batch = self.track_response(batch)?;
        if batch.lines.len() < BATCH {
            // This is the end of the journal, and the caller applies the lines next.
            self.last_current.note();
        }
        let mut found = batch.lines.into_iter().peekable();
        if self.have != Position::START {
            let same = found.next_if(|line| line.seq == self.have.seq && line.append == self.have.append);
            if same.is_none() || batch.compacted > self.have.seq {
                return Err(StoreError::Damaged {
                    what: format!(
                        "the journal in the database does not contain line {} as this node knows it, or was compacted beyond \
                         it; start the daemon again: it rebuilds its tables from the journal",
                        self.have.seq
                    ),
                });
            }
        }
        found.map(|line| Ok((lines::read(&line)?, line.append))).collect()
    }

    /// Remembers whether the database responds.
    fn track_response<T>(&mut self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        match &result {
            Err(StoreError::Away { what }) if self.away.borrow().is_none() => {
                tracing::error!(
                    event = "database_away",
                    message_id = DATABASE_AWAY,
                    "the database of the store does not respond: {what}; nothing is accepted or acknowledged until it does"
                );
                self.away.send_replace(Some(what.clone()));
            }
            Ok(_) if self.away.borrow().is_some() => {
                tracing::info!(event = "database_back", "the database of the store responds again");
                self.away.send_replace(None);
            }
            _ => {}
        }
        result
    }

    /// Moves the position of the tables past these lines of other nodes, which the caller applies next.
    fn advance(&mut self, found: Vec<(Line, AppendId)>) -> Result<Vec<Line>, StoreError> {
        if let Some((line, append)) = found.last() {
            if self.has_taken_over && found.iter().any(|(line, _)| line.entries.is_empty()) {
                return Err(StoreError::taken_over());
            }
            self.have = Position { seq: line.seq, append: *append };
        }
        Ok(found.into_iter().map(|(line, _)| line).collect())
    }
}

impl Journal for SharedLog {
    const NEEDS_FLUSH: bool = false;

    fn last_seq(&self) -> u64 {
        self.have.seq
    }

    fn append(&mut self, lines: &mut [Line], _: bool) -> Result<AppendOutcome, StoreError> {
        let id = *self.pending.get_or_insert_with(AppendId::random);
        let texts: Vec<_> = lines.iter().map(lines::write).collect::<Result<_, _>>()?;
        let appended = self.journal.append(self.have, id, &texts);
        let is_full = match self.track_response(appended)? {
            AppendResult::Appended(extent) => self.compacts && compaction::is_due(extent, self.min_size),
            AppendResult::EndsElsewhere => {
                let found = self.read()?;
                match found.first() {
                    // An earlier attempt has appended the lines; its answer was lost.
                    Some((_, append)) if *append == id => false,
                    Some(_) => {
                        self.pending = None;
                        return self.advance(found).map(AppendOutcome::Behind);
                    }
                    None => {
                        let what = "the journal in the database changes without an append".to_owned();
                        return Err(StoreError::Damaged { what });
                    }
                }
            }
        };
        self.pending = None;
        self.last_current.note();
        self.delay = FIRST_DELAY;
        self.have = Position { seq: self.have.seq + lines.len() as u64, append: id };
        Ok(AppendOutcome::Done { is_full })
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn compact(&mut self, tables: &impl ByteMap) -> Result<(), StoreError> {
        let kept = compaction::kept_lines(self.min_size);
        let compacted = compaction::compact(&mut *self.journal, tables, self.have, kept);
        // Compaction appends snapshots of what the tables have. If the answer is lost, these lines are read like those of another
        // node, and applying them again changes nothing. The next commit continues an interrupted pass.
        match self.track_response(compacted) {
            Ok(end) => {
                self.have = end.unwrap_or(self.have);
                Ok(())
            }
            Err(StoreError::Away { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn read_newer(&mut self) -> Result<Vec<Line>, StoreError> {
        let found = self.read()?;
        self.advance(found)
    }

    fn poll_interval(&self) -> Option<Duration> {
        Some(POLL)
    }

    fn may_retry(&mut self, error: &StoreError) -> bool {
        let is_away = matches!(error, StoreError::Away { .. });
        if is_away {
            std::thread::park_timeout(self.delay);
            self.delay = (self.delay * 2).min(LONGEST_DELAY);
        }
        is_away
    }

    fn mark(&self, changes: &mut TableChanges) {
        changes.insert(key::append(), Some(self.have.append.as_bytes().to_vec()));
    }

    fn on_followed(&mut self, lines: &[Line]) {
        self.subscribers.send(lines);
    }

    fn on_taken_over(&mut self) {
        self.has_taken_over = true;
        self.compacts = true;
    }

    fn set_hint(&mut self, hint: Box<dyn Fn() + Send + Sync>) {
        self.journal.on_append(hint);
    }
}
