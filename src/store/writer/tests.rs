use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::super::Entry;
use super::super::entry::Line;
use super::super::journal::{Item, Limits, Reader, segments};
use super::*;
use dropship_job::{Event, Fault, Package};

/// Tables in memory that always want to be brought to the database, and count it.
#[derive(Default)]
struct Tables {
    pairs: Mutex<BTreeMap<Vec<u8>, Vec<u8>>>,
    brought: AtomicUsize,
    settled: AtomicUsize,
    /// How often they were settled when they were tidied last.
    tidied: AtomicUsize,
}

impl Bytes for Tables {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.pairs.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned())
    }

    fn scan(&self, prefix: &[u8]) -> Result<Vec<Pair>, StoreError> {
        let pairs = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
        let found = pairs.iter().filter(|(key, _)| key.starts_with(prefix));
        Ok(found.map(|(key, value)| (key.clone(), value.clone())).collect())
    }
}

impl Target for Tables {
    fn change(&self, changes: Changes) -> Result<(), StoreError> {
        let mut pairs = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
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

    fn bring(&self) -> Result<(), StoreError> {
        self.brought.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn settle(&self) -> Result<(), StoreError> {
        self.settled.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn tidy(&self) -> Result<(), StoreError> {
        self.tidied.store(self.settled.load(Ordering::Relaxed), Ordering::Relaxed);
        Err(StoreError::Stopped("no room to be tidy".to_owned()))
    }
}

fn writing(folder: &Path) -> Writing<Tables> {
    let journal = Journal::open(folder, Limits::default(), 0, |_| Ok(())).expect("a journal");
    let (stopped, beat) = (watch::channel(None).0, Heartbeat::default());
    Writing {
        tables: Arc::default(),
        journal,
        fresh: HashMap::new(),
        behind: None,
        together: 1,
        stopped,
        beat,
    }
}

fn flag(value: usize) -> Commit {
    Commit::lazily(vec![Entry::Setting { key: "k".into(), value: Some(value.to_string()) }])
}

fn lines(folder: &Path) -> Vec<Line> {
    let (_, path) = segments(folder).expect("segments").remove(0);
    let mut reader = Reader::open(&path).expect("opened");
    std::iter::from_fn(|| match reader.next().expect("read") {
        Item::Line(line) => Some(line),
        _ => None,
    })
    .collect()
}

#[test]
fn the_journal_is_on_the_disk_before_the_database_has_what_it_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut writing = writing(folder.path());
    for round in 0..2 {
        // Nobody waits for the disk, but the tables are full.
        writing.write(vec![(flag(round), oneshot::channel().0)]);
    }
    assert_eq!(writing.tables.brought.load(Ordering::Relaxed), 2);
    drop(writing);
    let synced: Vec<_> = lines(folder.path()).iter().map(|line| line.synced).collect();
    assert!(matches!(synced[..], [Some(0), Some(1..)]), "the first was synced before the second: {synced:?}");
}

#[test]
fn tables_that_lag_go_to_the_disk_though_commits_keep_coming() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut writing = writing(folder.path());
    writing.behind = Instant::now().checked_sub(LAG);
    let (tables, (queue, commits)) = (Arc::clone(&writing.tables), channel());
    let thread = std::thread::spawn(move || writing.run(&commits));
    // It is never quiet.
    let settled = (0..40).any(|round| {
        let (answer, ticket) = oneshot::channel();
        queue.send((flag(round), answer)).expect("taken");
        ticket.blocking_recv().expect("answered").expect("committed");
        tables.settled.load(Ordering::Relaxed) > 0
    });
    assert!(settled);
    drop(queue);
    thread.join().expect("it ends");
    let times = tables.settled.load(Ordering::Relaxed);
    assert!(times <= 2, "not at each commit: {times}");
}

#[test]
fn once_it_is_quiet_what_is_settled_is_tidied_and_trouble_at_that_stops_the_store() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut writing = writing(folder.path());
    let (tables, mut stopped) = (Arc::clone(&writing.tables), writing.stopped.subscribe());
    // Nothing came, so there is nothing to do.
    writing.rest();
    assert_eq!(tables.settled.load(Ordering::Relaxed), 0);
    let (queue, commits) = channel();
    let thread = std::thread::spawn(move || writing.run(&commits));
    let (answer, ticket) = oneshot::channel();
    queue.send((flag(0), answer)).expect("taken");
    ticket.blocking_recv().expect("answered").expect("committed");
    let waiting = stopped.wait_for(Option::is_some);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let why = runtime.block_on(waiting).expect("it stopped").clone().unwrap_or_default();
    assert!(why.contains("no room to be tidy"), "{why}");
    assert_eq!(tables.tidied.load(Ordering::Relaxed), 1, "settled before");
    drop(queue);
    thread.join().expect("it ends");
}

#[test]
fn a_job_is_told_as_it_stands_whatever_happened_to_it_within_a_group() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut writing = writing(folder.path());
    let id = JobId::new(1, 1);
    let mut write = |entries: Vec<Vec<Entry>>| {
        let commits = entries.into_iter().map(|entries| (Commit::lazily(entries), oneshot::channel()));
        let (group, tickets): (Vec<_>, Vec<_>) =
            commits.map(|(commit, (answer, ticket))| ((commit, answer), ticket)).unzip();
        writing.write(group);
        let answers = tickets.into_iter().map(|ticket| ticket.blocking_recv().expect("answered"));
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
    let fault = Fault::new("no-rule", "no rule");
    let retried = || Event::Retried { by: "me".into(), new_product: false };
    let answers: Vec<Result<Vec<u64>, StoreError>> =
        write(vec![of(0, Event::Arrived { package }), of(1, Event::Rejected { fault: fault.clone() })]);
    assert!(
        matches!(&answers[..], [Ok(one), Ok(two)] if (&one[..], &two[..]) == (&[1], &[2])),
        "{answers:?}"
    );
    // Two in a group again, of which the first begins from what stood before it.
    let answers = write(vec![of(2, retried()), of(3, Event::Rejected { fault })]);
    assert!(
        matches!(&answers[..], [Ok(one), Ok(two)] if (&one[..], &two[..]) == (&[3], &[4])),
        "{answers:?}"
    );
    let answers = write(vec![of(3, retried())]);
    assert!(matches!(&answers[..], [Err(StoreError::Conflict { have: 4, .. })]), "{answers:?}");
    // It changes and is forgotten in one group, and is nobody's then.
    let answers = write(vec![
        of(4, retried()),
        of(5, Event::Cancelled { by: "me".into() }),
        vec![Entry::Pruned { job: id.clone() }],
    ]);
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let answers = write(vec![of(6, retried())]);
    assert!(matches!(&answers[..], [Err(StoreError::Conflict { have: 0, .. })]), "{answers:?}");
}
