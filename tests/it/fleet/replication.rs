//! A database with a standby that takes over.

use std::sync::Arc;

use serde_json::Value;

use super::environment_at;
use super::server::{Server, database_of_its_own};
use crate::harness::{TestEnv, bytes, wait_for};
use crate::storm::PackageTemplate;

/// Waits until this many jobs have succeeded.
fn wait_for_successes(env: &TestEnv, count: usize) {
    let done = || env.receipts().iter().filter(|receipt| receipt["state"] == "succeeded").count();
    wait_for("jobs to succeed", || (done() >= count).then_some(()))
        .unwrap_or_else(|| panic!("{:#?}\n{}", env.receipts(), env.log()));
}

fn drop_packages(env: &TestEnv, numbers: std::ops::Range<u64>) {
    let packages = PackageTemplate::new(&bytes("cab/good-signed.cab"));
    for number in numbers {
        env.drop_package(&format!("p{number}.cab"), &packages.package(number));
    }
}

/// Waits until commits wait for a standby that does not answer.
fn commit_in_doubt(server: &Server) {
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    wait_for("a commit that waits", || (server.sql("postgres", waiting) != "0").then_some(()))
        .expect("a commit waits");
}

#[test]
fn failover_to_a_synchronous_standby_in_mid_commit_loses_and_doubles_nothing() {
    let Some(database) = database_of_its_own() else { return };
    let one = Arc::clone(&database.server);
    let two = one.standby("two");
    let three = one.empty();
    let env = environment_at(&database.url_with(&[&two, &three]));
    one.wait_for_synchronous("two");
    let daemon = env.daemon(&[]);
    drop_packages(&env, 0..2);
    wait_for_successes(&env, 1);

    // The commits that wait are in the log of the primary only.
    two.stop("INT");
    drop_packages(&env, 2..5);
    commit_in_doubt(&one);
    one.stop("QUIT");
    two.run();
    two.promote();
    wait_for_successes(&env, 5);

    // The primary still accepts statements when its standby is promoted.
    three.follow(&two, "three");
    two.wait_for_synchronous("three");
    drop_packages(&env, 5..8);
    wait_for_successes(&env, 6);
    three.promote();
    two.stop("QUIT");
    wait_for_successes(&env, 8);
    assert_eq!(env.created(), (8, 8, 8), "{}", env.log());
    assert_eq!(env.json(&["jobs"]).as_array().map(Vec::len), Some(8));
    assert_eq!(database.at(Arc::new(three)).sql("SELECT count(*) > 0 FROM dropship.lines"), "t");
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn node_whose_database_lost_commits_builds_its_tables_again_and_sends_nothing_twice() {
    let Some(database) = database_of_its_own() else { return };
    let one = Arc::clone(&database.server);
    let two = one.standby("two");
    let env = environment_at(&database.url_with(&[&two]));
    let daemon = env.daemon(&[]);
    drop_packages(&env, 0..1);
    wait_for_successes(&env, 1);
    let written = one.sql("postgres", "SELECT pg_current_wal_flush_lsn()");
    let has = format!("SELECT pg_last_wal_replay_lsn() >= '{written}'");
    wait_for("the standby", || (two.sql("postgres", &has) == "t").then_some(())).expect("it follows");

    // What follows is acknowledged by the primary, and lost.
    two.stop("INT");
    drop_packages(&env, 1..2);
    wait_for_successes(&env, 2);
    let refused = serde_json::json!({"operation": "blob", "method": "PUT", "times": 0, "action": {"kind": "drop_before"}});
    env.fault(&refused);
    drop_packages(&env, 2..3);
    let is_uploading = |receipt: &Value| receipt["step"] == "upload" && !receipt["error"].is_null();
    wait_for("an upload", || env.receipts().iter().any(is_uploading).then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
    one.stop("QUIT");
    two.run();
    two.promote();
    assert_eq!(daemon.wait(), Some(1), "{}", env.log());
    assert!(env.log().contains("does not contain line"), "{}", env.log());

    env.no_faults();
    let daemon = env.daemon(&[]);
    let jobs = wait_for("the jobs of the receipts", || {
        let jobs: Value = serde_json::from_slice(&env.run(&["--json", "jobs"]).stdout).ok()?;
        let held = jobs.as_array()?.iter().any(|job| job["state"] == "held");
        (jobs.as_array()?.len() == 3 && held).then_some(jobs)
    });
    let jobs = jobs.unwrap_or_else(|| panic!("{}", env.log()));
    let held = jobs.as_array().into_iter().flatten().find(|job| job["state"] == "held").expect("one is held");
    assert_eq!(held["error"]["kind"], "recovered", "{held:#}");
    let id = held["id"].as_str().expect("an id");
    assert!(env.run(&["approve", id]).status.success(), "{}", env.log());
    wait_for_successes(&env, 3);
    assert_eq!(env.created(), (3, 3, 3), "{}", env.log());
    assert_eq!(daemon.terminate(), Some(0));
}
