//! Power cuts: a store that is opened from the state of the disk at a random instant has every acknowledged change.
//!
//! An image file contains a file system. A process writes to a store in it and is stopped, and the image file is copied.
//! The copy is the disk after the cut: it has no writes that were still in the page cache of the file system.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::harness::wait_for;
use dropship_job::{Event, JobId, Package};
use dropship_store::{Commit, DiskStore, Filter, Store};

/// Variables of the process that writes: the path of its store, and whether it commits without waiting for the disk.
const STORE: &str = "DROPSHIP_POWER_STORE";
const UNSYNCED: &str = "DROPSHIP_POWER_UNSYNCED";

const CUTS: u32 = 20;
const WRITERS: u32 = 4;

fn id(writer: u32) -> JobId {
    JobId::new(1_790_000_000_000, writer)
}

/// Not a test: the process that writes until it is killed, and prints each acknowledged transition.
#[test]
fn writer_runs_until_the_power_is_cut() {
    let Some(folder) = std::env::var_os(STORE) else { return };
    let unsynced = std::env::var_os(UNSYNCED).is_some();
    let (store, _) = DiskStore::open(Path::new(&folder)).expect("the store opens");
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let store = &store;
            scope.spawn(move || write(store, writer, unsynced));
        }
    });
}

fn write(store: &DiskStore, writer: u32, unsynced: bool) {
    let begun = store.job(&id(writer)).expect("read");
    let mut rev = begun.map_or(0, |job| job.rev());
    loop {
        let due = jiff::Timestamp::now();
        let events = if rev == 0 {
            let package = Package {
                name: "a.cab".into(),
                path: None,
                folder: None,
                sha256: format!("{writer:064}"),
                size: 1,
                outbox: "/o".into(),
            };
            vec![Event::Arrived { package }]
        } else {
            vec![
                Event::Waited {
                    due,
                    why: dropship_job::WaitReason::Throttled { error: "x".repeat(200) },
                    polled: true,
                },
                Event::Resumed,
            ]
        };
        let done = rev + events.len() as u64;
        let commit = Commit::of_job(&id(writer), rev, events);
        store.commit(Commit { durable: !unsynced, ..commit }).wait().expect("committed");
        rev = done;
        let mut out = std::io::stdout().lock();
        writeln!(out, "acknowledged {writer} {rev}").and_then(|()| out.flush()).expect("printed");
    }
}

fn run(program: &str, args: &[&Path]) {
    let output = Command::new(program).args(args).output().expect("it runs");
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A mounted image.
struct Disk(PathBuf);

impl Disk {
    fn mount(image: &Path, at: &Path) -> Self {
        fs::create_dir_all(at).expect("a folder");
        run("mount", &[Path::new("-o"), Path::new("loop"), image, at]);
        Self(at.to_owned())
    }
}

impl Drop for Disk {
    /// Waits for threads of sled that still have a file open. The image is mounted again, and must not be mounted twice.
    fn drop(&mut self) {
        let unmount = |options: &[&str]| {
            let status = Command::new("umount").args(options).arg(&self.0).stderr(Stdio::null()).status();
            status.is_ok_and(|status| status.success()).then_some(())
        };
        if wait_for("the disk to be unmounted", || unmount(&[])).or_else(|| unmount(&["-l"])).is_none() {
            eprintln!("{} stays mounted", self.0.display());
        }
    }
}

struct Writing(Child);

impl Drop for Writing {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The results of some power cuts.
#[derive(Debug, Default)]
struct CutResults {
    acknowledged: u64,
    lost: u64,
    unopened: u32,
}

fn cut(times: u32, unsynced: bool) -> CutResults {
    let folder = tempfile::tempdir().expect("a folder");
    let image = folder.path().join("disk.img");
    fs::File::create(&image).and_then(|file| file.set_len(192 << 20)).expect("an image");
    run("mkfs.ext4", &[Path::new("-q"), Path::new("-F"), &image]);
    let mut results = CutResults::default();
    let mut chance = 0x9e37_79b9_u32;
    for _ in 0..times {
        chance ^= chance << 13;
        chance ^= chance >> 17;
        chance ^= chance << 5;
        let after = 30 + u64::from(chance % 400);
        let (survivor, acknowledged) = one_cut(folder.path(), &image, after, unsynced);
        results.acknowledged += acknowledged.values().sum::<u64>();
        let disk = Disk::mount(&survivor, &folder.path().join("after"));
        match DiskStore::open(&disk.0.join("store")) {
            Ok((store, _)) => {
                for (writer, rev) in acknowledged {
                    let have = store.job(&id(writer)).expect("read").map_or(0, |job| job.rev());
                    results.lost += rev.saturating_sub(have);
                }
                assert!(store.jobs(&Filter::default()).expect("read").len() <= WRITERS as usize);
            }
            Err(error) => {
                eprintln!("after {after} acknowledgements: {error}");
                results.unopened += 1;
            }
        }
        drop(disk);
        // The machine restarts with the disk as it is after the cut.
        fs::rename(&survivor, &image).expect("moved");
    }
    results
}

/// Lets the process write until it has this many acknowledgements, then cuts the power. Returns the disk and the
/// acknowledged revision of each job.
fn one_cut(folder: &Path, image: &Path, after: u64, unsynced: bool) -> (PathBuf, HashMap<u32, u64>) {
    let disk = Disk::mount(image, &folder.join("before"));
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "power::writer_runs_until_the_power_is_cut", "--nocapture", "--test-threads=1"]);
    command.env(STORE, disk.0.join("store")).stdout(Stdio::piped()).stderr(Stdio::inherit());
    if unsynced {
        command.env(UNSYNCED, "1");
    }
    let mut writing = Writing(command.spawn().expect("it starts"));
    let mut lines = BufReader::new(writing.0.stdout.take().expect("a pipe")).lines();
    let mut acknowledged = HashMap::new();
    let mut record = |line: String| {
        let mut words = line.split(' ').filter_map(|word| word.parse::<u64>().ok());
        if let (true, Some(writer), Some(rev)) =
            (line.starts_with("acknowledged"), words.next(), words.next())
        {
            acknowledged.insert(u32::try_from(writer).expect("small"), rev);
        }
    };
    let count = usize::try_from(after).expect("small");
    let read: Vec<_> = lines.by_ref().map_while(Result::ok).take(count).collect();
    assert_eq!(read.len(), count, "the writer writes until it is killed: {:?}", writing.0.wait());
    read.into_iter().for_each(&mut record);
    let pid = writing.0.id().to_string();
    run("kill", &[Path::new("-STOP"), Path::new(&pid)]);
    // A thread that is still writing would acknowledge a transition that the copy may lack.
    wait_for("all threads to stop", || are_stopped(&pid).then_some(())).expect("it stops");
    let survivor = folder.join("survivor.img");
    run("cp", &[Path::new("--sparse=always"), image, &survivor]);
    // Transitions that it had printed before it was stopped count too.
    drop(writing.0.kill());
    lines.map_while(Result::ok).for_each(&mut record);
    drop(writing);
    drop(disk);
    (survivor, acknowledged)
}

/// Whether each thread of a process is stopped.
fn are_stopped(pid: &str) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("its threads");
    threads.flatten().all(|thread| {
        let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
    })
}

#[test]
fn root_power_cut_loses_no_acknowledged_transition() {
    if std::env::var_os("DROPSHIP_ROOT_TESTS").is_none() {
        eprintln!("not run: it mounts images, which needs root; set DROPSHIP_ROOT_TESTS=1");
        return;
    }
    let results = cut(CUTS, false);
    eprintln!("{CUTS} power cuts: {results:?}");
    assert_eq!((results.lost, results.unopened), (0, 0), "{results:?}");
    assert!(results.acknowledged > u64::from(CUTS) * 20, "{results:?}");
    // Commits that do not wait for the disk are lost; otherwise the test cuts no power.
    let unsynced_results = cut(4, true);
    eprintln!("4 power cuts without waiting for the disk: {unsynced_results:?}");
    assert!(unsynced_results.lost > 0, "{unsynced_results:?}");
    assert_eq!(unsynced_results.unopened, 0, "a loss does not damage the store");
}
