//! The time from the close of a complete package to its durable job, compared with programs that poll.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use crate::daemon::{Daemon, Layout};
use crate::maker::PackageTemplate;
use crate::pause;

const PACKAGES: usize = 200;

/// When a program noticed a file, and the name of the file.
type Notice = (Instant, OsString);

pub(crate) fn measure() {
    let daemon = Daemon::start(1, Layout::Folders, "30s");
    let folder = daemon.folder(0);
    let cab = fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/crates/dropship-package/tests/fixtures/cab/good-signed.cab"
    ));
    let template = PackageTemplate::new(&cab.expect("a fixture"));
    let polled = [1, 2].map(|scans| {
        let (sender, notices) = channel();
        let folder = folder.clone();
        std::thread::spawn(move || poll(&folder, &sender, scans));
        notices
    });
    let watchexec = Watchexec::start(&folder);
    let mut closed = HashMap::new();
    let (mut durations, mut synced) = (Vec::new(), Vec::new());
    for number in 0..PACKAGES {
        let name = format!("driver-{number:04}.cab");
        let mut file = fs::File::create(folder.join(&name)).expect("a file");
        file.write_all(&template.package(number as u64)).expect("written");
        let at = Instant::now();
        drop(file);
        loop {
            let (when, line) = daemon.log.recv_timeout(Duration::from_secs(10)).expect("a log entry");
            if line.contains("\"accepted\"") && line.contains(&name) {
                durations.push(when.saturating_duration_since(at));
                break;
            }
        }
        closed.insert(OsString::from(&name), at);
        // The files arrive at any phase of the pollers, and after the daemon has written the receipt.
        pause(Duration::from_millis(30 + (number as u64 * 37) % 60));
        synced.push(sync(&daemon.aside().join("synced")));
    }
    pause(Duration::from_secs(3));
    let ages = |notices: &Receiver<Notice>| -> Vec<Duration> {
        let age = |(when, name): Notice| Some(when.saturating_duration_since(*closed.get(&name)?));
        notices.try_iter().filter_map(age).collect()
    };
    let ours = median(&mut durations);
    println!(
        "\n| close of a whole CAB of 13 KiB, {PACKAGES} of them | median ms | p99 ms | times dropship |"
    );
    println!("|---|---|---|---|");
    row("dropship: durable job", durations, ours);
    row("poller with an interval of 1 s: noticed", ages(&polled[0]), ours);
    row("the same, if two scans must find the same size: noticed", ages(&polled[1]), ours);
    match &watchexec {
        Some(watchexec) => row("watchexec: reported", ages(&watchexec.notices), ours),
        None => println!("| watchexec (not installed) | - | - | - |"),
    }
    row("(4 KiB written and synced on this disk)", synced, ours);
}

/// watchexec with its defaults, which prints events.
struct Watchexec {
    child: Child,
    notices: Receiver<Notice>,
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
        let (sender, notices) = channel();
        std::thread::spawn(move || {
            let mut reported = std::collections::HashSet::new();
            for line in lines.lines().map_while(Result::ok) {
                let when = Instant::now();
                for name in line.split(['/', '"']).filter(|part| part.ends_with(".cab")) {
                    if reported.insert(name.to_owned()) && sender.send((when, name.into())).is_err() {
                        return;
                    }
                }
            }
        });
        Some(Self { child, notices })
    }
}

impl Drop for Watchexec {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Scans each second, and reports a file after this many scans that found it with the same size.
fn poll(folder: &Path, sender: &Sender<Notice>, scans: u32) {
    let mut known = HashMap::<PathBuf, (u64, u32)>::new();
    loop {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let size = entry.metadata().map_or(0, |meta| meta.len());
            let file = known.entry(entry.path()).or_insert((size, 0));
            if file.0 != size {
                *file = (size, 0);
            }
            file.1 += 1;
            if file.1 == scans && sender.send((Instant::now(), entry.file_name())).is_err() {
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

fn row(name: &str, mut durations: Vec<Duration>, ours: Duration) {
    let middle = median(&mut durations);
    let percentile_99 = durations
        .get((durations.len() * 99 / 100).min(durations.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default();
    let ms = |span: Duration| span.as_secs_f64() * 1e3;
    let ratio = middle.as_secs_f64() / ours.as_secs_f64();
    println!("| {name} | {:.2} | {:.2} | {ratio:.2} |", ms(middle), ms(percentile_99));
}
