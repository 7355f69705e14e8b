//! Tests on real folders, with a receiver that records all offers.

mod capturing;
mod folders;
mod ignoring;
mod polling;
mod readiness;
mod rooted;
mod scanning;
mod settling;
mod storming;
mod watching;

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::fstype;
use crate::*;

/// A file that begins with this is complete and valid. Others are invalid; short ones are incomplete too.
const VALID: &[u8] = b"whole";

/// Maximum wait for a condition, with a wide margin for a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// Records offers and removed files. It admits valid files at once, and invalid ones when a negative verdict counts.
#[derive(Default)]
struct RecordingReceiver {
    received: Mutex<Vec<Offer>>,
    known: Mutex<HashMap<PathBuf, Identity>>,
    removed: Mutex<Vec<PathBuf>>,
    is_full: AtomicBool,
    /// Maximum number of admitted files; 0 for no limit.
    capacity: AtomicUsize,
    must_not_receive: AtomicBool,
    /// Number of further offers that see other bytes than before. Simulates another machine whose writes change neither length
    /// nor times.
    unseen_writes: AtomicUsize,
    /// Number of further offers of files that cannot be read.
    failing_reads: AtomicUsize,
}

#[derive(Debug, Clone)]
struct Offer {
    file: FoundFile,
    answer: Admitted,
    at: Instant,
}

impl FileReceiver for RecordingReceiver {
    fn is_known(&self, _: &str, path: &Path, identity: &Identity, _: Option<&Identity>) -> bool {
        self.known.lock().get(path) == Some(identity)
    }

    fn receive(&self, file: &FoundFile) -> Admitted {
        assert!(!self.must_not_receive.load(Ordering::Relaxed), "{file:?}");
        let at = Instant::now();
        let read = open_below(&file.root, &file.path).and_then(|(mut opened, _)| {
            let mut bytes = Vec::new();
            opened.read_to_end(&mut bytes)?;
            Ok((bytes, Identity::from(&opened.metadata()?)))
        });
        let not_yet = |reason: &str, sha256| Admitted::NotYet { reason: reason.to_owned(), sha256 };
        let one_less = |left: usize| left.checked_sub(1);
        let fails = self.failing_reads.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok();
        let answer = match read {
            _ if fails => Admitted::Unreadable { reason: "an error of the disk".to_owned() },
            Err(error) => not_yet(&error.to_string(), None),
            Ok((_, after)) if after != file.identity => not_yet("changed", None),
            Ok((bytes, _)) if bytes.starts_with(VALID) => Admitted::Yes,
            Ok((bytes, _)) => {
                let writes = self.unseen_writes.load(Ordering::Relaxed);
                self.unseen_writes.store(writes.saturating_sub(1), Ordering::Relaxed);
                let sha256 =
                    Sha256::new().chain_update(&bytes).chain_update(writes.to_le_bytes()).finalize().into();
                let counts = file.is_unchanged(&sha256);
                if counts && (file.stale || (file.settled && bytes.len() > 4)) {
                    Admitted::Yes
                } else {
                    not_yet("invalid", Some(sha256))
                }
            }
        };
        if answer == Admitted::Yes {
            self.known.lock().insert(file.path.clone(), file.identity);
        }
        self.received.lock().push(Offer { file: file.clone(), answer: answer.clone(), at });
        answer
    }

    fn on_removed(&self, _: &str, path: &Path) {
        self.known.lock().remove(path);
        self.removed.lock().push(path.to_owned());
    }

    fn capacity(&self, _: &str) -> Result<(), Backpressure> {
        let capacity = self.capacity.load(Ordering::Relaxed);
        let has_capacity =
            !self.is_full.load(Ordering::Relaxed) && (capacity == 0 || self.admitted().len() < capacity);
        let full = || Backpressure { reason: "the queue is full".to_owned(), folder_only: false };
        has_capacity.then_some(()).ok_or_else(full)
    }
}

impl RecordingReceiver {
    /// All offers of files with this name, in order.
    fn offers(&self, name: &str) -> Vec<Offer> {
        let received = self.received.lock();
        received.iter().filter(|offer| offer.file.name == name).cloned().collect()
    }

    /// How often a file with this name was admitted.
    fn admissions(&self, name: &str) -> usize {
        self.offers(name).iter().filter(|offer| offer.answer == Admitted::Yes).count()
    }

    fn admitted(&self) -> Vec<PathBuf> {
        let received = self.received.lock();
        let admitted = received.iter().filter(|offer| offer.answer == Admitted::Yes);
        admitted.map(|offer| offer.file.path.clone()).collect()
    }

    fn removed(&self) -> Vec<PathBuf> {
        self.removed.lock().clone()
    }
}

/// Counts reports of folder health.
#[derive(Default)]
struct RecordingEvents {
    degraded: AtomicUsize,
    polled: AtomicUsize,
    recovered: AtomicUsize,
    lost: Mutex<Vec<(String, FileLoss)>>,
}

impl FolderEvents for RecordingEvents {
    fn degraded(&self, _: &str, _: &str, _: &str) {
        self.degraded.fetch_add(1, Ordering::Relaxed);
    }

    fn polled(&self, _: &str, _: &str, _: &str) {
        self.polled.fetch_add(1, Ordering::Relaxed);
    }

    fn recovered(&self, _: &str) {
        self.recovered.fetch_add(1, Ordering::Relaxed);
    }

    fn lost(&self, _: &str, path: &Path, how: FileLoss) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.lost.lock().push((name, how));
    }
}

/// A drop folder with a receiver and folder events.
struct TestFolder {
    dir: TempDir,
    receiver: Arc<RecordingReceiver>,
    events: Arc<RecordingEvents>,
}

impl TestFolder {
    fn new() -> Self {
        let folder =
            Self { dir: tempfile::tempdir().unwrap(), receiver: Arc::default(), events: Arc::default() };
        fs::create_dir(folder.root()).unwrap();
        folder
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("drop")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// A specification whose full scans happen only at the start and on request.
    fn spec(&self) -> FolderSpec {
        FolderSpec {
            name: "audio".to_owned(),
            path: self.root(),
            include: vec!["*.cab".to_owned()],
            exclude: Vec::new(),
            depth: 0,
            settle: Duration::from_millis(50),
            incomplete: Duration::from_secs(3600),
            poll: Duration::from_secs(3600),
            ready: ReadyWhen::Whole,
            priority: 0,
        }
    }

    /// Starts intake without waiting for the initial scan.
    fn start(&self, specs: Vec<FolderSpec>) -> Intake {
        self.start_on(specs, fstype::remote_kind)
    }

    fn start_on(&self, specs: Vec<FolderSpec>, remote_kind: fstype::ShareDetector) -> Intake {
        let (receiver, events) = (Arc::clone(&self.receiver), Arc::clone(&self.events));
        Intake::start_with(specs, receiver, events, &CancellationToken::new(), remote_kind).unwrap()
    }

    /// Starts intake and waits for the initial scan.
    async fn open(&self, spec: FolderSpec) -> Intake {
        let intake = self.start(vec![spec]);
        intake.initial_scan_done().await;
        intake
    }

    /// Writes a file elsewhere on the same file system and moves it in.
    fn move_in(&self, name: &str, bytes: &[u8]) {
        let aside = self.dir.path().join("aside");
        fs::write(&aside, bytes).unwrap();
        fs::rename(&aside, self.path(name)).unwrap();
    }

    /// Drops a valid package whose name sorts last, and waits until it is admitted: by then every earlier event has been
    /// processed.
    async fn flush(&self) {
        self.move_in("zz-last.cab", b"whole last");
        let last = self.path("zz-last.cab");
        until("the last package is admitted", || self.receiver.admitted().contains(&last)).await;
    }
}

/// Waits until a condition is true. The deadline is wall-clock time, also where the test's clock is paused.
async fn until(description: &str, condition: impl Fn() -> bool) {
    let start = std::time::Instant::now();
    while !condition() {
        assert!(start.elapsed() < DEADLINE, "timed out waiting until {description}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn health(intake: &Intake) -> FolderHealth {
    intake.health().remove(0)
}
