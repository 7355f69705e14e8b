//! Killed again and again at any instant, while the service carries some creates out late: nothing is lost, and nothing
//! is made twice.

use std::time::Duration;

use serde_json::json;

use crate::home::{Home, bytes, wait_for};

/// Packages, each of other bytes.
const PACKAGES: [&str; 3] = ["good-signed", "good-signed-ts", "good-signed-ec384"];

/// Kills so many daemons, each some time after it began; then lets one finish.
fn killed(times: u32) {
    let home = Home::with(dropship_sandbox::Quirks::all(), "");
    for package in PACKAGES {
        home.drop_package(&format!("{package}.cab"), &bytes(&format!("cab/{package}.cab")));
    }
    for operation in ["create_product", "create_submission", "create_label"] {
        // Within `uncertain`, as the service is thought to do; the one who asked is told nothing.
        home.fault(&json!({"operation": operation, "action": {"kind": "late", "ms": 700, "cut": true}}));
    }
    let (_keep, never) = std::sync::mpsc::channel::<()>();
    let mut chance = 0x2545_f491_u32;
    for _ in 0..times {
        let daemon = home.daemon(&[]);
        // A random instant is what is tried here; nothing is waited for.
        chance ^= chance << 13;
        chance ^= chance >> 17;
        chance ^= chance << 5;
        let _timed_out = never.recv_timeout(Duration::from_millis(u64::from(chance % 500)));
        daemon.kill();
    }
    assert_eq!(home.daemon(&["--until-idle"]).wait(), Some(0), "{}", home.log());
    let receipts = wait_for("all to end", || {
        let receipts = home.receipts();
        let done = receipts.iter().filter(|receipt| receipt["state"] == "succeeded").count();
        (done == PACKAGES.len()).then_some(receipts)
    });
    assert!(receipts.is_some(), "{:#?}\n{}", home.receipts(), home.log());
    let lost_and_doubled = (home.json(&["jobs"]).as_array().map(Vec::len), home.created());
    assert_eq!(lost_and_doubled, (Some(3), (3, 3, 3)), "jobs; products, submissions, labels");
    eprintln!("{times} kills: 0 lost, 0 doubled");
}

#[test]
fn a_hundred_and_fifty_kills_in_rounds_of_fifteen() {
    (0..10).for_each(|_| killed(15));
}

#[test]
fn a_hundred_and_fifty_more_in_rounds_of_fifty() {
    (0..3).for_each(|_| killed(50));
}
