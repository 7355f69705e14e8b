//! Opening is a ladder: normal; without a snapshot that sled did not finish; with the database put aside, since it is
//! damaged or of an older form, and rebuilt from the journal. A store never begins empty in silence, and no database is
//! deleted: one that was put aside is the backup.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FlockOperation, flock};

use super::super::StoreError;
use super::super::entry::Line;
use super::super::journal::{Journal, Limits, begins_after, refuse_older};
use super::super::tables::{Ahead, Bytes, Overlay, key, number, replay};
use super::super::writer::{Target, Writer};
use super::Durable;
use super::database::{Database, clear_up};

/// What opening the store came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opening {
    /// Lines of the journal that the tables did not have yet.
    pub caught_up: u64,
    /// Where a database was put that is of no use any more, and what was wrong with it.
    pub quarantined: Option<(PathBuf, String)>,
    /// Damaged lines of the journal that were passed over, since the database holds what they said.
    pub passed: u64,
    /// The store was begun just now.
    pub begun: bool,
}

/// Version of the tables. Tables of an older version are rebuilt from the journal.
pub(super) const SCHEMA: u8 = 3;

/// Lines of a journal that are brought into the tables at once.
const CHUNK: usize = 512;

pub(super) fn open(folder: &Path, limits: Limits) -> Result<(Durable, Opening), StoreError> {
    let failed = |source| StoreError::Io { what: "cannot create", path: folder.to_owned(), error: source };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let lock = lock(folder)?;
    let database = folder.join("sled");
    let journal = folder.join("journal");
    clear_up(&database)?;
    let begun = !database.exists() && !journal.exists();
    let mut quarantined = None;
    let (tables, journal_end, caught_up) = match attempt(&database, &journal, limits) {
        // A damaged journal is no reason to put a healthy database away.
        Err(Trouble::Database(StoreError::Damaged { what }) | Trouble::Outdated(what))
            if database.exists() =>
        {
            quarantined = Some((put_aside(folder, &database)?, what));
            attempt(&database, &journal, limits)?
        }
        opened => opened?,
    };
    let opening = Opening { caught_up, quarantined, passed: journal_end.passed, begun };
    let tables = Arc::new(tables);
    let started = Writer::start(Arc::clone(&tables), journal_end);
    let failed = |source| StoreError::Io {
        what: "cannot start the writer of",
        path: folder.to_owned(),
        error: source,
    };
    let writer = started.map_err(failed)?;
    Ok((Durable { writer, tables, journal, _lock: lock }, opening))
}

/// What of the store is in trouble.
enum Trouble {
    Database(StoreError),
    Journal(StoreError),
    /// The tables are of an older form.
    Outdated(String),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Database(error)
    }
}

impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Database(error) | Trouble::Journal(error) => error,
            Trouble::Outdated(what) => StoreError::Damaged { what },
        }
    }
}

/// Opens the database and brings into it what the journal has and it has not.
fn attempt(database: &Path, journal: &Path, limits: Limits) -> Result<(Database, Journal, u64), Trouble> {
    refuse_older(journal).map_err(Trouble::Journal)?;
    let existed = database.join("db").exists();
    let tables = Database::open(database)?;
    let schema = tables.get(&key::began())?.and_then(|value| value.first().copied());
    match schema.filter(|_| existed) {
        // sled 0.34 answers some damage with an empty database and no error.
        None if existed => {
            return Err(StoreError::Damaged { what: "the database came back empty".to_owned() }.into());
        }
        None => {
            tables.change([(key::began(), Some(vec![SCHEMA]))].into())?;
            tables.settle()?;
        }
        Some(SCHEMA) => {}
        Some(newer @ SCHEMA..) => {
            let what = format!("its tables have form {newer}, this program knows {SCHEMA}");
            return Err(StoreError::Newer { what }.into());
        }
        Some(older) => {
            return Err(Trouble::Outdated(format!(
                "its tables have form {older}, and {SCHEMA} is the present one"
            )));
        }
    }
    let have = number(tables.get(&key::seq())?);
    if journal.is_dir() && existed && have < begins_after(journal).map_err(Trouble::Journal)? {
        let what = format!("it ends at line {have}, and the journal begins later: it is an old copy");
        return Err(Trouble::Outdated(what));
    }
    let mut missing: Vec<Line> = Vec::new();
    let opened = Journal::open(journal, limits, have, |line| {
        missing.push(line);
        Ok(())
    });
    let journal = opened.map_err(Trouble::Journal)?;
    // Lines that were carried forward stand behind younger ones.
    missing.sort_by_key(|line| line.seq);
    // A crash while lines were carried forward leaves some twice.
    missing.dedup_by_key(|line| line.seq);
    let ahead = Ahead::of(&missing);
    for chunk in missing.chunks(CHUNK) {
        let mut view = Overlay::new(&tables);
        for line in chunk {
            replay(&mut view, line, &ahead)?;
        }
        let changes = view.changes;
        tables.change(changes)?;
        if tables.is_full() {
            tables.bring()?;
        }
    }
    if !missing.is_empty() {
        tables.settle()?;
    }
    Ok((tables, journal, missing.len() as u64))
}

/// One process has a store; its lock names that process.
pub(super) fn lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join("lock");
    let failed = |source| StoreError::Io { what: "cannot open", path: path.clone(), error: source };
    let mut options = OpenOptions::new();
    let mut file = options.read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Err(StoreError::Locked { path: folder.to_owned() });
    }
    let failed = |source| StoreError::Io { what: "cannot write", path: path.clone(), error: source };
    file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(failed)?;
    Ok(file)
}

/// Moves a damaged database out of the way, under a name that is free.
fn put_aside(folder: &Path, database: &Path) -> Result<PathBuf, StoreError> {
    let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let free = (0..).map(|count| folder.join(format!("damaged-{stamp}-{count}"))).find(|path| !path.exists());
    let aside = free.unwrap_or_else(|| folder.join("damaged"));
    let failed =
        |source| StoreError::Io { what: "cannot put aside", path: database.to_owned(), error: source };
    std::fs::rename(database, &aside).map_err(failed)?;
    Ok(aside)
}
