//! Transitions of jobs in PostgreSQL, by one node and by several on one database, and the space that jobs take there.

use std::time::Instant;

use dropship_job::JobId;
use dropship_store::{Commit, DiskStore, Entry, Store};

use crate::{EACH, ROUNDS, WORKERS, arrived, id, lives, median, step};
use server::{Database, database_with};

#[path = "../../crates/dropship-postgres/tests/it/server.rs"]
#[expect(dead_code, clippy::print_stderr, reason = "the tests of the crate use other parts of it")]
mod server;

/// Numbers of nodes on one database.
const NODES: [usize; 3] = [1, 2, 4];

/// Prints transitions per second, beside those of a store in a folder, and the space of jobs.
pub(crate) fn compare() {
    let folder = tempfile::tempdir().expect("a folder");
    let (embedded, _) = DiskStore::open(&folder.path().join("store")).expect("a store");
    begin(&embedded);
    let Some(database) = database_with(&["fsync=on"]) else { return };
    let folders = NODES.map(|_| tempfile::tempdir().expect("a folder"));
    let folders = [folders, NODES.map(|_| tempfile::tempdir().expect("a folder"))];
    let nodes: Vec<_> =
        folders.iter().flatten().take(4).map(|folder| database.node(folder.path()).0).collect();
    begin(&nodes[0]);
    let mut revs = [[1_u64; WORKERS as usize]; 2];
    let mut rates = vec![Vec::new(); 1 + NODES.len()];
    // The first round warms up.
    for round in 0..=ROUNDS {
        let mut found = vec![rate(&[&embedded], &mut revs[0])];
        for count in NODES {
            let nodes: Vec<&dyn Store> = nodes.iter().take(count).map(|node| node as &dyn Store).collect();
            found.push(rate(&nodes, &mut revs[1]));
        }
        if round > 0 {
            rates.iter_mut().zip(found).for_each(|(rates, rate)| rates.push(rate));
        }
    }
    let names = ["a store in a folder".to_owned()];
    let names = names.into_iter().chain(NODES.map(|count| format!("PostgreSQL, {count} node(s)")));
    for (name, rates) in names.zip(rates) {
        println!("{name}: {:.0} transitions a second by {WORKERS} workers", median(rates));
    }
    drop(nodes);
    weigh(&database.another());
}

/// Begins one job for each worker.
fn begin(store: &dyn Store) {
    for worker in 0..WORKERS {
        let events = vec![arrived(worker, format!("{worker:064x}"))];
        let entry = Entry::Job { job: id(worker), rev: 0, events };
        store.commit(Commit::new(vec![entry])).wait().expect("begun");
    }
}

/// Transitions per second of workers that are spread over the nodes. Each waits for one transition before the next.
fn rate(nodes: &[&dyn Store], revs: &mut [u64]) -> f64 {
    // A commit is answered after everything before it: then each node knows the jobs of its workers.
    for node in nodes {
        let entry = Entry::Setting { key: "here".to_owned(), value: Some("yes".to_owned()) };
        drop(node.commit(Commit::new(vec![entry])).wait().expect("committed"));
    }
    let started = Instant::now();
    std::thread::scope(|scope| {
        for (worker, rev) in (0..).zip(revs) {
            let node = nodes[worker as usize % nodes.len()];
            scope.spawn(move || (0..EACH).for_each(|_| step(node, worker, rev)));
        }
    });
    f64::from(WORKERS * EACH) / started.elapsed().as_secs_f64()
}

/// Prints the space of jobs that passed all steps, in the database and in the log that its replicas and backups receive.
fn weigh(database: &Database) {
    let folder = tempfile::tempdir().expect("a folder");
    let (node, _) = database.node(folder.path());
    let log = || database.sql("SELECT pg_current_wal_insert_lsn() - '0/0'").parse::<f64>().expect("a number");
    let size = || {
        let sql = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relnamespace = 'dropship'::regnamespace AND relkind = 'r'";
        database.sql(sql).parse::<f64>().expect("a number")
    };
    let (log_before, size_before, started) = (log(), size(), Instant::now());
    let transitions = lives::live(&node);
    let duration = started.elapsed().as_secs_f64();
    let jobs = f64::from(lives::JOBS);
    println!(
        "{jobs} jobs with one label: {transitions} transitions in {duration:.1} s; in the database {:.2} KiB a job, write-ahead log {:.2} KiB a job",
        (size() - size_before) / jobs / 1024.0,
        (log() - log_before) / jobs / 1024.0,
    );
    let first: JobId = lives::life(0).0;
    let read = Instant::now();
    drop(node.history(&first).expect("a history"));
    println!("the history of one of them: {:.1} ms", read.elapsed().as_secs_f64() * 1000.0);
}
