//! A full look at 100,000 files that are all known, beside walkdir.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dropship::intake::{Desk, Find, Identity, Intake, NoRoom, Ready, Receipt, Spec};
use tokio_util::sync::CancellationToken;

const FOLDERS: usize = 100;
const EACH: usize = 1_000;
const ROUNDS: usize = 7;

/// Knows everything.
struct Knowing;

impl Desk for Knowing {
    fn knows(&self, _: &str, _: &Path, _: &Identity, _: Option<&Identity>) -> bool {
        true
    }

    fn receive(&self, _: &Find) -> Receipt {
        Receipt::Taken
    }

    fn gone(&self, _: &str, _: &Path) {}

    fn room(&self, _: &str) -> Result<(), NoRoom> {
        Ok(())
    }
}

pub(crate) fn measure() {
    let home = tempfile::tempdir().expect("a folder");
    for folder in 0..FOLDERS {
        let folder = home.path().join(format!("build-{folder:03}"));
        fs::create_dir(&folder).expect("a folder");
        for file in 0..EACH {
            fs::File::create(folder.join(format!("driver-package-{file:04}.cab"))).expect("a file");
        }
    }
    let runtime = tokio::runtime::Runtime::new().expect("tokio");
    let (ours, theirs) = runtime.block_on(looks(home.path()));
    let ms = |span: Duration| span.as_secs_f64() * 1e3;
    println!(
        "\n| a look at {} known files in {FOLDERS} folders | median ms of {ROUNDS} | times walkdir |",
        FOLDERS * EACH
    );
    println!("|---|---|---|");
    println!("| dropship | {:.1} | {:.2} |", ms(ours), ours.as_secs_f64() / theirs.as_secs_f64());
    println!("| walkdir with metadata | {:.1} | 1 |", ms(theirs));
}

async fn looks(root: &Path) -> (Duration, Duration) {
    let spec = Spec {
        name: "all".to_owned(),
        path: root.to_owned(),
        include: vec!["*.cab".to_owned()],
        exclude: Vec::new(),
        depth: 4,
        settle: Duration::from_secs(2),
        incomplete: Duration::from_secs(3600),
        poll: Duration::from_secs(3600),
        ready: Ready::Whole,
        priority: 0,
    };
    let stop = CancellationToken::new();
    let intake = Intake::start(vec![spec], Arc::new(Knowing), &stop).expect("watching");
    intake.first_look_done().await;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        intake.rescan(None);
        loop {
            let health = intake.health().remove(0);
            if health.looks >= round as u64 + 2 {
                ours.push(health.last_look_took);
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
        assert_eq!(files, FOLDERS * EACH);
    }
    intake.stop().await;
    ours.sort();
    theirs.sort();
    (ours[ROUNDS / 2], theirs[ROUNDS / 2])
}
