//! Everything that a store holds, in the entries of its own journal.

use jiff::Timestamp;
use serde::Serialize;

use super::StoreError;
use super::entry::Entry;
use super::tables::{Bytes, Seen, decode, id_of, key, number};

/// One thing of an export, one JSON object: an entry as the journal spells it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Exported {
    /// When it happened; absent for what stands now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// What.
    #[serde(flatten)]
    pub entry: Entry,
}

/// Takes one thing after the other; an error ends the export.
pub type Each<'a> = &'a mut dyn FnMut(Exported) -> std::io::Result<()>;

/// What stands now: jobs, what is at the service of forgotten ones, flags, known files, begun inspections.
pub(super) fn standing(tables: &impl Bytes, each: Each<'_>) -> Result<(), StoreError> {
    let mut give = |entry| each(Exported { at: None, entry }).map_err(closed);
    for name in tables.keys(key::JOBS)? {
        let id = id_of(&name[key::JOBS.len()..])?;
        if let Some(job) = tables.job(&id)? {
            let receipted = job.state().has_ended() && tables.get(&key::unreceipted(&id))?.is_none();
            give(Entry::Snapshot { job: Box::new(job), receipt_written: receipted })?;
        }
    }
    for (name, value) in tables.scan(key::REMOTE)? {
        let remote = std::str::from_utf8(&name[key::REMOTE.len()..]).ok().and_then(|id| id.parse().ok());
        let (job, remotes) = (id_of(&value)?, Vec::from_iter(remote));
        if tables.get(&key::job(&job))?.is_none() {
            give(Entry::Ownership { job, remotes })?;
        }
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    for (name, value) in tables.scan(key::FLAGS)? {
        give(Entry::Setting { key: text(&name[key::FLAGS.len()..]), value: Some(text(&value)) })?;
    }
    for name in tables.keys(key::FILES)? {
        let Some(value) = tables.get(&name)? else { continue };
        let Seen { identity, sha256, job } = decode(&value)?;
        let place = text(&name[key::FILES.len()..]);
        let Some((folder, path)) = place.split_once('\0') else { continue };
        give(Entry::KnownFile { folder: folder.to_owned(), path: path.to_owned(), identity, sha256, job })?;
    }
    for (name, value) in tables.scan(key::INSPECTING)? {
        let sha256 = text(&name[key::INSPECTING.len()..]);
        give(Entry::CrashedInspections { sha256, count: number(Some(value)) })?;
    }
    Ok(())
}

/// What a line of the journal tells of jobs that are still there.
pub(super) fn told(
    tables: &impl Bytes,
    at: Timestamp,
    entry: Entry,
    each: Each<'_>,
) -> Result<(), StoreError> {
    let (job, events) = match entry {
        Entry::Job { job, rev, events } => (job, (rev..).zip(events).collect()),
        Entry::History { job, events } => (job, events),
        _ => return Ok(()),
    };
    if tables.get(&key::job(&job))?.is_none() {
        return Ok(());
    }
    each(Exported { at: Some(at), entry: Entry::History { job, events } }).map_err(closed)
}

fn closed(source: std::io::Error) -> StoreError {
    StoreError::Io { what: "cannot write the export to", path: "where it goes".into(), error: source }
}
