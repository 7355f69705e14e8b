//! Group commit with SQLite, for comparison: the transitions of a queue as a queue in SQLite would store them, and the
//! least that could be written, one row for each.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use rusqlite::{Connection, Transaction, params};

const WORKERS: u64 = 32;
const EACH: u64 = 400;
const ROUNDS: usize = 5;
/// Length of a stored job.
const ROW: usize = 2048;
const TABLES: &str = "
    PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
    CREATE TABLE jobs (id TEXT PRIMARY KEY, rev INTEGER NOT NULL, state TEXT NOT NULL, due TEXT, job BLOB NOT NULL);
    CREATE INDEX states ON jobs (state);
    CREATE TABLE events (job TEXT NOT NULL, rev INTEGER NOT NULL, at TEXT NOT NULL, event TEXT NOT NULL,
        PRIMARY KEY (job, rev)) WITHOUT ROWID;
    CREATE TABLE bare (id INTEGER PRIMARY KEY, job BLOB NOT NULL);";

/// A request of a worker: its number, its step, its row, and the channel for the response.
type Change = (u64, u64, Vec<u8>, Sender<()>);
/// Writes one change.
type Write = fn(&Transaction<'_>, &Change);

/// Prints the microseconds of one transition and of one row. Each worker has a thread and waits until its change is
/// durable before it requests the next; one thread commits all waiting changes together.
pub(crate) fn measure(folder: &Path) {
    let home = tempfile::tempdir_in(folder).expect("a folder");
    let mut database = Connection::open(home.path().join("jobs.sqlite")).expect("a database");
    database.execute_batch(TABLES).expect("tables");
    for worker in 0..WORKERS {
        let job = vec![0_u8; ROW];
        database
            .execute("INSERT INTO jobs VALUES (?1, 0, 'queued', NULL, ?2)", params![id(worker), job])
            .expect("a job");
    }
    let mut steps = 0;
    for (name, write) in [("transition", transition as Write), ("row", row)] {
        let mut times: Vec<f64> = (0..=ROUNDS)
            .map(|_| {
                steps += EACH;
                round(&mut database, write, steps - EACH)
            })
            .collect();
        // The first round warms up.
        times.remove(0);
        times.sort_by(f64::total_cmp);
        println!("{name} {:.2}", times[ROUNDS / 2]);
    }
}

fn id(worker: u64) -> String {
    format!("1m84wd9yx{worker:05}")
}

/// Stores what dropship stores: only the next step of a job is accepted, its history is kept, and jobs can be found by state.
fn transition(database: &Transaction<'_>, (worker, step, job, _): &Change) {
    let id = id(*worker);
    let mut query = database.prepare_cached("SELECT rev FROM jobs WHERE id = ?1").expect("a statement");
    let rev: i64 = query.query_row([&id], |found| found.get(0)).expect("a job");
    assert_eq!(rev, *step as i64);
    let (state, due) =
        if step % 2 == 0 { ("waiting", Some("2026-09-21T14:13:20Z")) } else { ("queued", None) };
    let mut insert =
        database.prepare_cached("INSERT INTO events VALUES (?1, ?2, ?3, ?4)").expect("a statement");
    let event = r#"{"waited":{"due":"2026-09-21T14:13:20Z","why":"Microsoft's signature","looked":true}}"#;
    insert.execute(params![id, rev, "2026-09-21T14:13:20.123Z", event]).expect("inserted");
    let mut update = database
        .prepare_cached("UPDATE jobs SET rev = ?2, state = ?3, due = ?4, job = ?5 WHERE id = ?1")
        .expect("a statement");
    update.execute(params![id, rev + 1, state, due, job]).expect("updated");
}

fn row(database: &Transaction<'_>, (worker, _, job, _): &Change) {
    let mut put = database
        .prepare_cached("INSERT OR REPLACE INTO bare (id, job) VALUES (?1, ?2)")
        .expect("a statement");
    put.execute(params![*worker as i64, job]).expect("put");
}

fn round(database: &mut Connection, write: Write, first_step: u64) -> f64 {
    let start = Instant::now();
    std::thread::scope(|scope| {
        let (sender, changes) = channel();
        for worker in 0..WORKERS {
            let sender = sender.clone();
            scope.spawn(move || work(worker, first_step, &sender));
        }
        drop(sender);
        commit(database, write, &changes);
    });
    start.elapsed().as_secs_f64() * 1e6 / (WORKERS * EACH) as f64
}

fn work(worker: u64, first_step: u64, sender: &Sender<Change>) {
    let (answer, answered) = channel();
    for step in first_step..first_step + EACH {
        sender.send((worker, step, vec![step as u8; ROW], answer.clone())).expect("a committer");
        answered.recv().expect("committed");
    }
}

/// Commits changes until all workers have ended.
fn commit(database: &mut Connection, write: Write, changes: &Receiver<Change>) {
    let mut waiting = Vec::new();
    while let Ok(first) = changes.recv() {
        waiting.push(first);
        waiting.extend(changes.try_iter());
        let transaction = database.transaction().expect("begun");
        waiting.iter().for_each(|change| write(&transaction, change));
        transaction.commit().expect("committed");
        for (_, _, _, answer) in waiting.drain(..) {
            answer.send(()).expect("a worker");
        }
    }
}
