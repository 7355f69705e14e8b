//! The cost of a durable transition of a job, compared with a synced write of 2 KiB (the two take turns), and the size
//! of the tables of many jobs.
//!
//! `cargo bench --bench store`. With `fill FOLDER COUNT` it fills a store with ended jobs instead, and with `remember FOLDER
//! COUNT` with jobs that have published a label; `benches/compare.py` then starts a daemon with it. With `who` it measures only
//! the look-up of published labels; with `fleet`, built with the feature `postgres`, stores in a real PostgreSQL of which
//! `DROPSHIP_POSTGRES` names the folder of programs.
#![expect(clippy::expect_used, clippy::print_stdout, reason = "a bench reports, and ends when it cannot run")]

#[cfg(feature = "postgres")]
mod fleet;
mod lives;
mod remembered;
mod who;

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;

use dropship_job::{ErrorKind, Event, Fault, JobId, Package};
use dropship_store::{Commit, DiskStore, Entry, Store};

const ROUNDS: usize = 5;
const EACH: u32 = 400;
/// Number of jobs that change at the same time.
const WORKERS: u32 = 32;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [fill, folder, count] if fill == "fill" => {
            let (store, _) = DiskStore::open(Path::new(folder)).expect("a store");
            ended(&store, count.parse().expect("a number"));
        }
        [remember, folder, count] if remember == "remember" => {
            let (store, _) = DiskStore::open(Path::new(folder)).expect("a store");
            remembered::fill(&store, count.parse().expect("a number"));
        }
        #[cfg(feature = "postgres")]
        [fleet, ..] if fleet == "fleet" => fleet::compare(),
        [who, ..] if who == "who" => {
            who::weigh(&tempfile::tempdir().expect("a folder").path().join("store"));
        }
        _ => {
            compare();
            who::weigh(&tempfile::tempdir().expect("a folder").path().join("store"));
            lives::weigh(&tempfile::tempdir().expect("a folder").path().join("store"));
        }
    }
}

fn id(number: u32) -> JobId {
    JobId::new(1_790_000_000_000 + u64::from(number), number)
}

fn arrived(number: u32, sha256: String) -> Event {
    let package = Package {
        name: format!("driver-{number}.cab"),
        path: None,
        folder: Some("in".into()),
        sha256,
        size: 1 << 20,
        outbox: "/out".into(),
    };
    Event::Arrived { package }
}

/// Fills a store with jobs that have ended and whose receipts are written.
fn ended(store: &DiskStore, count: u32) {
    for from in (0..count).step_by(1000) {
        let of = |number| {
            let failed =
                Event::Rejected { fault: Fault::new(ErrorKind::NoRule, "no rule is for this package") };
            let seen = Entry::KnownFile {
                folder: "in".into(),
                path: format!("/in/driver-{number}.cab"),
                identity: "i".into(),
                sha256: format!("{number:064x}"),
                job: id(number),
            };
            let job = Entry::Job {
                job: id(number),
                rev: 0,
                events: vec![arrived(number, format!("{number:064x}")), failed],
            };
            store.commit(Commit::unsynced(vec![job, seen, Entry::ReceiptWritten { job: id(number), rev: 2 }]))
        };
        let tickets: Vec<_> = (from..count.min(from + 1000)).map(of).collect();
        tickets.into_iter().for_each(|ticket| drop(ticket.wait().expect("committed")));
    }
}

fn compare() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, _) = DiskStore::open(&folder.path().join("store")).expect("a store");
    for worker in 0..WORKERS {
        let events = vec![arrived(worker, format!("{worker:064x}"))];
        store
            .commit(Commit::new(vec![Entry::Job { job: id(worker), rev: 0, events }]))
            .wait()
            .expect("begun");
    }
    let bare = std::fs::File::create(folder.path().join("bare")).expect("a file");
    let mut revs = [1_u64; WORKERS as usize];
    let (mut raw, mut one, mut many) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let times = [
            per(EACH, |turn| {
                bare.write_all_at(&[7; 2048], u64::from(turn) * 2048).expect("written");
                bare.sync_data().expect("synced");
            }),
            per(EACH, |_| step(&store, 0, &mut revs[0])),
            per(1, |_| at_once(&store, &mut revs)) / f64::from(WORKERS * EACH),
        ];
        // The first round warms up.
        if round > 0 {
            raw.push(times[0]);
            one.push(times[1]);
            many.push(times[2]);
        }
    }
    println!("raw {:.1} us", median(raw));
    println!("transition {:.1} us", median(one));
    println!("transition-of-{WORKERS} {:.1} us", median(many));
}

/// One transition of a job, until it is durable.
fn step(store: &dyn Store, worker: u32, rev: &mut u64) {
    let event = if *rev % 2 == 1 { waited() } else { Event::Resumed };
    let entry = Entry::Job { job: id(worker), rev: *rev, events: vec![event] };
    *rev += 1;
    drop(store.commit(Commit::new(vec![entry])).wait().expect("committed"));
}

/// Runs the workers on threads of their own. Each waits for one transition before it commits the next.
fn at_once(store: &DiskStore, revs: &mut [u64]) {
    std::thread::scope(|scope| {
        for (worker, rev) in (0..).zip(revs) {
            scope.spawn(move || (0..EACH).for_each(|_| step(store, worker, rev)));
        }
    });
}

fn due() -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_790_000_000).expect("a time")
}

fn waited() -> Event {
    Event::Waited { due: due(), why: dropship_job::WaitReason::Signature { workflow: None }, polled: true }
}

/// The mean time of one call in microseconds.
fn per(turns: u32, mut run: impl FnMut(u32)) -> f64 {
    let start = Instant::now();
    (0..turns).for_each(&mut run);
    start.elapsed().as_secs_f64() * 1e6 / f64::from(turns)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
