//! Times of pages and of packages.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::fill::fill;
use crate::maker::PackageTemplate;
use crate::readers::Readers;
use crate::site::Site;

/// Number of requests of each page.
const ROUNDS: usize = 15;

/// Number of packages on a page.
const PAGE: u32 = 50;

/// Number of packages that are dropped at once.
const PACKAGES: u64 = 60;

/// Number of turns without and with readers.
const TURNS: u64 = 5;

/// The weeks in which the jobs arrived.
const WEEKS: i32 = 52;

/// Prints the times with this many jobs.
pub(crate) fn measure(jobs: u32) {
    let mut site = Site::new();
    // The daemon creates the store: it records the account that the store belongs to.
    site.start();
    site.stop();
    let started = Instant::now();
    fill(&site.path("dropship.toml"), jobs, WEEKS);
    println!("{jobs} jobs: filled in {:.0} s", started.elapsed().as_secs_f64());
    let started = Instant::now();
    site.start();
    println!("start to the first page: {:.0} ms", started.elapsed().as_secs_f64() * 1e3);
    let is_complete = || !site.get("/packages").0.contains("class=\"notice\"");
    site.until("all rows", is_complete);
    println!("start to complete rows: {:.1} s", started.elapsed().as_secs_f64());
    let targets = targets(&site, jobs);
    for target in &targets {
        page(&site, target);
    }
    for id in ["*", r"PCI\VEN_8086&DEV_1000&SUBSYS_00011028", "*subsys_1fff*"] {
        site.who(id);
        let mut times: Vec<_> = (0..ROUNDS).map(|_| site.who(id)).collect();
        times.sort();
        println!("dropship who '{id}': median {:.1} ms", milliseconds(times[ROUNDS / 2]));
    }
    println!("memory of the daemon: {} KiB", site.memory());
    packages(&site, &targets);
}

/// The addresses that are measured.
fn targets(site: &Site, jobs: u32) -> Vec<String> {
    let (list, _) = site.get("/packages?state=succeeded");
    let id =
        list.split("href=\"/packages/").nth(1).and_then(|rest| rest.split('"').next()).expect("a package");
    let last = format!("/packages?page={}", jobs / PAGE);
    let fixed = [
        "/",
        "/packages",
        "/packages?q=fabrikam+1.2",
        "/packages?q=no-such-text",
        "/packages?q=1152921504020",
        "/packages?package=*wifi*&state=failed",
        "/labels",
        "/labels?q=fabrikam+1.2",
        "/who?hardware_id=PCI%5CVEN_8086%26DEV_1000%26SUBSYS_00011028",
        "/who?hardware_id=*",
        "/who?hardware_id=*SUBSYS_1fff*",
        "/who?hardware_id=*&os=no-such-system",
        "/rules",
        "/charts",
    ];
    let columns = ["arrived", "updated", "package", "folder", "rule", "state", "step", "provider", "version"];
    let sorted = columns
        .iter()
        .flat_map(|column| ["asc", "desc"].map(|order| format!("/packages?sort={column}&order={order}")));
    fixed.into_iter().map(str::to_owned).chain(sorted).chain([last, format!("/packages/{id}")]).collect()
}

fn page(site: &Site, target: &str) {
    let mut times: Vec<_> = (0..ROUNDS).map(|_| site.get(target).1).collect();
    let first = times[0];
    times.sort();
    let (median, longest) = (times[ROUNDS / 2], times[ROUNDS - 1]);
    let size = site.get(target).0.len() / 1024;
    println!(
        "page {target}: median {:.1} ms, first {:.1} ms, longest {:.1} ms, {size} KiB",
        milliseconds(median),
        milliseconds(first),
        milliseconds(longest)
    );
}

/// Drops packages without and with readers in turn.
fn packages(site: &Site, targets: &[String]) {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("crates/dropship-package/tests/fixtures/cab/good-signed.cab");
    let template = PackageTemplate::new(&fs::read(fixture).expect("a package"));
    let (mut without, mut with, mut pages) = (Vec::new(), Vec::new(), 0);
    // The first turn warms up.
    for turn in 0..=TURNS {
        let alone = burst(site, &template, 2 * turn);
        let readers = Readers::start(site.port, targets);
        let read = burst(site, &template, 2 * turn + 1);
        pages += readers.stop();
        if turn > 0 {
            without.push(alone);
            with.push(read);
        }
    }
    without.sort();
    with.sort();
    println!(
        "{PACKAGES} packages, from the drop to their last receipt: median {:.2} s without readers, {:.2} s while people read {pages} pages",
        without[without.len() / 2].as_secs_f64(),
        with[with.len() / 2].as_secs_f64()
    );
}

/// Drops packages, and returns the time until all have ended.
fn burst(site: &Site, template: &PackageTemplate, turn: u64) -> Duration {
    let started = Instant::now();
    for number in 0..PACKAGES {
        let name = format!("turn-{turn}-{number}.cab");
        let staged = site.path("audio").join(format!(".{name}"));
        fs::write(&staged, template.package(turn * PACKAGES + number)).expect("written");
        fs::rename(&staged, site.path("audio").join(name)).expect("dropped");
    }
    let prefix = format!("turn-{turn}-");
    let has_ended = |folder: &fs::DirEntry| {
        let receipt = fs::read_to_string(folder.path().join("receipt.json")).unwrap_or_default();
        receipt.contains("\"state\": \"succeeded\"") || receipt.contains("\"state\":\"succeeded\"")
    };
    site.until("the packages", || {
        let folders = fs::read_dir(site.path("out")).into_iter().flatten().flatten();
        let of_turn = folders.filter(|folder| folder.file_name().to_string_lossy().starts_with(&prefix));
        of_turn.filter(has_ended).count() as u64 == PACKAGES
    });
    started.elapsed()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
