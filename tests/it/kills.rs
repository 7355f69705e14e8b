//! Daemons are killed at random instants while some creates take effect late. No job is lost, and no object is created
//! twice.
//!
//! By default 30 daemons are killed. `DROPSHIP_KILLS` sets how many; the gate kills 300.

use std::time::Duration;

use serde_json::json;

use crate::harness::{Random, TestEnv, bytes, wait_for};

/// Packages with different bytes.
const PACKAGES: [&str; 3] = ["good-signed", "good-signed-ts", "good-signed-ec384"];

/// How many daemons each test kills.
fn kills() -> u32 {
    std::env::var("DROPSHIP_KILLS").map_or(30, |kills| kills.parse().expect("a number")) / 2
}

/// Kills daemons at random instants, then lets one finish.
fn kill_daemons(times: u32, random: &mut Random) {
    let env = TestEnv::with(crate::harness::usual_quirks(), "");
    for package in PACKAGES {
        env.drop_package(&format!("{package}.cab"), &bytes(&format!("cab/{package}.cab")));
    }
    for operation in ["create_product", "create_submission", "create_label"] {
        // Takes effect within `uncertain`; the caller gets no response.
        env.fault(&json!({"operation": operation, "action": {"kind": "late", "ms": 700, "cut": true}}));
    }
    let (_keep, never) = std::sync::mpsc::channel::<()>();
    for _ in 0..times {
        let daemon = env.daemon(&[]);
        // The test varies the instant of the kill; it waits for no condition.
        let _timed_out = never.recv_timeout(Duration::from_millis(random.below(500)));
        daemon.kill();
    }
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
    let receipts = wait_for("all to end", || {
        let receipts = env.receipts();
        let done = receipts.iter().filter(|receipt| receipt["state"] == "succeeded").count();
        (done == PACKAGES.len()).then_some(receipts)
    });
    assert!(receipts.is_some(), "{:#?}\n{}", env.receipts(), env.log());
    let jobs_and_objects = (env.json(&["jobs"]).as_array().map(Vec::len), env.created());
    assert_eq!(jobs_and_objects, (Some(3), (3, 3, 3)), "jobs; products, submissions, labels");
    eprintln!("{times} kills: 0 lost, 0 created twice");
}

#[test]
fn daemons_killed_in_short_series_lose_and_duplicate_nothing() {
    let (mut random, each) = (Random::new(), 15);
    (0..kills() / each).for_each(|_| kill_daemons(each, &mut random));
}

#[test]
fn daemons_killed_in_one_long_series_lose_and_duplicate_nothing() {
    kill_daemons(kills(), &mut Random::new());
}
