//! Intake on real folders, with a desk that writes down what it is given.

mod capturing;
mod folders;
mod looking;
mod readiness;
mod rooted;
mod settling;
mod slow;
mod storming;
mod watching;

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::*;

/// What a file must begin with to be whole; all else is bad, and counts when it has settled.
const WHOLE: &[u8] = b"whole";

/// Longer than anything here takes; reached only by a failure.
const DEADLINE: Duration = Duration::from_secs(20);

#[derive(Default)]
struct Recorder {
    received: Mutex<Vec<(Find, Receipt)>>,
    known: Mutex<HashMap<PathBuf, Identity>>,
    gone: Mutex<Vec<PathBuf>>,
    full: AtomicBool,
    /// How many files have room; 0: as many as come.
    places: AtomicUsize,
    never: AtomicBool,
}

impl Desk for Recorder {
    fn knows(&self, _: &str, path: &Path, identity: &Identity, _: Option<&Identity>) -> bool {
        self.known.lock().unwrap().get(path) == Some(identity)
    }

    fn receive(&self, find: &Find) -> Receipt {
        assert!(!self.never.load(Ordering::Relaxed), "{find:?}");
        let read = open_below(&find.root, &find.path).and_then(|(mut file, _)| {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok((bytes, Identity::from(&file.metadata()?)))
        });
        let not_yet = |why: &str| Receipt::NotYet { why: why.to_owned() };
        let receipt = match read {
            Ok((_, after)) if after != find.identity => not_yet("changed"),
            Ok((bytes, _)) if bytes.starts_with(WHOLE) => Receipt::Taken,
            Ok(_) if find.stale || (find.settled && find.identity.size > 4) => Receipt::Taken,
            Ok(_) => not_yet("not whole"),
            Err(error) => not_yet(&error.to_string()),
        };
        if receipt == Receipt::Taken {
            self.known.lock().unwrap().insert(find.path.clone(), find.identity);
        }
        self.received.lock().unwrap().push((find.clone(), receipt.clone()));
        receipt
    }

    fn gone(&self, _: &str, path: &Path) {
        self.known.lock().unwrap().remove(path);
        self.gone.lock().unwrap().push(path.to_owned());
    }

    fn room(&self, _: &str) -> Result<(), NoRoom> {
        let places = self.places.load(Ordering::Relaxed);
        let room = !self.full.load(Ordering::Relaxed) && (places == 0 || self.taken().len() < places);
        room.then_some(()).ok_or_else(|| NoRoom { why: "the queue is full".to_owned(), own: false })
    }
}

impl Recorder {
    /// Everything said of one file name, in order.
    fn of(&self, name: &str) -> Vec<(Find, Receipt)> {
        let received = self.received.lock().unwrap();
        received.iter().filter(|(find, _)| find.name == name).cloned().collect()
    }

    /// How often a file of this name was taken.
    fn took(&self, name: &str) -> usize {
        self.of(name).iter().filter(|(_, receipt)| *receipt == Receipt::Taken).count()
    }

    fn taken(&self) -> Vec<PathBuf> {
        let received = self.received.lock().unwrap();
        let taken = received.iter().filter(|(_, receipt)| *receipt == Receipt::Taken);
        taken.map(|(find, _)| find.path.clone()).collect()
    }
}

/// A drop folder with a daemon's intake on it.
struct House {
    dir: TempDir,
    desk: Arc<Recorder>,
}

impl House {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), desk: Arc::default() }
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("drop")
    }

    /// A folder whose full looks come only at the start and when events ask for one.
    fn spec(&self) -> Spec {
        fs::create_dir_all(self.root()).unwrap();
        Spec {
            name: "audio".to_owned(),
            path: self.root(),
            include: vec!["*.cab".to_owned()],
            exclude: Vec::new(),
            depth: 0,
            settle: Duration::from_millis(50),
            incomplete: Duration::from_secs(3600),
            poll: Duration::from_secs(3600),
            ready: Ready::Whole,
            priority: 0,
        }
    }

    async fn open(&self, spec: Spec) -> Intake {
        let desk: Arc<dyn Desk> = Arc::clone(&self.desk) as _;
        let intake = Intake::start(vec![spec], desk, &CancellationToken::new()).unwrap();
        intake.first_look_done().await;
        intake
    }

    /// Writes a file elsewhere on the same file system and moves it in.
    fn moved_in(&self, name: &str, bytes: &[u8]) {
        let aside = self.dir.path().join("aside");
        fs::write(&aside, bytes).unwrap();
        fs::rename(&aside, self.root().join(name)).unwrap();
    }
}

/// Waits for a condition, not for a time.
async fn until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < DEADLINE, "never came true: {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Drops a whole package under a name that sorts and comes last, and waits until it is taken: all
/// that was dropped before has been seen by then.
async fn flush(house: &House) {
    house.moved_in("zz-last.cab", b"whole last");
    until("the last package is taken", || house.desk.taken().contains(&house.root().join("zz-last.cab")))
        .await;
}
