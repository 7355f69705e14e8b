//! Opening the store of a node. Its tables are disposable: those that do not follow from the journal are built again.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;

use crate::disk::{Database, OpenReport, TableStore, lock, open_database, remove_database, replay_lines};
use crate::entry::{Entry, Line};
use crate::error::StoreError;
use crate::heartbeat::Heartbeat;
use crate::shared::append_id::AppendId;
use crate::shared::entry_subscribers::EntrySubscribers;
use crate::shared::lease::{Lease, LeaseKeeper};
use crate::shared::lines;
use crate::shared::namesake::Namesake;
use crate::shared::node::Node;
use crate::shared::node_standing::LastCurrent;
use crate::shared::presence::{NodePresence, SILENCE};
use crate::shared::role::Role;
use crate::shared::shared_histories::SharedHistories;
use crate::shared::shared_journal::{JournalEnd, Position, SharedJournal};
use crate::shared::shared_log::SharedLog;
use crate::space::DiskSpace;
use crate::tables::{ByteMap, TableChanges, key, number};
use crate::writer::{Writer, WriterTables};

/// Number of lines that are read together.
const BATCH: usize = 1000;

/// Size of a journal in bytes below which it is not compacted, as of one in files.
const MIN_SIZE: u64 = 128 << 20;

/// Maximum number of attempts. Another one is made if compaction rewrote lines under the reader.
const MAX_ATTEMPTS: u32 = 5;

/// The store of a node: its journal is shared with other nodes.
pub type SharedStore = TableStore<SharedHistories>;

impl SharedStore {
    /// Opens the store of a node, whose tables are in the folder `node` of `folder`, and applies the lines that they lack.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process has the folder, [`StoreError::Away`] while the journal cannot be reached,
    /// [`StoreError::Older`] and [`StoreError::Newer`] for lines of other versions, [`StoreError::Damaged`] for damaged lines,
    /// [`StoreError::Io`] of the file system, and [`StoreError::Cancelled`] once `cancelled` is set.
    pub fn open_shared(
        folder: &Path,
        journal: Box<dyn SharedJournal>,
        role: Role,
        heartbeat: Arc<dyn Heartbeat>,
        cancelled: &AtomicBool,
    ) -> Result<(Self, OpenReport), StoreError> {
        Self::open_with_limit(folder, journal, role, MIN_SIZE, heartbeat, cancelled)
    }

    /// The same, with the size of a journal in bytes below which it is not compacted.
    ///
    /// # Errors
    /// As [`open_shared`](Self::open_shared).
    #[doc(hidden)]
    pub fn open_with_limit(
        folder: &Path,
        mut journal: Box<dyn SharedJournal>,
        role: Role,
        min_size: u64,
        heartbeat: Arc<dyn Heartbeat>,
        cancelled: &AtomicBool,
    ) -> Result<(Self, OpenReport), StoreError> {
        let node_folder = folder.join("node");
        let failed = |error| StoreError::Io { what: "cannot create", path: node_folder.clone(), error };
        std::fs::create_dir_all(&node_folder).map_err(failed)?;
        let lock = lock(folder)?;
        let space = DiskSpace::open(folder, true);
        let (tables, have, report) = open_up_to_date(&node_folder.join("sled"), &mut *journal, cancelled)?;
        let (is_command, compacts) = (matches!(role, Role::Command { .. }), matches!(role, Role::Peer));
        let (node, presence) = match role {
            Role::Node { name, folders } => {
                let node = Node::of(folder, name)?;
                let presence = NodePresence::start(journal.leases(), node.clone(), folders)?;
                (Some(node), Some(presence))
            }
            Role::Command { name } => (Some(Node::of(folder, name)?), None),
            Role::Peer => (None, None),
        };
        let (away_sender, away_receiver) = watch::channel(None);
        let subscribers = Arc::<EntrySubscribers>::default();
        let last_current = Arc::new(LastCurrent::now());
        let histories = SharedHistories {
            reader: journal.reader(),
            away: away_receiver,
            read_only: None,
            keeper: OnceLock::new(),
            leases: journal.leases(),
            node,
            presence,
            subscribers: Arc::clone(&subscribers),
            last_current: Arc::clone(&last_current),
            last_nodes: Mutex::default(),
        };
        let mut log = SharedLog::new(journal, have, min_size, away_sender, subscribers, last_current);
        log.compacts = compacts;
        let tables = Arc::new(tables);
        let failed =
            |error| StoreError::Io { what: "cannot start the writer of", path: folder.to_owned(), error };
        let writer = Writer::start(Arc::clone(&tables), log, heartbeat, space).map_err(failed)?;
        let mut store = Self { writer, tables, histories, _lock: lock };
        if is_command {
            store.histories.read_only = store.try_lease(None, cancelled)?.err();
        }
        Ok((store, report))
    }

    /// Takes the lease, and takes over from the node that had it before. Waits while another node has it, and sends the name of that
    /// node. Blocks this thread. Returns whether the journal was empty.
    ///
    /// # Errors
    /// [`StoreError::Cancelled`] once `cancelled` is set, [`StoreError::Stopped`] when the store has stopped in the meantime, and
    /// [`StoreError::Unusable`] when the database cannot be used. This waits while the database does not respond.
    pub fn take_lease(
        &self,
        standing_by: &watch::Sender<Option<String>>,
        cancelled: &AtomicBool,
    ) -> Result<bool, StoreError> {
        self.try_lease(Some(standing_by), cancelled).map(|taken| taken == Ok(true))
    }

    /// Takes the lease and takes over; returns whether the journal was empty, or the node that has the lease if this may not wait.
    fn try_lease(
        &self,
        standing_by: Option<&watch::Sender<Option<String>>>,
        cancelled: &AtomicBool,
    ) -> Result<Result<bool, String>, StoreError> {
        let histories = &self.histories;
        let Some(node) = histories.node.clone().filter(|_| histories.keeper.get().is_none()) else {
            return Ok(Ok(false));
        };
        let stopped = self.writer.stopped();
        let may_wait = || match &*stopped.borrow() {
            Some(why) => Err(StoreError::Stopped(why.clone())),
            None if cancelled.load(Ordering::Relaxed) => Err(StoreError::Cancelled),
            None => Ok(()),
        };
        let leases = Arc::clone(&histories.leases);
        let on_lost = self.writer.on_superseded();
        let keeper = match LeaseKeeper::take(leases, node, standing_by, &may_wait, on_lost)? {
            Ok(keeper) => keeper,
            Err(holder) => return Ok(Err(holder)),
        };
        histories.keeper.get_or_init(|| keeper);
        Ok(Ok(self.writer.take_over()? == 1))
    }

    /// A process of another place that runs under the name of this node and has started before it. Blocks this thread.
    ///
    /// # Errors
    /// [`StoreError::Away`] when the database does not respond, [`StoreError::Unusable`] when it refuses the query.
    pub fn namesake(&self) -> Result<Option<Namesake>, StoreError> {
        let histories = &self.histories;
        let Some(node) = &histories.node else { return Ok(None) };
        histories.leases.namesake(node, SILENCE)
    }

    /// This process of a node; a peer has none.
    #[must_use]
    pub fn node(&self) -> Option<&Node> {
        self.histories.node.as_ref()
    }

    /// The lease of this node, once it has it.
    #[must_use]
    pub fn lease(&self) -> Option<Lease> {
        self.histories.keeper.get().map(LeaseKeeper::lease)
    }

    /// The entries that other nodes commit from now on, in the order of the journal. The tables have them before they are received.
    #[must_use]
    pub fn follow(&self) -> UnboundedReceiver<Vec<Entry>> {
        self.histories.subscribers.subscribe()
    }

    /// The node that processes the jobs, if this process may not commit anything because of it.
    #[must_use]
    pub fn holder(&self) -> Option<&str> {
        self.histories.read_only.as_deref()
    }

    /// Why the database does not respond, while it does not.
    #[must_use]
    pub fn watch_away(&self) -> watch::Receiver<Option<String>> {
        self.histories.away.clone()
    }
}

/// Opens the tables, and applies the lines of the journal that they lack.
fn open_up_to_date(
    database: &Path,
    journal: &mut dyn SharedJournal,
    cancelled: &AtomicBool,
) -> Result<(Database, Position, OpenReport), StoreError> {
    let end = journal.end()?;
    let (tables, discarded) = open_usable_tables(database, journal, &end)?;
    let (have, replayed) = catch_up(&tables, journal, cancelled)?;
    let is_new = end.position == Position::START;
    Ok((tables, have, OpenReport { replayed, discarded, is_new, ..OpenReport::default() }))
}

/// Opens the tables. Those that do not follow from this journal are deleted; returns the reason.
fn open_usable_tables(
    database: &Path,
    journal: &mut dyn SharedJournal,
    end: &JournalEnd,
) -> Result<(Database, Option<String>), StoreError> {
    let why = match open_database(database) {
        Ok(tables) => match mismatch(&tables, journal, end)? {
            None => return mark_journal(tables, end).map(|tables| (tables, None)),
            Some(why) => why,
        },
        Err(StoreError::Io { what, path, error }) => return Err(StoreError::Io { what, path, error }),
        Err(error) => error.to_string(),
    };
    remove_database(database)?;
    let tables = mark_journal(open_database(database)?, end)?;
    Ok((tables, Some(why)))
}

/// The position of tables.
fn position(tables: &Database) -> Result<Position, StoreError> {
    let seq = number(tables.get(&key::seq())?);
    let append = tables.get(&key::append())?.and_then(|bytes| bytes.try_into().ok());
    Ok(Position { seq, append: append.map_or(AppendId::NONE, AppendId::from_bytes) })
}

/// Why tables do not follow from a journal.
fn mismatch(
    tables: &Database,
    journal: &mut dyn SharedJournal,
    end: &JournalEnd,
) -> Result<Option<String>, StoreError> {
    let have = position(tables)?;
    if have == Position::START {
        return Ok(None);
    }
    let seq = have.seq;
    if tables.get(&key::journal())?.as_deref() != Some(&end.journal) {
        return Ok(Some("they belong to another journal".to_owned()));
    }
    if seq < end.compacted {
        return Ok(Some(format!("they end at line {seq}, and the journal was compacted beyond it")));
    }
    let batch = journal.read(seq, 1)?;
    let is_same = batch.lines.first().is_some_and(|line| line.seq == seq && line.append == have.append);
    Ok((!is_same).then(|| {
        format!("line {seq} in the database is not the one that this node knows: the database has lost lines")
    }))
}

/// Notes in new tables which journal they follow.
fn mark_journal(tables: Database, end: &JournalEnd) -> Result<Database, StoreError> {
    if tables.get(&key::journal())?.as_deref() != Some(&end.journal) {
        tables.change([(key::journal(), Some(end.journal.to_vec()))].into())?;
        tables.flush()?;
    }
    Ok(tables)
}

/// Applies the lines that tables lack; returns their position after that, and the number of lines.
fn catch_up(
    tables: &Database,
    journal: &mut dyn SharedJournal,
    cancelled: &AtomicBool,
) -> Result<(Position, u64), StoreError> {
    let have = position(tables)?;
    let (missing, last) = read_all(journal, have, cancelled)?;
    let (missing, appends): (Vec<_>, Vec<_>) = missing.into_iter().unzip();
    let mark = |last: &Line, changes: &mut TableChanges| {
        let index = missing.partition_point(|line| line.seq < last.seq);
        let append = appends.get(index).map(|append: &AppendId| append.as_bytes().to_vec());
        changes.insert(key::append(), append);
    };
    replay_lines(tables, &missing, cancelled, mark)?;
    Ok((last, missing.len() as u64))
}

/// The lines after a position. If compaction rewrites some of them in the meantime, all are read again: compaction drops lines that
/// undo each other.
fn read_all(
    journal: &mut dyn SharedJournal,
    have: Position,
    cancelled: &AtomicBool,
) -> Result<(Vec<(Line, AppendId)>, Position), StoreError> {
    'again: for _ in 0..MAX_ATTEMPTS {
        let (mut found, mut last, mut compacted) = (Vec::new(), have, None);
        loop {
            if cancelled.load(Ordering::Relaxed) {
                return Err(StoreError::Cancelled);
            }
            let batch = journal.read(last.seq + 1, BATCH)?;
            if *compacted.get_or_insert(batch.compacted) != batch.compacted {
                continue 'again;
            }
            let Some(end) = batch.lines.last() else { return Ok((found, last)) };
            last = Position { seq: end.seq, append: end.append };
            for line in &batch.lines {
                found.push((lines::read(line)?, line.append));
            }
        }
    }
    Err(StoreError::Away { what: "the journal was compacted each time while it was read".to_owned() })
}
