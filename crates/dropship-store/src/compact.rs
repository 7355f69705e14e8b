//! Compaction keeps the journal bounded: the valid content of the oldest segments is appended again, then they are deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;

use crate::entry::{Entry, Line};
use crate::error::StoreError;
use crate::journal::{FileJournal, SegmentItem, SegmentReader};
use crate::published::PublishedLabel;
use crate::tables::{ByteMap, KnownFile, decode, key, number, published, remote_ids};
use dropship_job::{ErrorKind, Event, JobId, RemoteId, counted};

/// Number of segments that one call compacts. With more than one, the rewritten content cannot make the journal grow without
/// end: the journal settles at twice its valid content.
const SEGMENTS: usize = 2;

/// Number of rewritten lines that are appended together.
const BATCH: usize = 1024;

/// Compacts the oldest segments, if there are too many. The tables must be flushed.
pub(crate) fn compact(tables: &impl ByteMap, journal: &mut FileJournal) -> Result<(), StoreError> {
    for _ in 0..SEGMENTS {
        let Some(oldest) = journal.surplus()? else { return Ok(()) };
        rewrite(tables, journal, &oldest)?;
        journal.drop_segment(&oldest)?;
    }
    Ok(())
}

fn rewrite(tables: &impl ByteMap, journal: &mut FileJournal, oldest: &Path) -> Result<(), StoreError> {
    let mut reader = SegmentReader::open(oldest)?.skipping_damage();
    let mut compactor = Compactor::new(tables);
    let mut rewritten = Vec::new();
    while let SegmentItem::Line(line) = reader.next()? {
        rewritten.extend(compactor.rewrite_line(line)?);
        if rewritten.len() >= BATCH {
            journal.append(&mut std::mem::take(&mut rewritten), false)?;
        }
    }
    if reader.skipped() > 0 {
        tracing::warn!(
            event = "journal_damaged",
            "skipped {} of {}; the tables have their content, some histories may lack an event",
            counted(reader.skipped(), "damaged line"),
            oldest.display()
        );
    }
    for entry in compactor.replacements() {
        push(journal, &mut rewritten, entry?)?;
    }
    journal.append(&mut rewritten, true).map(|_| ())
}

/// Adds a line with a new number, which is later than all lines that it replaces.
fn push(journal: &mut FileJournal, rewritten: &mut Vec<Line>, entry: Entry) -> Result<(), StoreError> {
    if rewritten.len() >= BATCH {
        journal.append(&mut std::mem::take(rewritten), false)?;
    }
    let seq = journal.last_seq() + 1 + rewritten.len() as u64;
    rewritten.push(Line::new(seq, Timestamp::now(), vec![entry]));
    Ok(())
}

/// The job of an entry, and the objects at the service that the entry assigns to the job.
fn remotes_in(entry: &Entry) -> Option<(&JobId, Vec<RemoteId>)> {
    fn created<'a>(events: impl Iterator<Item = &'a Event>) -> Vec<RemoteId> {
        events
            .filter_map(|event| if let Event::Created { id, .. } = event { Some(*id) } else { None })
            .collect()
    }
    match entry {
        Entry::Job { job, events, .. } => Some((job, created(events.iter()))),
        Entry::History { job, events } => Some((job, created(events.iter().map(|(_, event)| event)))),
        Entry::Snapshot { job, .. } => Some((job.id(), remote_ids(job))),
        Entry::Ownership { job, remotes } => Some((job, remotes.clone())),
        _ => None,
    }
}

/// Selects the content of old lines that is still valid.
pub(crate) struct Compactor<'a, T> {
    tables: &'a T,
    /// Jobs with lines in the segment: a snapshot of each replaces them.
    jobs: BTreeSet<JobId>,
    /// Bytes with crashed inspections that were counted in the segment.
    inspections: BTreeSet<String>,
    /// Objects whose owner, a pruned job, was written already.
    owned: BTreeSet<RemoteId>,
    /// Kind of the last failed attempt of each job. The history keeps only the first of equal failures in a row.
    last_failures: BTreeMap<JobId, ErrorKind>,
}

impl<'a, T: ByteMap> Compactor<'a, T> {
    /// A compactor for lines whose changes are in the tables.
    pub(crate) fn new(tables: &'a T) -> Self {
        Self {
            tables,
            jobs: BTreeSet::new(),
            inspections: BTreeSet::new(),
            owned: BTreeSet::new(),
            last_failures: BTreeMap::new(),
        }
    }

    /// The jobs with lines so far, of which a snapshot is needed.
    pub(crate) fn jobs(&mut self) -> &mut BTreeSet<JobId> {
        &mut self.jobs
    }

    /// Entries that replace the dropped ones: counts of crashed inspections, and a snapshot of each job.
    pub(crate) fn replacements(self) -> impl Iterator<Item = Result<Entry, StoreError>> + use<'a, T> {
        let Self { tables, jobs, inspections, .. } = self;
        let count = move |sha256: String| {
            let count = number(tables.get(&key::crashed_inspections(&sha256))?);
            Ok(Entry::CrashedInspections { sha256, count })
        };
        let snapshot = move |id: JobId| -> Result<Option<Entry>, StoreError> {
            let Some(job) = tables.job(&id)? else { return Ok(None) };
            let receipt_written =
                job.state().has_ended() && tables.get(&key::receipts_pending(&id))?.is_none();
            Ok(Some(Entry::Snapshot { job: Box::new(job), receipt_written }))
        };
        let snapshots = jobs.into_iter().filter_map(move |id| snapshot(id).transpose());
        inspections.into_iter().map(count).chain(snapshots)
    }

    /// The line with its valid entries; `None` if it has none. An entry that only undoes an earlier entry is dropped, because the
    /// earlier entry is dropped too.
    pub(crate) fn rewrite_line(&mut self, mut line: Line) -> Result<Option<Line>, StoreError> {
        let mut kept = Vec::new();
        for entry in line.entries {
            kept.extend(self.rewrite_entry(entry)?);
        }
        line.entries = kept;
        Ok((!line.entries.is_empty()).then_some(line))
    }

    fn rewrite_entry(&mut self, entry: Entry) -> Result<Option<Entry>, StoreError> {
        let tables = self.tables;
        if let Some((id, remotes)) = remotes_in(&entry)
            && !self.exists(id)?
        {
            return self.migrate_ownership(id, &remotes);
        }
        let is_valid = match &entry {
            Entry::Ownership { .. } | Entry::History { .. } => true,
            Entry::Job { job, rev, events } => {
                self.jobs.insert(job.clone());
                let kept = (*rev..).zip(events).filter(|(_, event)| self.belongs_in_history(job, event));
                let events: Vec<_> = kept.map(|(rev, event)| (rev, event.clone())).collect();
                return Ok((!events.is_empty()).then(|| Entry::History { job: job.clone(), events }));
            }
            Entry::Snapshot { job, .. } => {
                self.jobs.insert(job.id().clone());
                false
            }
            Entry::ReceiptWritten { job, .. } => {
                self.jobs.insert(job.clone());
                false
            }
            Entry::KnownFile { folder, path, identity, job, .. } => {
                let known = tables.get(&key::file(folder, path))?;
                let known = known.map(|value| decode::<KnownFile>(&value)).transpose()?;
                known.is_some_and(|known| known.identity == *identity && known.job == *job)
            }
            Entry::InspectionStarted { sha256 } | Entry::CrashedInspections { sha256, .. } => {
                if tables.get(&key::crashed_inspections(sha256))?.is_some() {
                    self.inspections.insert(sha256.clone());
                }
                false
            }
            Entry::Setting { key, value: Some(value) } => {
                tables.get(&key::setting(key))?.is_some_and(|now| now == value.as_bytes())
            }
            Entry::LabelPublished { label } => {
                let known = published::published_label(tables, label.id)?;
                let targets = published::targets_of(tables, label.id)?;
                known.is_some_and(|known| PublishedLabel { targets, ..known } == **label)
            }
            Entry::LabelChecked { label, check } => {
                published::check_of(tables, *label)?.is_some_and(|known| known == *check)
            }
            Entry::Setting { value: None, .. }
            | Entry::LabelForgotten { .. }
            | Entry::FileRemoved { .. }
            | Entry::InspectionEnded { .. }
            | Entry::Pruned { .. } => false,
        };
        Ok(is_valid.then_some(entry))
    }

    /// Keeps the ids of the objects of a pruned job, such as its product. The next version of the package may use the product, and
    /// only this record has its owner.
    fn migrate_ownership(&mut self, id: &JobId, remotes: &[RemoteId]) -> Result<Option<Entry>, StoreError> {
        let mut owned = Vec::new();
        for remote in remotes {
            let owner = self.tables.get(&key::remote(*remote))?;
            if owner.is_some_and(|owner| owner == id.as_str().as_bytes()) && self.owned.insert(*remote) {
                owned.push(*remote);
            }
        }
        Ok((!owned.is_empty()).then(|| Entry::Ownership { job: id.clone(), remotes: owned }))
    }

    fn exists(&self, id: &JobId) -> Result<bool, StoreError> {
        Ok(self.tables.get(&key::job(id))?.is_some())
    }

    /// Whether an old history keeps the event. Waits and repeated failures show only that time has passed.
    fn belongs_in_history(&mut self, job: &JobId, event: &Event) -> bool {
        match event {
            Event::Waited { .. } | Event::Resumed | Event::Idle | Event::NotWithdrawn { .. } => false,
            Event::AttemptFailed { fault, .. } => self
                .last_failures
                .insert(job.clone(), fault.kind.clone())
                .is_none_or(|last| last != fault.kind),
            _ => {
                self.last_failures.remove(job);
                true
            }
        }
    }
}
