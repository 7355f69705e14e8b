//! Power cuts: the disk as it is at a random instant is all that is left. What was acknowledged by then is there.
//!
//! A file system of its own lies in an image file. The process that writes to its store there is stopped, the image is
//! copied as the disk has it, and the copy is what the machine finds after the cut. Writes that never left the page
//! cache are not in it.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use dropship_job::{Event, JobId, Package};
use dropship_store::{Commit, DiskStore, Filter, Store};

/// Set for the process that writes: where its store is, and whether it waits for the disk.
const STORE: &str = "DROPSHIP_POWER_STORE";
const LAZILY: &str = "DROPSHIP_POWER_LAZILY";

const CUTS: u32 = 20;
const WRITERS: u32 = 4;

fn id(writer: u32) -> JobId {
    JobId::new(1_790_000_000_000, writer)
}

/// The process that writes until it is killed, and prints each acknowledged transition.
#[test]
fn writer_runs_until_the_power_is_cut() {
    let Some(folder) = std::env::var_os(STORE) else { return };
    let lazily = std::env::var_os(LAZILY).is_some();
    let (store, _) = DiskStore::open(Path::new(&folder)).expect("the store opens");
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let store = &store;
            scope.spawn(move || write(store, writer, lazily));
        }
    });
}

fn write(store: &DiskStore, writer: u32, lazily: bool) {
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
        store.commit(Commit { durable: !lazily, ..commit }).wait().expect("committed");
        rev = done;
        let mut out = std::io::stdout().lock();
        writeln!(out, "acknowledged {writer} {rev}").and_then(|()| out.flush()).expect("told");
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
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

struct Writing(Child);

impl Drop for Writing {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// What came of some cuts.
#[derive(Debug, Default)]
struct Came {
    acknowledged: u64,
    lost: u64,
    unopened: u32,
}

fn cut(times: u32, lazily: bool) -> Came {
    let folder = tempfile::tempdir().expect("a folder");
    let image = folder.path().join("disk.img");
    fs::File::create(&image).and_then(|file| file.set_len(192 << 20)).expect("an image");
    run("mkfs.ext4", &[Path::new("-q"), Path::new("-F"), &image]);
    let mut came = Came::default();
    let mut chance = 0x9e37_79b9_u32;
    for _ in 0..times {
        chance ^= chance << 13;
        chance ^= chance >> 17;
        chance ^= chance << 5;
        let after = 30 + u64::from(chance % 400);
        let (survivor, acknowledged) = one_cut(folder.path(), &image, after, lazily);
        came.acknowledged += acknowledged.values().sum::<u64>();
        let disk = Disk::mount(&survivor, &folder.path().join("after"));
        match DiskStore::open(&disk.0.join("store")) {
            Ok((store, _)) => {
                for (writer, rev) in acknowledged {
                    let have = store.job(&id(writer)).expect("read").map_or(0, |job| job.rev());
                    came.lost += rev.saturating_sub(have);
                }
                assert!(store.jobs(&Filter::default()).expect("read").len() <= WRITERS as usize);
            }
            Err(error) => {
                eprintln!("after {after} acknowledgements: {error}");
                came.unopened += 1;
            }
        }
        drop(disk);
        // The machine restarts with the disk as it is after the cut.
        fs::rename(&survivor, &image).expect("moved");
    }
    came
}

/// Lets the process write until it has this many acknowledgements, then cuts the power; returns the disk and what was
/// acknowledged.
fn one_cut(folder: &Path, image: &Path, after: u64, lazily: bool) -> (PathBuf, HashMap<u32, u64>) {
    let disk = Disk::mount(image, &folder.join("before"));
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "power::writer_runs_until_the_power_is_cut", "--nocapture", "--test-threads=1"]);
    command.env(STORE, disk.0.join("store")).stdout(Stdio::piped()).stderr(Stdio::null());
    if lazily {
        command.env(LAZILY, "1");
    }
    let mut writing = Writing(command.spawn().expect("it starts"));
    let mut lines = BufReader::new(writing.0.stdout.take().expect("a pipe")).lines();
    let mut acknowledged = HashMap::new();
    let mut hear = |line: String| {
        let mut words = line.split(' ').filter_map(|word| word.parse::<u64>().ok());
        if let (true, Some(writer), Some(rev)) =
            (line.starts_with("acknowledged"), words.next(), words.next())
        {
            acknowledged.insert(u32::try_from(writer).expect("small"), rev);
        }
    };
    for line in lines.by_ref().map_while(Result::ok).take(usize::try_from(after).expect("small")) {
        hear(line);
    }
    let pid = writing.0.id().to_string();
    run("kill", &[Path::new("-STOP"), Path::new(&pid)]);
    let survivor = folder.join("survivor.img");
    run("cp", &[Path::new("--sparse=always"), image, &survivor]);
    // Whatever it had said before it was stopped counts too.
    drop(writing.0.kill());
    lines.map_while(Result::ok).for_each(&mut hear);
    drop(writing);
    drop(disk);
    (survivor, acknowledged)
}

#[test]
fn root_power_cut_loses_no_acknowledged_transition() {
    if std::env::var_os("DROPSHIP_ROOT_TESTS").is_none() {
        eprintln!("not run: it mounts images, which needs root; set DROPSHIP_ROOT_TESTS=1");
        return;
    }
    let came = cut(CUTS, false);
    eprintln!("{CUTS} power cuts: {came:?}");
    assert_eq!((came.lost, came.unopened), (0, 0), "{came:?}");
    assert!(came.acknowledged > u64::from(CUTS) * 20, "{came:?}");
    // Whoever does not wait for the disk loses something, or the cuts are none.
    let careless = cut(4, true);
    eprintln!("4 power cuts without waiting for the disk: {careless:?}");
    assert!(careless.lost > 0, "{careless:?}");
    assert_eq!(careless.unopened, 0, "what is lost is lost cleanly");
}
