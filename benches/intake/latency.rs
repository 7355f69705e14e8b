//! From the close of a whole package to its durable job, beside those who look now and then.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use crate::daemon::{Daemon, Layout};
use crate::maker::Mould;
use crate::pause;

const PACKAGES: usize = 200;

type Seen = (Instant, OsString);

pub(crate) fn measure() {
    let daemon = Daemon::start(1, Layout::Folders, "30s");
    let folder = daemon.folder(0);
    let cab = fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/crates/dropship-package/tests/fixtures/cab/good-signed.cab"
    ));
    let mould = Mould::new(&cab.expect("a fixture"));
    let polled = [1, 2].map(|looks| {
        let (tell, seen) = channel();
        let folder = folder.clone();
        std::thread::spawn(move || poll(&folder, &tell, looks));
        seen
    });
    let watchexec = Watchexec::start(&folder);
    let mut closed = HashMap::new();
    let (mut took, mut synced) = (Vec::new(), Vec::new());
    for number in 0..PACKAGES {
        let name = format!("driver-{number:04}.cab");
        let mut file = fs::File::create(folder.join(&name)).expect("a file");
        file.write_all(&mould.package(number as u64)).expect("written");
        let at = Instant::now();
        drop(file);
        loop {
            let (when, line) = daemon.log.recv_timeout(Duration::from_secs(10)).expect("the daemon says it");
            if line.contains("\"accepted\"") && line.contains(&name) {
                took.push(when.saturating_duration_since(at));
                break;
            }
        }
        closed.insert(OsString::from(&name), at);
        // So that pollers are met at any phase of theirs; and the daemon has put down its receipt.
        pause(Duration::from_millis(30 + (number as u64 * 37) % 60));
        synced.push(sync(&daemon.aside().join("synced")));
    }
    pause(Duration::from_secs(3));
    let ages = |seen: &Receiver<Seen>| -> Vec<Duration> {
        let age = |(when, name): Seen| Some(when.saturating_duration_since(*closed.get(&name)?));
        seen.try_iter().filter_map(age).collect()
    };
    let ours = median(&mut took);
    println!(
        "\n| close of a whole CAB of 13 KiB, {PACKAGES} of them | median ms | p99 ms | times dropship |"
    );
    println!("|---|---|---|---|");
    row("dropship, to its durable job", took, ours);
    row("a poller of 1 s, to noticing it", ages(&polled[0]), ours);
    row("a settle timer: a poller that waits for the same size twice", ages(&polled[1]), ours);
    match &watchexec {
        Some(watchexec) => row("watchexec, to telling of it", ages(&watchexec.seen), ours),
        None => println!("| watchexec, which is not installed here | - | - | - |"),
    }
    row("(4 KiB written and synced on this disk)", synced, ours);
}

/// watchexec with its defaults, telling of events on its output.
struct Watchexec {
    child: Child,
    seen: Receiver<Seen>,
}

impl Watchexec {
    fn start(folder: &Path) -> Option<Self> {
        let watched = ["--only-emit-events", "--emit-events-to=json-stdio", "--watch"];
        let mut child = Command::new("watchexec")
            .args(watched)
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let lines = BufReader::new(child.stdout.take()?);
        let (tell, seen) = channel();
        std::thread::spawn(move || {
            let mut told = std::collections::HashSet::new();
            for line in lines.lines().map_while(Result::ok) {
                let when = Instant::now();
                for name in line.split(['/', '"']).filter(|part| part.ends_with(".cab")) {
                    if told.insert(name.to_owned()) && tell.send((when, name.into())).is_err() {
                        return;
                    }
                }
            }
        });
        Some(Self { child, seen })
    }
}

impl Drop for Watchexec {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Looks each second; tells of a file when it was there, with the same size, so many times.
fn poll(folder: &Path, tell: &Sender<Seen>, looks: u32) {
    let mut known = HashMap::<PathBuf, (u64, u32)>::new();
    loop {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let size = entry.metadata().map_or(0, |meta| meta.len());
            let file = known.entry(entry.path()).or_insert((size, 0));
            if file.0 != size {
                *file = (size, 0);
            }
            file.1 += 1;
            if file.1 == looks && tell.send((Instant::now(), entry.file_name())).is_err() {
                return;
            }
        }
        if !folder.exists() {
            return;
        }
        pause(Duration::from_secs(1));
    }
}

fn sync(path: &Path) -> Duration {
    let mut file = fs::File::create(path).expect("a file");
    file.write_all(&[7; 4096]).expect("written");
    let start = Instant::now();
    file.sync_all().expect("synced");
    start.elapsed()
}

fn median(all: &mut [Duration]) -> Duration {
    all.sort();
    all.get(all.len() / 2).copied().unwrap_or_default()
}

fn row(what: &str, mut all: Vec<Duration>, ours: Duration) {
    let half = median(&mut all);
    let most = all.get((all.len() * 99 / 100).min(all.len().saturating_sub(1))).copied().unwrap_or_default();
    let ms = |span: Duration| span.as_secs_f64() * 1e3;
    let ratio = half.as_secs_f64() / ours.as_secs_f64();
    println!("| {what} | {:.2} | {:.2} | {ratio:.2} |", ms(half), ms(most));
}
