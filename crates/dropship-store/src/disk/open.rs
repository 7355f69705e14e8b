//! Opening, in three attempts: as it is; without a snapshot that sled did not finish; with the database moved aside, because
//! it is damaged or outdated, and rebuilt from the journal. A store never starts empty unnoticed, and no database is deleted:
//! the one that was moved aside is the backup.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::disk::database::Database;
use crate::disk::vacuum::{beside, finish_exchange, remove};
use crate::entry::Line;
use crate::error::StoreError;
use crate::journal::{FileJournal, SegmentLimits, refuse_older, starts_after};
use crate::tables::{ByteMap, LaterLines, Overlay, TableChanges, key, number, replay};
use crate::writer::WriterTables;

/// Findings and repairs at the opening of the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// Lines of the journal that the tables did not have.
    pub replayed: u64,
    /// Where an unusable database was moved to, and what was wrong with it.
    pub quarantined: Option<(PathBuf, String)>,
    /// Where the database of an older dropship was moved to: it was rebuilt in the present form.
    pub upgraded: Option<PathBuf>,
    /// Why the tables of a node were deleted and built again from the shared journal.
    pub discarded: Option<String>,
    /// Damaged lines of the journal that were skipped, because the database has their content.
    pub skipped: u64,
    /// The store did not exist and was created.
    pub is_new: bool,
}

/// Version of the tables. Tables of an older version are rebuilt from the journal.
pub(crate) const SCHEMA: u8 = 5;

/// Lines of the journal that are replayed together.
const CHUNK: usize = 512;

/// Opens the database and the journal of a folder, whose lock the caller has.
pub(crate) fn open_tables(
    folder: &Path,
    limits: SegmentLimits,
    cancelled: &AtomicBool,
) -> Result<(Database, FileJournal, OpenReport), StoreError> {
    let database = folder.join("sled");
    let journal = folder.join("journal");
    finish_exchange(&database)?;
    let is_new = !database.exists() && !journal.exists();
    let (mut quarantined, mut upgraded) = (None, None);
    let (tables, journal, replayed) = match attempt(&database, &journal, limits, cancelled) {
        // A damaged journal is no reason to move a healthy database aside.
        Err(OpenError::Database(StoreError::Damaged { what }) | OpenError::OldCopy(what))
            if database.exists() =>
        {
            quarantined = Some((move_aside(folder, &database, "damaged")?, what));
            attempt(&database, &journal, limits, cancelled)?
        }
        Err(OpenError::OlderForm(_)) if database.exists() => {
            upgraded = Some(move_aside(folder, &database, "older")?);
            attempt(&database, &journal, limits, cancelled)?
        }
        opened => opened?,
    };
    let skipped = journal.skipped;
    let report = OpenReport { replayed, quarantined, upgraded, discarded: None, skipped, is_new };
    Ok((tables, journal, report))
}

/// The part of the store that cannot be opened.
enum OpenError {
    Database(StoreError),
    Journal(StoreError),
    /// The tables are an old copy.
    OldCopy(String),
    /// The tables have an older form.
    OlderForm(String),
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        Self::Database(error)
    }
}

impl From<OpenError> for StoreError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Database(error) | OpenError::Journal(error) => error,
            OpenError::OldCopy(what) | OpenError::OlderForm(what) => StoreError::Damaged { what },
        }
    }
}

/// Opens the database and replays the lines of the journal that it lacks.
fn attempt(
    database: &Path,
    journal: &Path,
    limits: SegmentLimits,
    cancelled: &AtomicBool,
) -> Result<(Database, FileJournal, u64), OpenError> {
    refuse_older(journal).map_err(OpenError::Journal)?;
    let tables = open_tables_of(database)?;
    let have = number(tables.get(&key::seq())?);
    if journal.is_dir() && have > 0 && have < starts_after(journal).map_err(OpenError::Journal)? {
        let what = format!("it ends at line {have}, and the journal starts later: it is an old copy");
        return Err(OpenError::OldCopy(what));
    }
    let mut missing: Vec<Line> = Vec::new();
    let opened = FileJournal::open(journal, limits, have, |line| {
        missing.push(line);
        Ok(())
    });
    let journal = opened.map_err(OpenError::Journal)?;
    // Rewritten lines are behind younger ones, and a crash during compaction leaves some twice.
    missing.sort_by_key(|line| line.seq);
    missing.dedup_by_key(|line| line.seq);
    replay_lines(&tables, &missing, cancelled, |_, _| {})?;
    Ok((tables, journal, missing.len() as u64))
}

/// Opens or creates a database of the present form.
pub(crate) fn open_database(database: &Path) -> Result<Database, StoreError> {
    finish_exchange(database)?;
    open_tables_of(database).map_err(StoreError::from)
}

/// Deletes a database that can be built again.
pub(crate) fn remove_database(database: &Path) -> Result<(), StoreError> {
    ["", "new", "old"].iter().try_for_each(|end| match *end {
        "" => remove(database),
        end => remove(&beside(database, end)),
    })
}

fn open_tables_of(database: &Path) -> Result<Database, OpenError> {
    let existed = database.join("db").exists();
    let tables = Database::open(database)?;
    let schema = tables.get(&key::schema())?.and_then(|value| value.first().copied());
    match schema.filter(|_| existed) {
        // sled 0.34 opens some damaged databases as empty ones, without an error.
        None if existed => {
            return Err(StoreError::Damaged { what: "the database came back empty".to_owned() }.into());
        }
        None => {
            tables.change([(key::schema(), Some(vec![SCHEMA]))].into())?;
            tables.flush()?;
        }
        Some(SCHEMA) => {}
        Some(newer @ SCHEMA..) => {
            let what = format!("its tables have form {newer}, this program knows {SCHEMA}");
            return Err(StoreError::Newer { what }.into());
        }
        Some(older) => {
            let what = format!("its tables have form {older}, and {SCHEMA} is the present one");
            return Err(OpenError::OlderForm(what));
        }
    }
    Ok(tables)
}

/// Replays lines in chunks, each of which becomes visible as a whole. After a cancelled replay, the next one continues.
/// `mark` adds to the changes of each chunk what the tables have to remember after its last line.
pub(crate) fn replay_lines(
    tables: &Database,
    lines: &[Line],
    cancelled: &AtomicBool,
    mark: impl Fn(&Line, &mut TableChanges),
) -> Result<(), StoreError> {
    let later = LaterLines::of(lines);
    for chunk in lines.chunks(CHUNK) {
        if cancelled.load(Ordering::Relaxed) {
            tables.flush()?;
            return Err(StoreError::Cancelled);
        }
        let mut view = Overlay::new(tables);
        for line in chunk {
            replay(&mut view, line, &later)?;
        }
        let mut changes = view.changes;
        if let Some(last) = chunk.last() {
            mark(last, &mut changes);
        }
        tables.change(changes)?;
        if tables.is_full() {
            tables.apply_pending()?;
        }
    }
    if lines.is_empty() { Ok(()) } else { tables.flush() }
}

/// Moves an unusable database out of the way, to a name that is free.
fn move_aside(folder: &Path, database: &Path, why: &str) -> Result<PathBuf, StoreError> {
    let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let free = (0..).map(|count| folder.join(format!("{why}-{stamp}-{count}"))).find(|path| !path.exists());
    let aside = free.unwrap_or_else(|| folder.join(why));
    let failed = |error| StoreError::Io { what: "cannot move aside", path: database.to_owned(), error };
    std::fs::rename(database, &aside).map_err(failed)?;
    Ok(aside)
}
