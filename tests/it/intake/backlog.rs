//! A folder with many packages before the daemon starts.
//!
//! `DROPSHIP_BACKLOG=50000` sets the number of packages; the default is small.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::time::{Duration, Instant, SystemTime};

use dropship_sandbox::{Options, Quirks};
use serde_json::Value;

use super::{edit, wait_for_daemon};
use crate::harness::{TestDaemon, TestEnv, bytes};
use crate::storm::{PackageTemplate, job_count, status, until};

fn env(most_waiting: u64) -> TestEnv {
    let options = Options { speed: 6000.0, quirks: Quirks::none(), page_size: 1000, ..Options::default() };
    let env = TestEnv::at(options, "");
    let path = format!("path = \"store\"\nmost_waiting = {most_waiting}");
    edit(&env, &[("path = \"store\"", &path), ("uncertain = \"2s\"", "uncertain = \"2s\"\nworkers = 8")]);
    env
}

/// Writes this many packages into the folder; the highest number is the oldest.
fn fill(env: &TestEnv, packages: u64) {
    let template = PackageTemplate::new(&bytes("cab/good-signed.cab"));
    let newest = SystemTime::now() - Duration::from_secs(60);
    for number in 0..packages {
        let mut file = File::create(env.path(&format!("drop/{number:06}.cab"))).expect("a file");
        file.write_all(&template.package(number)).expect("a package");
        file.set_modified(newest - Duration::from_secs(number)).expect("a time");
    }
}

fn has_backpressure(env: &TestEnv) -> bool {
    status(env)["folders"][0]["no_room"].is_string()
}

/// The memory of the daemon in MiB.
fn resident(daemon: &TestDaemon) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.child.id())).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("a line");
    line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok()).expect("a number") / 1024
}

/// The packages that have jobs, in the order of admission.
fn admitted_numbers(env: &TestEnv) -> Vec<u64> {
    let mut jobs: Vec<Value> = env.json(&["jobs", "--limit", "1000000"]).as_array().cloned().expect("a list");
    jobs.sort_by_key(|job| job["id"].as_str().map(str::to_owned));
    let number = |job: &Value| job["package"].as_str()?.strip_suffix(".cab")?.parse().ok();
    jobs.iter().map(|job| number(job).expect("a name that this test made")).collect()
}

#[test]
fn backlog_larger_than_the_queue_is_accepted_oldest_first_without_loss() {
    let packages = std::env::var("DROPSHIP_BACKLOG").map_or(120, |count| count.parse().expect("a number"));
    let most_waiting = (packages / 4).min(1000);
    let env = env(most_waiting);
    let daemon = env.quiet_daemon();
    wait_for_daemon(&env);
    assert!(env.run(&["pause"]).status.success());
    let idle = resident(&daemon);
    daemon.kill();
    fill(&env, packages);

    // While jobs cannot start, `most_waiting` packages are accepted and no more, also after a restart.
    let daemon = env.quiet_daemon();
    let started = Instant::now();
    let full = || job_count(&status(&env)) >= most_waiting && has_backpressure(&env);
    until("the queue to be full", full);
    let filled = started.elapsed();
    daemon.kill();
    let daemon = env.quiet_daemon();
    until("the queue to be full still", full);
    assert_eq!(admitted_numbers(&env).len() as u64, most_waiting, "no more copies than may wait");
    assert!(env.run(&["resume"]).status.success());

    // With very many packages, only check that admission continues.
    let min_jobs = packages.min(most_waiting + 300);
    let (mut first, mut most) = (None, resident(&daemon));
    until("the others to be accepted", || {
        let all = job_count(&status(&env));
        first = first.or_else(|| (env.created().0 > 0).then_some(all));
        most = most.max(resident(&daemon));
        all >= min_jobs
    });
    let duration = started.elapsed();
    let order = admitted_numbers(&env);
    eprintln!(
        "of {packages} packages {most_waiting} were accepted after {filled:.1?}, {} after {duration:.1?}; the first was \
         job_count when {first:?} were; {idle} MiB before, {most} MiB at most",
        order.len()
    );
    assert!(first.is_some_and(|seen| seen < min_jobs), "jobs continued before all were accepted");
    // Ids of the same millisecond have no order.
    let far = |(at, number): &(usize, &u64)| (packages - 1 - **number).abs_diff(*at as u64) > 4;
    assert_eq!(order.iter().enumerate().find(far), None, "the oldest go first");
    let distinct: BTreeSet<u64> = order.iter().copied().collect();
    let oldest = packages - order.len() as u64;
    assert!(distinct.iter().copied().eq(oldest..packages), "none was passed over, none came twice");
    assert!(most < idle + 80, "{idle} MiB before, {most} MiB at most");
}
