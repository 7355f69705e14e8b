//! SQLite's group commit, as a measure for our own.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use rusqlite::Connection;

const WORKERS: u64 = 32;
const EACH: u64 = 400;
const ROUNDS: usize = 5;
/// Length of a row.
const ROW: usize = 2048;

/// What a worker hands over: its row, and whom to answer.
type Change = (u64, Vec<u8>, Sender<()>);

/// Prints the microseconds of one change where workers, on threads of their own, each wait for one change to be durable
/// before they ask for the next, and one thread commits whatever waits.
pub(crate) fn measure(folder: &Path) {
    let home = tempfile::tempdir_in(folder).expect("a folder");
    let mut database = Connection::open(home.path().join("jobs.sqlite")).expect("a database");
    database
        .execute_batch(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
             CREATE TABLE jobs (id INTEGER PRIMARY KEY, job BLOB NOT NULL);",
        )
        .expect("a table");
    let mut times: Vec<f64> = (0..=ROUNDS).map(|_| round(&mut database)).collect();
    // The first round warms up.
    times.remove(0);
    times.sort_by(f64::total_cmp);
    println!("{:.2}", times[ROUNDS / 2]);
}

fn round(database: &mut Connection) -> f64 {
    let start = Instant::now();
    std::thread::scope(|scope| {
        let (ask, asked) = channel();
        for worker in 0..WORKERS {
            let ask = ask.clone();
            scope.spawn(move || work(worker, &ask));
        }
        drop(ask);
        commit(database, &asked);
    });
    start.elapsed().as_secs_f64() * 1e6 / (WORKERS * EACH) as f64
}

fn work(worker: u64, ask: &Sender<Change>) {
    let (answer, answered) = channel();
    for step in 0..EACH {
        let row = vec![step as u8; ROW];
        ask.send((worker, row, answer.clone())).expect("a committer");
        answered.recv().expect("committed");
    }
}

/// Until there is no worker left.
fn commit(database: &mut Connection, asked: &Receiver<Change>) {
    let mut waiting = Vec::new();
    while let Ok(first) = asked.recv() {
        waiting.push(first);
        waiting.extend(asked.try_iter());
        let transaction = database.transaction().expect("begun");
        {
            let mut put = transaction
                .prepare_cached("INSERT OR REPLACE INTO jobs (id, job) VALUES (?1, ?2)")
                .expect("a statement");
            for (worker, row, _) in &waiting {
                put.execute((*worker as i64, row)).expect("put");
            }
        }
        transaction.commit().expect("committed");
        for (_, _, answer) in waiting.drain(..) {
            answer.send(()).expect("a worker");
        }
    }
}
