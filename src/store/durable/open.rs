//! Opening is a ladder: normal, then with the damaged database put aside and rebuilt from the
//! journal. A store never begins empty in silence, and nothing is deleted.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FlockOperation, flock};

use super::super::StoreError;
use super::super::entry::Line;
use super::super::journal::{Journal, Limits};
use super::super::tables::{Bytes, Overlay, key, number, record};
use super::super::writer::{Target, Writer};
use super::Durable;
use super::database::Database;

/// What opening the store came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opening {
    /// Lines of the journal that the tables did not have yet.
    pub caught_up: u64,
    /// Where a damaged database was put, and what was wrong with it.
    pub quarantined: Option<(PathBuf, String)>,
}

/// Lines of a journal that are brought into the tables at once.
const CHUNK: usize = 512;

pub(super) fn open(folder: &Path, limits: Limits) -> Result<(Durable, Opening), StoreError> {
    let failed = |source| StoreError::Io { what: "cannot create", path: folder.to_owned(), source };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let lock = lock(folder)?;
    let database = folder.join("sled");
    let journal = folder.join("journal");
    let (tables, journal_end, opening) = match attempt(&database, &journal, limits) {
        Ok((tables, end, caught_up)) => (tables, end, Opening { caught_up, quarantined: None }),
        // A damaged journal is no reason to put a healthy database away.
        Err(Trouble::Database(StoreError::Damaged { what })) if database.exists() => {
            let aside = put_aside(folder, &database)?;
            let (tables, end, caught_up) = attempt(&database, &journal, limits)?;
            (tables, end, Opening { caught_up, quarantined: Some((aside, what)) })
        }
        Err(error) => return Err(error.into()),
    };
    let tables = Arc::new(tables);
    let started = Writer::start(Arc::clone(&tables), journal_end);
    let failed =
        |source| StoreError::Io { what: "cannot start the writer of", path: folder.to_owned(), source };
    let writer = started.map_err(failed)?;
    Ok((Durable { writer, tables, journal, _lock: lock }, opening))
}

/// What of the store is in trouble.
enum Trouble {
    Database(StoreError),
    Journal(StoreError),
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
        }
    }
}

/// Opens the database and brings into it what the journal has and it has not.
fn attempt(database: &Path, journal: &Path, limits: Limits) -> Result<(Database, Journal, u64), Trouble> {
    let existed = database.join("db").exists();
    let tables = Database::open(database)?;
    match (existed, tables.get(&key::began())?) {
        (true, None) => {
            // sled 0.34 answers some damage with an empty database and no error.
            return Err(StoreError::Damaged { what: "the database came back empty".to_owned() }.into());
        }
        (false, _) => {
            tables.change([(key::began(), Some(vec![1]))].into())?;
            tables.settle()?;
        }
        (true, Some(_)) => {}
    }
    let have = number(tables.get(&key::seq())?);
    let mut missing: Vec<Line> = Vec::new();
    let mut journal = Journal::open(journal, limits, |line| {
        if line.seq > have {
            missing.push(line);
        }
        Ok(())
    })
    .map_err(Trouble::Journal)?;
    // Lines that need not survive a power cut may have reached the database alone.
    journal.go_on_from(have);
    // Lines that were carried forward stand behind younger ones.
    missing.sort_by_key(|line| line.seq);
    // A crash while lines were carried forward leaves some twice.
    missing.dedup_by_key(|line| line.seq);
    for chunk in missing.chunks(CHUNK) {
        let mut view = Overlay::new(&tables);
        for line in chunk {
            record(&mut view, line, true)?;
        }
        let changes = view.changes;
        tables.change(changes)?;
    }
    if !missing.is_empty() {
        tables.settle()?;
    }
    Ok((tables, journal, missing.len() as u64))
}

/// One process has a store; its lock names that process.
fn lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join("lock");
    let failed = |source| StoreError::Io { what: "cannot open", path: path.clone(), source };
    let mut options = OpenOptions::new();
    let mut file = options.read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Err(StoreError::Locked { path: folder.to_owned() });
    }
    let failed = |source| StoreError::Io { what: "cannot write", path: path.clone(), source };
    file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(failed)?;
    Ok(file)
}

/// Moves a damaged database out of the way, under a name that is free.
fn put_aside(folder: &Path, database: &Path) -> Result<PathBuf, StoreError> {
    let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let free = (0..).map(|count| folder.join(format!("damaged-{stamp}-{count}"))).find(|path| !path.exists());
    let aside = free.unwrap_or_else(|| folder.join("damaged"));
    let failed = |source| StoreError::Io { what: "cannot put aside", path: database.to_owned(), source };
    std::fs::rename(database, &aside).map_err(failed)?;
    Ok(aside)
}
