//! The cost of watching folders, and the time until a package is a durable job.
//!
//! `cargo bench --bench intake`, or with the names of some parts: `latency`, `copy`, `idle`. This program starts the
//! real daemon, which logs "accepted" when a job is durable. It is compared with the usual programs without events: a
//! poller that scans each second, and one that also waits until the size of a file stays the same.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench reports, and ends when it cannot run"
)]

mod daemon;
mod latency;
#[path = "../../tests/it/storm/maker.rs"]
mod maker;

use std::fs;
use std::io::Write;
use std::time::{Duration, Instant};

use daemon::{Daemon, Layout};

fn main() {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("Load of the machine before this part: {}", load.split(' ').next().unwrap_or("unknown"));
    let chosen: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let parts: [(&str, fn()); 3] = [("latency", latency::measure), ("copy", copy), ("idle", idle)];
    for (name, measure) in parts {
        if chosen.is_empty() || chosen.iter().any(|part| part == name) {
            measure();
        }
    }
}

/// How often the daemon wakes while a file of 1 GiB is written in pieces of 64 KiB.
fn copy() {
    let daemon = Daemon::start(1, Layout::Folders, "30s");
    let idle_for = |seconds: Duration| {
        let before = (daemon.switches(), daemon.cpu());
        pause(seconds);
        (daemon.switches() - before.0, daemon.cpu() - before.1)
    };
    idle_for(Duration::from_secs(2));
    let (before, used, start) = (daemon.switches(), daemon.cpu(), Instant::now());
    let mut file = fs::File::create(daemon.folder(0).join("large.cab")).expect("a file");
    // The first bytes are those of a cabinet that is longer than the file.
    let mut piece = vec![0; 64 * 1024];
    piece[..4].copy_from_slice(b"MSCF");
    piece[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    for _ in 0..16 * 1024 {
        file.write_all(&piece).expect("written");
    }
    drop(file);
    let duration = start.elapsed();
    pause(Duration::from_millis(300));
    let (woken, cost) = (daemon.switches() - before, daemon.cpu() - used);
    let (idle, idle_cost) = idle_for(duration + Duration::from_millis(300));
    println!(
        "\n| 1 GiB written in pieces of 64 KiB, {duration:.1?} | wake-ups of the daemon | processor ms |"
    );
    println!("|---|---|---|");
    println!("| during the copy | {woken} | {:.1} |", cost.as_secs_f64() * 1e3);
    println!("| idle for the same time | {idle} | {:.1} |", idle_cost.as_secs_f64() * 1e3);
}

/// What a machine takes for one wake-up of a thread that does nothing: no idle program can take less for each of its own.
fn wake() -> Duration {
    const WAKES: u32 = 20;
    let processor_time = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
    };
    let before = processor_time();
    (0..WAKES).for_each(|_| pause(Duration::from_secs(1)));
    (processor_time() - before) / WAKES
}

/// Folders in which nothing happens, and a service that responds.
fn idle() {
    const POLL: Duration = Duration::from_secs(300);
    let service = daemon::Service::start();
    println!("\nA thread that only sleeps uses {:.0} us each time it wakes.", wake().as_secs_f64() * 1e6);
    println!(
        "\n| idle folders | ready after s | core % | part of it for scans, core %, with `poll = \"5m\"` | wake-ups a second | MiB | part of it that is not mapped from files, MiB |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (folders, layout, note) in [
        (1, Layout::Folders, ""),
        (1_000, Layout::Folders, ""),
        (10_000, Layout::Folders, ""),
        (10_000, Layout::Tree, " in one recursive folder"),
    ] {
        let start = Instant::now();
        let daemon = Daemon::start_at(&service.base, folders, layout, "5m");
        let up = start.elapsed();
        // Waits until the work of the start is done.
        daemon.settle();
        let (before, switches, span) = (daemon.cpu(), daemon.switches(), Duration::from_secs(60));
        pause(span);
        let (used, switches) = (daemon.cpu() - before, daemon.switches() - switches);
        let (all, own) = (daemon.resident("VmRSS:"), daemon.resident("RssAnon:"));
        // All folders are scanned at about the same time, most likely not in this span.
        let scans = daemon.scan().as_secs_f64() / POLL.as_secs_f64();
        println!(
            "| {folders}{note} | {:.1} | {:.3} | {:.3} | {:.1} | {:.1} | {:.1} |",
            up.as_secs_f64(),
            (used.as_secs_f64() / span.as_secs_f64() + scans) * 100.0,
            scans * 100.0,
            f64::from(u32::try_from(switches).expect("few")) / span.as_secs_f64(),
            all,
            own
        );
    }
}

/// Waits for a span of time that is part of the measurement.
fn pause(span: Duration) {
    let (_keep, never) = std::sync::mpsc::channel::<()>();
    let _timed_out = never.recv_timeout(span);
}
