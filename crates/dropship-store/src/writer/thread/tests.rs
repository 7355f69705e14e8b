use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::*;
use crate::entry::Entry;
use crate::heartbeat::Unwatched;
use crate::journal::{FileJournal, SegmentItem, SegmentLimits, SegmentReader, segments};
use crate::tables::{ByteMap, KeyValue};
use dropship_job::{ErrorKind, Event, Fault, Package};

/// Tables in memory that are always full, and count the calls.
#[derive(Default)]
struct Tables {
    pairs: Mutex<BTreeMap<Vec<u8>, Vec<u8>>>,
    applied: AtomicUsize,
    flushed: AtomicUsize,
    /// The number of flushes at the last maintenance.
    maintained: AtomicUsize,
}

impl ByteMap for Tables {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.pairs.lock().get(key).cloned())
    }

    fn scan(&self, prefix: &[u8]) -> Result<Vec<KeyValue>, StoreError> {
        let pairs = self.pairs.lock();
        let found = pairs.iter().filter(|(key, _)| key.starts_with(prefix));
        Ok(found.map(|(key, value)| (key.clone(), value.clone())).collect())
    }
}

impl WriterTables for Tables {
    fn change(&self, changes: TableChanges) -> Result<(), StoreError> {
        let mut pairs = self.pairs.lock();
        for (key, change) in changes {
            match change {
                Some(value) => pairs.insert(key, value),
                None => pairs.remove(&key),
            };
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        true
    }

    fn apply_pending(&self) -> Result<(), StoreError> {
        self.applied.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.flushed.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn needs_maintenance(&self) -> Result<bool, StoreError> {
        Ok(true)
    }

    fn maintain(&self) -> Result<(), StoreError> {
        self.maintained.store(self.flushed.load(Ordering::Relaxed), Ordering::Relaxed);
        Err(StoreError::Stopped("cannot maintain".to_owned()))
    }
}

fn writer_thread(folder: &Path) -> WriterThread<Tables, FileJournal> {
    let journal = FileJournal::open(folder, SegmentLimits::default(), 0, |_| Ok(())).expect("a journal");
    WriterThread {
        tables: Arc::default(),
        journal,
        recent_jobs: HashMap::new(),
        dirty_since: None,
        is_quiet: true,
        last_group: 1,
        stopped: watch::channel(None).0,
        heartbeat: Arc::new(Unwatched),
        space: DiskSpace::open(folder, false),
    }
}

fn setting(value: usize) -> Commit {
    Commit::unsynced(vec![Entry::Setting { key: "k".into(), value: Some(value.to_string()) }])
}

fn lines(folder: &Path) -> Vec<Line> {
    let (_, path) = segments(folder).expect("segments").remove(0);
    let mut reader = SegmentReader::open(&path).expect("opened");
    std::iter::from_fn(|| match reader.next().expect("read") {
        SegmentItem::Line(line) => Some(line),
        _ => None,
    })
    .collect()
}

#[test]
fn journal_is_synced_before_changes_are_applied_to_the_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut writer_thread = writer_thread(folder.path());
    for round in 0..2 {
        // No commit waits for the disk, but the tables are full.
        writer_thread.write(vec![(setting(round), oneshot::channel().0)]);
    }
    assert_eq!(writer_thread.tables.applied.load(Ordering::Relaxed), 2);
    drop(writer_thread);
    let synced: Vec<_> = lines(folder.path()).iter().map(|line| line.synced).collect();
    assert!(matches!(synced[..], [Some(0), Some(1..)]), "the first was synced before the second: {synced:?}");
}

#[test]
fn dirty_tables_are_flushed_while_commits_keep_arriving() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut writer_thread = writer_thread(folder.path());
    writer_thread.dirty_since = Instant::now().checked_sub(LAG);
    let (tables, (queue, commits)) = (Arc::clone(&writer_thread.tables), channel());
    let thread = std::thread::spawn(move || writer_thread.run(&commits));
    // It is never quiet.
    let flushed = (0..40).any(|round| {
        let (answer, handle) = oneshot::channel();
        queue.send(WriterMessage::Commit((setting(round), answer))).expect("taken");
        handle.blocking_recv().expect("answered").expect("committed");
        tables.flushed.load(Ordering::Relaxed) > 0
    });
    assert!(flushed);
    drop(queue);
    thread.join().expect("it ends");
    let times = tables.flushed.load(Ordering::Relaxed);
    assert!(times <= 2, "not at each commit: {times}");
}

#[test]
fn quiet_store_is_flushed_then_maintained_and_an_error_stops_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut writer_thread = writer_thread(folder.path());
    let (tables, mut stopped) = (Arc::clone(&writer_thread.tables), writer_thread.stopped.subscribe());
    // No commit has arrived, so there is nothing to do.
    writer_thread.on_quiet();
    assert_eq!(tables.flushed.load(Ordering::Relaxed), 0);
    let (queue, commits) = channel();
    let thread = std::thread::spawn(move || writer_thread.run(&commits));
    let (answer, handle) = oneshot::channel();
    queue.send(WriterMessage::Commit((setting(0), answer))).expect("taken");
    handle.blocking_recv().expect("answered").expect("committed");
    let waiting = stopped.wait_for(Option::is_some);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let why = runtime.block_on(waiting).expect("it stopped").clone().unwrap_or_default();
    assert!(why.contains("cannot maintain"), "{why}");
    assert_eq!(tables.maintained.load(Ordering::Relaxed), 1, "flushed first");
    drop(queue);
    thread.join().expect("it ends");
}

#[test]
fn commits_of_one_job_in_a_group_see_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut writer_thread = writer_thread(folder.path());
    let id = JobId::new(1, 1);
    let mut write = |entries: Vec<Vec<Entry>>| {
        let commits = entries.into_iter().map(|entries| (Commit::unsynced(entries), oneshot::channel()));
        let (group, handles): (Vec<_>, Vec<_>) =
            commits.map(|(commit, (answer, handle))| ((commit, answer), handle)).unzip();
        writer_thread.write(group);
        let answers = handles.into_iter().map(|handle| handle.blocking_recv().expect("answered"));
        answers.map(|answer| answer.map(|jobs| jobs.iter().map(|job| job.rev()).collect())).collect()
    };
    let package = Package {
        name: "a.cab".into(),
        path: None,
        folder: None,
        sha256: "aa".into(),
        size: 1,
        outbox: "/o".into(),
    };
    let of = |rev, event| vec![Entry::Job { job: id.clone(), rev, events: vec![event] }];
    let fault = Fault::new(ErrorKind::NoRule, "no rule");
    let retried = || Event::Retried { by: "me".into(), new_product: false };
    let answers: Vec<Result<Vec<u64>, StoreError>> =
        write(vec![of(0, Event::Arrived { package }), of(1, Event::Rejected { fault: fault.clone() })]);
    assert!(
        matches!(&answers[..], [Ok(one), Ok(two)] if (&one[..], &two[..]) == (&[1], &[2])),
        "{answers:?}"
    );
    // Two in a group again; the first starts from the stored job.
    let answers = write(vec![of(2, retried()), of(3, Event::Rejected { fault })]);
    assert!(
        matches!(&answers[..], [Ok(one), Ok(two)] if (&one[..], &two[..]) == (&[3], &[4])),
        "{answers:?}"
    );
    let answers = write(vec![of(3, retried())]);
    assert!(matches!(&answers[..], [Err(StoreError::Conflict { have: 4, .. })]), "{answers:?}");
    // The job changes and is pruned in one group.
    let answers = write(vec![
        of(4, retried()),
        of(5, Event::Cancelled { by: "me".into() }),
        vec![Entry::Pruned { job: id.clone() }],
    ]);
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let answers = write(vec![of(6, retried())]);
    assert!(matches!(&answers[..], [Err(StoreError::Conflict { have: 0, .. })]), "{answers:?}");
}
