//! Everything that a store holds, as entries of its journal.

use jiff::Timestamp;
use serde::Serialize;

use crate::entry::Entry;
use crate::error::StoreError;
use crate::published::PublishedLabel;
use crate::tables::{ByteMap, KnownFile, decode, id_of, key, number, published};

/// One object of an export: an entry in the form of the journal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Exported {
    /// When it happened; absent for the present content of the tables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// The entry.
    #[serde(flatten)]
    pub entry: Entry,
}

/// Receives one object after the other; an error ends the export.
pub type ExportSink<'a> = &'a mut dyn FnMut(Exported) -> std::io::Result<()>;

/// The present content: jobs, objects at the service that pruned jobs own, settings, known files, crashed inspections.
pub(crate) fn export_content(tables: &impl ByteMap, each: ExportSink<'_>) -> Result<(), StoreError> {
    let mut export = |entry| each(Exported { at: None, entry }).map_err(cannot_write);
    for name in tables.keys(key::JOBS)? {
        let id = id_of(&name[key::JOBS.len()..])?;
        if let Some(job) = tables.job(&id)? {
            let receipt_written =
                job.state().has_ended() && tables.get(&key::receipts_pending(&id))?.is_none();
            export(Entry::Snapshot { job: Box::new(job), receipt_written })?;
        }
    }
    for (name, value) in tables.scan(key::REMOTE)? {
        let remote = std::str::from_utf8(&name[key::REMOTE.len()..]).ok().and_then(|id| id.parse().ok());
        let (job, remotes) = (id_of(&value)?, Vec::from_iter(remote));
        if tables.get(&key::job(&job))?.is_none() {
            export(Entry::Ownership { job, remotes })?;
        }
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    for (name, value) in tables.scan(key::SETTINGS)? {
        export(Entry::Setting { key: text(&name[key::SETTINGS.len()..]), value: Some(text(&value)) })?;
    }
    for name in tables.keys(key::FILES)? {
        let Some(value) = tables.get(&name)? else { continue };
        let KnownFile { identity, sha256, job } = decode(&value)?;
        let location = text(&name[key::FILES.len()..]);
        let Some((folder, path)) = location.split_once('\0') else { continue };
        export(Entry::KnownFile { folder: folder.to_owned(), path: path.to_owned(), identity, sha256, job })?;
    }
    for name in tables.keys(key::PUBLISHED)? {
        let Ok(id) = text(&name[key::PUBLISHED.len()..]).parse() else { continue };
        let Some(label) = published::published_label(tables, id)? else { continue };
        let targets = published::targets_of(tables, id)?;
        export(Entry::LabelPublished { label: Box::new(PublishedLabel { targets, ..label }) })?;
        if let Some(check) = published::check_of(tables, id)? {
            export(Entry::LabelChecked { label: id, check })?;
        }
    }
    for (name, value) in tables.scan(key::CRASHED_INSPECTIONS)? {
        let sha256 = text(&name[key::CRASHED_INSPECTIONS.len()..]);
        export(Entry::CrashedInspections { sha256, count: number(Some(value)) })?;
    }
    Ok(())
}

/// The events in an entry of the journal, if their job is still there.
pub(crate) fn export_history(
    tables: &impl ByteMap,
    at: Timestamp,
    entry: Entry,
    each: ExportSink<'_>,
) -> Result<(), StoreError> {
    let (job, events) = match entry {
        Entry::Job { job, rev, events } => (job, (rev..).zip(events).collect()),
        Entry::History { job, events } => (job, events),
        _ => return Ok(()),
    };
    if tables.get(&key::job(&job))?.is_none() {
        return Ok(());
    }
    each(Exported { at: Some(at), entry: Entry::History { job, events } }).map_err(cannot_write)
}

fn cannot_write(error: std::io::Error) -> StoreError {
    StoreError::Io { what: "cannot write", path: "the export".into(), error }
}
