//! What watching costs, and how soon a package becomes a durable job.
//!
//! `cargo bench --bench intake`, or with the names of some parts: `latency`, `copy`, `idle`. The daemon is the
//! real one, started by this program; it says "accepted" when a job is durable. Beside it stand a poller that looks each
//! second and one that waits besides until a file's size stays the same: the usual ways without events.
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
    println!("Load of the machine at the start: {}", load.split(' ').next().unwrap_or("unknown"));
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let parts: [(&str, fn()); 3] = [("latency", latency::measure), ("copy", copy), ("idle", idle)];
    for (name, measure) in parts {
        if asked.is_empty() || asked.iter().any(|part| part == name) {
            measure();
        }
    }
}

/// One file of a gibibyte comes in, in pieces of 64 KiB: how often does that wake the daemon?
fn copy() {
    let daemon = Daemon::start(1, Layout::Folders, "30s");
    let begin = |seconds: Duration| {
        let before = (daemon.switches(), daemon.cpu());
        pause(seconds);
        (daemon.switches() - before.0, daemon.cpu() - before.1)
    };
    begin(Duration::from_secs(2));
    let (before, used, start) = (daemon.switches(), daemon.cpu(), Instant::now());
    let mut file = fs::File::create(daemon.folder(0).join("large.cab")).expect("a file");
    // Begins like a cabinet that is longer than this.
    let mut piece = vec![0; 64 * 1024];
    piece[..4].copy_from_slice(b"MSCF");
    piece[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    for _ in 0..16 * 1024 {
        file.write_all(&piece).expect("written");
    }
    drop(file);
    let took = start.elapsed();
    pause(Duration::from_millis(300));
    let (woken, cost) = (daemon.switches() - before, daemon.cpu() - used);
    let (idle, idle_cost) = begin(took + Duration::from_millis(300));
    println!("\n| 1 GiB copied in, pieces of 64 KiB, {took:.1?} | wake-ups of the daemon | processor ms |");
    println!("|---|---|---|");
    println!("| meanwhile | {woken} | {:.1} |", cost.as_secs_f64() * 1e3);
    println!("| nothing, for as long | {idle} | {:.1} |", idle_cost.as_secs_f64() * 1e3);
}

/// Folders in which nothing happens.
fn idle() {
    const POLL: Duration = Duration::from_secs(300);
    println!(
        "\n| idle folders | up after s | core % | of that looks, `poll = \"5m\"` | wake-ups a second | MiB |"
    );
    println!("|---|---|---|---|---|---|");
    for (folders, layout, note) in [
        (1, Layout::Folders, ""),
        (1_000, Layout::Folders, ""),
        (10_000, Layout::Folders, ""),
        (10_000, Layout::Tree, " in one that is recursive"),
    ] {
        let start = Instant::now();
        let daemon = Daemon::start(folders, layout, "5m");
        let up = start.elapsed();
        // What the start left to do is done by then.
        daemon.settle();
        let (before, switches, span) = (daemon.cpu(), daemon.switches(), Duration::from_secs(30));
        pause(span);
        let (used, switches) = (daemon.cpu() - before, daemon.switches() - switches);
        // All of them look at about the same time, most likely not within the span.
        let looks = daemon.look().as_secs_f64() / POLL.as_secs_f64();
        println!(
            "| {folders}{note} | {:.1} | {:.3} | {:.3} | {:.0} | {:.1} |",
            up.as_secs_f64(),
            (used.as_secs_f64() / span.as_secs_f64() + looks) * 100.0,
            looks * 100.0,
            f64::from(u32::try_from(switches).expect("few")) / span.as_secs_f64(),
            daemon.resident()
        );
    }
}

/// A span of time that is part of what is measured.
fn pause(span: Duration) {
    let (_keep, never) = std::sync::mpsc::channel::<()>();
    let _timed_out = never.recv_timeout(span);
}
