//! Keeping the journal bounded: the oldest segment goes, and what still counts of it is written again at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;

use super::StoreError;
use super::entry::{Entry, Line};
use super::journal::{Item, Journal, Reader};
use super::tables::{Bytes, Seen, decode, key, made, number};
use dropship_job::{Event, JobId};

/// Segments that are gone through at once. With more than one, what is carried forward cannot make the journal grow
/// for ever: it settles at twice what still counts.
const AT_ONCE: usize = 2;

/// Lines that are carried forward at once.
const CARRIED: usize = 1024;

/// Goes through the oldest segments, if there are too many. The tables have to be on the disk.
pub(super) fn compact(tables: &impl Bytes, journal: &mut Journal) -> Result<(), StoreError> {
    for _ in 0..AT_ONCE {
        let Some(oldest) = journal.surplus()? else { return Ok(()) };
        go_through(tables, journal, &oldest)?;
        journal.drop_segment(&oldest)?;
    }
    Ok(())
}

fn go_through(tables: &impl Bytes, journal: &mut Journal, oldest: &Path) -> Result<(), StoreError> {
    let mut reader = Reader::open(oldest)?.forgiving();
    let mut sieve = Sieve {
        tables,
        standing: BTreeSet::new(),
        inspecting: BTreeSet::new(),
        owned: BTreeSet::new(),
        stumbled: BTreeMap::new(),
    };
    let mut carried = Vec::new();
    while let Item::Line(line) = reader.next()? {
        carried.extend(sieve.remains(line)?);
        if carried.len() >= CARRIED {
            journal.append(&mut std::mem::take(&mut carried), false)?;
        }
    }
    if reader.passed() > 0 {
        tracing::warn!(
            event = "journal_damaged",
            "{} damaged lines of {} are passed over; the tables hold what they said, some stories may lack a line",
            reader.passed(),
            oldest.display()
        );
    }
    let Sieve { standing, inspecting, .. } = sieve;
    for sha256 in inspecting {
        let count = number(tables.get(&key::inspecting(&sha256))?);
        carry(journal, &mut carried, Entry::CrashedInspections { sha256, count })?;
    }
    for id in standing {
        let Some(job) = tables.job(&id)? else { continue };
        let receipted = job.state().has_ended() && tables.get(&key::unreceipted(&id))?.is_none();
        let standing = Entry::Snapshot { job: Box::new(job), receipt_written: receipted };
        carry(journal, &mut carried, standing)?;
    }
    journal.append(&mut carried, true).map(|_| ())
}

/// Adds a line of its own number, which is younger than all that it sums up.
fn carry(journal: &mut Journal, carried: &mut Vec<Line>, entry: Entry) -> Result<(), StoreError> {
    if carried.len() >= CARRIED {
        journal.append(&mut std::mem::take(carried), false)?;
    }
    let seq = journal.last_seq() + 1 + carried.len() as u64;
    carried.push(Line::new(seq, Timestamp::now(), vec![entry]));
    Ok(())
}

/// The job that an entry is about, and what the entry says is that job's at the service.
fn things(entry: &Entry) -> Option<(&JobId, Vec<u64>)> {
    fn created<'a>(events: impl Iterator<Item = &'a Event>) -> Vec<u64> {
        events
            .filter_map(|event| if let Event::Created { id, .. } = event { Some(*id) } else { None })
            .collect()
    }
    match entry {
        Entry::Job { job, events, .. } => Some((job, created(events.iter()))),
        Entry::History { job, events } => Some((job, created(events.iter().map(|(_, event)| event)))),
        Entry::Snapshot { job, .. } => Some((job.id(), made(job))),
        Entry::Ownership { job, remotes } => Some((job, remotes.clone())),
        _ => None,
    }
}

/// What of the oldest lines still counts.
struct Sieve<'a, T> {
    tables: &'a T,
    /// Jobs whose lines go: how they stand is written in their place.
    standing: BTreeSet<JobId>,
    /// Bytes whose begun inspections were counted here.
    inspecting: BTreeSet<String>,
    /// What was said to be a forgotten job's here already.
    owned: BTreeSet<u64>,
    /// What each job stumbled over last: of a long row of the same, the first is enough for its story.
    stumbled: BTreeMap<JobId, String>,
}

impl<T: Bytes> Sieve<'_, T> {
    /// What an entry undid stood before it and is gone by then, so entries that only undo do not count.
    fn remains(&mut self, mut line: Line) -> Result<Option<Line>, StoreError> {
        let mut kept = Vec::new();
        for entry in line.entries {
            kept.extend(self.still(entry)?);
        }
        line.entries = kept;
        Ok((!line.entries.is_empty()).then_some(line))
    }

    fn still(&mut self, entry: Entry) -> Result<Option<Entry>, StoreError> {
        let tables = self.tables;
        if let Some((id, remotes)) = things(&entry)
            && !self.lives(id)?
        {
            return self.still_owned(id, &remotes);
        }
        let counts = match &entry {
            Entry::Ownership { .. } => true,
            Entry::History { .. } => true,
            Entry::Job { job, rev, events } => {
                self.standing.insert(job.clone());
                let told = (*rev..).zip(events).filter(|(_, event)| self.tells(job, event));
                let events: Vec<_> = told.map(|(rev, event)| (rev, event.clone())).collect();
                return Ok((!events.is_empty()).then(|| Entry::History { job: job.clone(), events }));
            }
            Entry::Snapshot { job, .. } => {
                self.standing.insert(job.id().clone());
                false
            }
            Entry::ReceiptWritten { job, .. } => {
                self.standing.insert(job.clone());
                false
            }
            Entry::KnownFile { folder, path, identity, job, .. } => {
                let seen =
                    tables.get(&key::file(folder, path))?.map(|value| decode::<Seen>(&value)).transpose()?;
                seen.is_some_and(|seen| seen.identity == *identity && seen.job == *job)
            }
            Entry::InspectionStarted { sha256 } | Entry::CrashedInspections { sha256, .. } => {
                if tables.get(&key::inspecting(sha256))?.is_some() {
                    self.inspecting.insert(sha256.clone());
                }
                false
            }
            Entry::Setting { key, value: Some(value) } => {
                tables.get(&key::flag(key))?.is_some_and(|now| now == value.as_bytes())
            }
            Entry::Setting { value: None, .. }
            | Entry::FileRemoved { .. }
            | Entry::InspectionEnded { .. }
            | Entry::Pruned { .. } => false,
        };
        Ok(counts.then_some(entry))
    }

    /// Of a forgotten job its products count: the next version may be theirs, and nobody else would know.
    fn still_owned(&mut self, id: &JobId, remotes: &[u64]) -> Result<Option<Entry>, StoreError> {
        let mut owned = Vec::new();
        for remote in remotes {
            let owner = self.tables.get(&key::remote(*remote))?;
            if owner.is_some_and(|owner| owner == id.as_str().as_bytes()) && self.owned.insert(*remote) {
                owned.push(*remote);
            }
        }
        Ok((!owned.is_empty()).then(|| Entry::Ownership { job: id.clone(), remotes: owned }))
    }

    fn lives(&self, id: &JobId) -> Result<bool, StoreError> {
        Ok(self.tables.get(&key::job(id))?.is_some())
    }

    /// Does the event say more in an old story than that time went by?
    fn tells(&mut self, job: &JobId, event: &Event) -> bool {
        match event {
            Event::Waited { .. } | Event::Resumed => false,
            Event::AttemptFailed { fault, .. } => {
                self.stumbled.insert(job.clone(), fault.kind.clone()).is_none_or(|last| last != fault.kind)
            }
            _ => {
                self.stumbled.remove(job);
                true
            }
        }
    }
}
