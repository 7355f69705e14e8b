//! Backups of a store that is in use, outboxes that are mounted late, and a stop while the store is rebuilt.

use std::fs;
use std::path::Path;
use std::process::Command;

use dropship_store::{Commit, DiskStore, Entry, Store};
use serde_json::json;

use crate::harness::{TestEnv, bytes, outage, text, wait_for};
use crate::storm::PackageTemplate;

const PACKAGES: u64 = 9;

fn copy_folder(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(status.expect("cp runs").success(), "{}", from.display());
}

fn run_until_idle(env: &TestEnv, what: &str) {
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{what}: {}", env.log());
}

/// The number of jobs, and of those in a state.
fn jobs(env: &TestEnv, state: &str) -> (usize, usize) {
    let all = env.json(&["jobs"]);
    let all = all.as_array().expect("a list");
    (all.len(), all.iter().filter(|job| job["state"] == state).count())
}

#[test]
fn journal_copied_under_load_restores_every_job_and_sends_nothing_again() {
    let env = TestEnv::new();
    let template = PackageTemplate::new(&bytes("cab/good-signed.cab"));
    let daemon = env.daemon(&[]);
    let mut exported = Vec::new();
    for number in 0..PACKAGES {
        env.drop_package(&format!("p{number}.cab"), &template.package(number));
        let accepted = || (env.receipts().len() as u64 > number).then_some(());
        wait_for("the package to be accepted", accepted).unwrap_or_else(|| panic!("{}", env.log()));
        // Of a store that is written at the same time, as `docs/operating.md` says: its journal, or an export.
        copy_folder(&env.path("store/journal"), &env.path(&format!("journal-{number}")));
        exported.push(env.run(&["export"]));
    }
    let count = usize::try_from(PACKAGES).expect("few");
    wait_for("all jobs to succeed", || (jobs(&env, "succeeded") == (count, count)).then_some(()))
        .unwrap_or_else(|| panic!("{:#}\n{}", env.json(&["jobs"]), env.log()));
    assert_eq!(daemon.terminate(), Some(0));
    assert_eq!(env.created(), (count, count, count));
    for (number, export) in exported.iter().enumerate() {
        let lines = text(&export.stdout);
        assert_eq!(export.status.code(), Some(0), "{}", text(&export.stderr));
        let is_json = |line: &str| serde_json::from_str::<serde_json::Value>(line).is_ok();
        assert!(lines.lines().count() > number && lines.lines().all(is_json), "{number}: {lines}");
    }

    for number in (0..PACKAGES).step_by(4) {
        let what = format!("the copy after {} packages", number + 1);
        for name in ["journal", "sled"] {
            fs::remove_dir_all(env.path("store").join(name)).expect("removed");
        }
        copy_folder(&env.path(&format!("journal-{number}")), &env.path("store/journal"));
        run_until_idle(&env, &what);
        assert_eq!(env.created(), (count, count, count), "{what}: {}", env.log());
        assert_eq!(jobs(&env, "succeeded"), (count, count), "{what}: {:#}", env.json(&["jobs"]));
        let findings = env.run(&["doctor"]);
        assert_eq!(findings.status.code(), Some(0), "{what}: {}", text(&findings.stdout));
    }
}

#[test]
fn daemon_stopped_while_it_rebuilds_the_store_continues_at_the_next_start() {
    const LINES: usize = 40_000;
    let env = TestEnv::new();
    let home = env.path("store");
    fs::create_dir(&home).expect("a folder");
    let (store, _) = DiskStore::open(&home).expect("a new store");
    let setting =
        |number: usize| Entry::Setting { key: format!("k/{number:05}"), value: Some("x".repeat(100)) };
    let commits: Vec<_> = (0..LINES).map(|number| store.commit(Commit::new(vec![setting(number)]))).collect();
    for commit in commits {
        commit.wait().expect("committed");
    }
    drop(store);
    fs::remove_dir_all(home.join("sled")).expect("the database is lost");

    let daemon = env.daemon(&[]);
    wait_for("the rebuild", || home.join("sled").exists().then_some(())).expect("the rebuild begins");
    assert_eq!(daemon.terminate(), Some(0), "{}", env.log());
    let log = env.log();
    assert!(log.contains("stops before it was ready, on request") && !log.contains("ERROR"), "{log}");
    assert!(!env.path("control.sock").exists());
    run_until_idle(&env, "the next start");
    let (store, _) = DiskStore::open(&home).expect("the store opens");
    assert_eq!(store.settings("k/").expect("settings").len(), LINES);
}

/// A folder that is mounted over another one.
struct Bound(std::path::PathBuf);

impl Bound {
    fn mount(folder: &Path, at: &Path) -> Self {
        let mounted = Command::new("mount").arg("--bind").args([folder, at]).status();
        assert!(mounted.expect("mount runs").success());
        Self(at.to_owned())
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

#[test]
fn root_outbox_that_is_mounted_late_is_compared_with_the_store() {
    if std::env::var_os("DROPSHIP_ROOT_TESTS").is_none() {
        eprintln!("not run: it mounts a folder, which needs root; set DROPSHIP_ROOT_TESTS=1");
        return;
    }
    let env = TestEnv::new();
    env.fault(&outage());
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let daemon = env.daemon(&[]);
    let waits = || env.receipts().pop().filter(|receipt| !receipt["error"].is_null());
    wait_for("the job to wait for the service", waits).unwrap_or_else(|| panic!("{}", env.log()));
    daemon.kill();
    copy_folder(&env.path("store"), &env.path("backup"));
    env.no_faults();
    run_until_idle(&env, "the end");
    assert_eq!((env.wait_for_end()["state"].clone(), env.created()), (json!("succeeded"), (1, 1, 1)));

    // The restored store does not know that the product exists, and the outbox that shows it is not mounted yet.
    fs::remove_dir_all(env.path("store")).expect("removed");
    copy_folder(&env.path("backup"), &env.path("store"));
    fs::rename(env.path("out"), env.path("share")).expect("moved");
    fs::create_dir(env.path("out")).expect("an empty mount point");
    env.fault(&outage());
    let daemon = env.daemon(&[]);
    let failing = || env.json(&["jobs"]).get(0).filter(|job| !job["error"].is_null()).cloned();
    wait_for("the job to wait for the service", failing).unwrap_or_else(|| panic!("{}", env.log()));
    let bound = Bound::mount(&env.path("share"), &env.path("out"));
    // Before the service works again: a daemon is not notified of a mount, so it sees the receipt when it writes its own.
    let state = || env.json(&["jobs"]).get(0).filter(|job| job["state"] == "succeeded").cloned();
    wait_for("the job to take over its receipt", state)
        .unwrap_or_else(|| panic!("{:#}\n{}", env.json(&["jobs"]), env.log()));
    env.no_faults();
    assert_eq!(env.created(), (1, 1, 1), "{}", env.log());
    assert_eq!(daemon.terminate(), Some(0));
    run_until_idle(&env, "a restart");
    assert_eq!((env.created(), jobs(&env, "succeeded")), ((1, 1, 1), (1, 1)), "{}", env.log());
    drop(bound);
}
