//! A full scan of 100,000 known files beside walkdir, and a backlog of 50,000 new files.
//!
//! `cargo bench -p dropship-intake`
#![expect(clippy::expect_used, clippy::print_stdout, reason = "a bench reports, and ends when it cannot run")]

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use dropship_intake::{
    Admitted, Backpressure, FileLoss, FileReceiver, FolderEvents, FolderSpec, FoundFile, Identity, Intake,
    ReadyWhen,
};
use tokio_util::sync::CancellationToken;

const FOLDERS: usize = 100;
const FILES_PER_FOLDER: usize = 1_000;
const ROUNDS: usize = 15;
const BACKLOG: usize = 50_000;

/// Knows every file.
struct AllKnown;

impl FileReceiver for AllKnown {
    fn is_known(&self, _: &str, _: &Path, _: &Identity, _: Option<&Identity>) -> bool {
        true
    }

    fn receive(&self, _: &FoundFile) -> Admitted {
        Admitted::Yes
    }

    fn on_removed(&self, _: &str, _: &Path) {}

    fn capacity(&self, _: &str) -> Result<(), Backpressure> {
        Ok(())
    }
}

/// Admits every file and remembers its inode only, so that the measured memory is that of intake.
#[derive(Default)]
struct AdmitAll {
    admitted: Mutex<(HashSet<u64>, Option<Instant>)>,
}

impl FileReceiver for AdmitAll {
    fn is_known(&self, _: &str, _: &Path, identity: &Identity, _: Option<&Identity>) -> bool {
        self.admitted.lock().0.contains(&identity.ino)
    }

    fn receive(&self, found: &FoundFile) -> Admitted {
        let mut admitted = self.admitted.lock();
        admitted.0.insert(found.identity.ino);
        admitted.1.get_or_insert_with(Instant::now);
        Admitted::Yes
    }

    fn on_removed(&self, _: &str, _: &Path) {}

    fn capacity(&self, _: &str) -> Result<(), Backpressure> {
        Ok(())
    }
}

struct NoEvents;

impl FolderEvents for NoEvents {
    fn degraded(&self, _: &str, _: &str, _: &str) {}
    fn polled(&self, _: &str, _: &str, _: &str) {}
    fn recovered(&self, _: &str) {}
    fn lost(&self, _: &str, _: &Path, _: FileLoss) {}
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    scan(&runtime);
    backlog(&runtime);
}

fn scan(runtime: &tokio::runtime::Runtime) {
    let home = tempfile::tempdir().expect("a folder");
    for folder in 0..FOLDERS {
        let folder = home.path().join(format!("build-{folder:03}"));
        fs::create_dir(&folder).expect("a folder");
        for file in 0..FILES_PER_FOLDER {
            fs::File::create(folder.join(format!("driver-package-{file:04}.cab"))).expect("a file");
        }
    }
    let (ours, theirs) = runtime.block_on(scans(home.path()));
    println!(
        "\n| a scan of {} known files in {FOLDERS} folders | median ms of {ROUNDS} | times walkdir |",
        FOLDERS * FILES_PER_FOLDER
    );
    println!("|---|---|---|");
    println!("| dropship | {:.1} | {:.2} |", ms(ours), ours.as_secs_f64() / theirs.as_secs_f64());
    println!("| walkdir with metadata | {:.1} | 1 |", ms(theirs));
}

async fn scans(root: &Path) -> (Duration, Duration) {
    let stop = CancellationToken::new();
    let intake =
        Intake::start(vec![spec(root)], Arc::new(AllKnown), Arc::new(NoEvents), &stop).expect("watching");
    intake.initial_scan_done().await;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        intake.rescan(None);
        loop {
            let health = intake.health().remove(0);
            if health.scans >= round as u64 + 2 {
                ours.push(health.last_scan_took);
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let start = Instant::now();
        let mut files = 0;
        for entry in walkdir::WalkDir::new(root) {
            let entry = entry.expect("an entry");
            files += usize::from(entry.metadata().expect("metadata").is_file());
        }
        theirs.push(start.elapsed());
        assert_eq!(files, FOLDERS * FILES_PER_FOLDER);
    }
    intake.stop().await;
    ours.sort();
    theirs.sort();
    (ours[ROUNDS / 2], theirs[ROUNDS / 2])
}

fn backlog(runtime: &tokio::runtime::Runtime) {
    let home = tempfile::tempdir().expect("a folder");
    for number in 0..BACKLOG {
        let name = format!("a-package-with-a-usual-name-{number:06}.cab");
        fs::File::create(home.path().join(name)).expect("a file");
    }
    let receiver = Arc::new(AdmitAll::default());
    let (before, start, stop) = (resident_kib(), Instant::now(), CancellationToken::new());
    let (first, all) = runtime.block_on(async {
        let intake =
            Intake::start(vec![spec(home.path())], Arc::clone(&receiver) as _, Arc::new(NoEvents), &stop)
                .expect("watching");
        intake.initial_scan_done().await;
        let all = start.elapsed();
        intake.stop().await;
        let first = receiver.admitted.lock().1.expect("admitted");
        (first.duration_since(start), all)
    });
    let grown = resident_kib().saturating_sub(before) / 1024;
    println!(
        "\n| {BACKLOG} new files | first admitted after ms | all admitted after ms | additional memory MiB |"
    );
    println!("|---|---|---|---|");
    println!("| dropship | {:.1} | {:.1} | {grown} |", ms(first), ms(all));
}

fn spec(root: &Path) -> FolderSpec {
    FolderSpec {
        name: "all".to_owned(),
        path: root.to_owned(),
        include: ["*.cab", "*.hlkx", "*.hckx"].map(str::to_owned).to_vec(),
        exclude: ["*.sync-conflict-*", "*conflicted copy*", "* - Copy*"].map(str::to_owned).to_vec(),
        depth: 4,
        settle: Duration::from_secs(2),
        incomplete: Duration::from_secs(3600),
        poll: Duration::from_secs(3600),
        ready: ReadyWhen::Whole,
        priority: 0,
    }
}

fn ms(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

/// The largest memory of this process so far, in KiB.
fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("a line");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}
