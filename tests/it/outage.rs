//! Answers that are lost, late or wrong.

use dropship_sandbox::Quirks;
use serde_json::json;

use crate::home::{Home, bytes, wait_for};
use crate::storm::Mould;

/// Runs a package through a scripted fault; it succeeds, and everything exists once.
fn survives(fault: &serde_json::Value) {
    let home = Home::new();
    home.fault(fault);
    home.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    assert_eq!(home.daemon(&["--until-idle"]).wait(), Some(0), "{fault}: {}", home.log());
    let receipt = home.ended();
    assert_eq!(receipt["state"], "succeeded", "{fault}: {receipt:#}\n{}", home.log());
    assert_eq!(home.created(), (1, 1, 1), "{fault}");
}

#[test]
fn a_create_that_was_carried_out_without_an_answer_is_found_and_adopted() {
    for operation in ["create_product", "create_submission", "create_label"] {
        survives(&json!({ "operation": operation, "action": { "kind": "drop_after" } }));
    }
}

#[test]
fn a_create_that_was_never_carried_out_is_looked_for_twice_and_repeated() {
    for operation in ["create_product", "create_submission", "create_label"] {
        survives(&json!({ "operation": operation, "action": { "kind": "drop_before" } }));
    }
}

#[test]
fn a_create_that_is_carried_out_late_is_not_repeated() {
    for operation in ["create_product", "create_submission", "create_label"] {
        survives(&json!({ "operation": operation, "action": { "kind": "late", "ms": 1000, "cut": true } }));
    }
}

#[test]
fn one_list_of_products_serves_a_flood_but_a_doubt_is_settled_by_a_fresh_one() {
    const FLOOD: usize = 24;
    // Without quirks a page holds them all.
    let home = Home::with(Quirks::none(), "");
    home.fault(&json!({ "operation": "create_product", "action": { "kind": "drop_after" } }));
    let mould = Mould::new(&bytes("cab/good-signed.cab"));
    for number in 0..FLOOD {
        home.drop_package(&format!("{number}.cab"), &mould.package(number as u64));
    }
    assert_eq!(home.daemon(&["--until-idle"]).wait(), Some(0), "{}", home.log());
    assert_eq!(home.created(), (FLOOD, FLOOD, FLOOD), "{}", home.log());
    let requests = home.sandbox.control().requests();
    let lists = requests.iter().filter(|entry| entry.operation == "list_products").count();
    assert!((2..FLOOD / 3).contains(&lists), "{lists} lists for {FLOOD} products");
}

#[test]
fn a_lost_commit_is_settled_by_a_look() {
    survives(&json!({ "operation": "commit", "action": { "kind": "drop_after" } }));
    survives(&json!({ "operation": "commit", "action": { "kind": "drop_before" } }));
}

#[test]
fn busy_and_broken_answers_are_outlived() {
    survives(
        &json!({ "operation": "create_product", "action": { "kind": "status", "status": 429, "retry_after": "1" } }),
    );
    survives(
        &json!({ "operation": "get_submission", "times": 3, "action": { "kind": "status", "status": 500 } }),
    );
    survives(&json!({ "operation": "create_label", "action": { "kind": "garbage" } }));
    survives(&json!({ "operation": "blob", "method": "GET", "action": { "kind": "truncate" } }));
}

/// A package is dropped, the create of its product is not answered, and the job is cancelled; the daemon is killed.
fn cancelled_in_doubt(home: &Home) -> String {
    let daemon = home.daemon(&[]);
    home.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let doubted = || home.log().contains("no answer to the product").then_some(());
    wait_for("the lost answer", doubted).expect("a lost answer");
    let id = home.json(&["jobs"])[0]["id"].as_str().expect("a job").to_owned();
    let cancelled = || home.run(&["cancel", &id]).status.success().then_some(());
    wait_for("the cancellation", cancelled).expect("cancelled");
    daemon.kill();
    id
}

#[test]
fn what_comes_after_its_job_was_cancelled_is_told_of_and_a_retry_goes_on_with_it() {
    let home = Home::new();
    home.fault(
        &json!({ "operation": "create_product", "action": { "kind": "late", "ms": 1500, "cut": true } }),
    );
    let id = cancelled_in_doubt(&home);
    // A restart does not make it forget to look.
    let daemon = home.daemon(&[]);
    let told = || home.log().contains("has come after all, and nobody uses it").then_some(());
    wait_for("the late product", told).expect("told");
    assert_eq!(home.created(), (1, 0, 0), "{}", home.log());
    assert_eq!(home.json(&["show", &id])["state"], "cancelled");

    assert!(home.run(&["retry", &id]).status.success());
    assert_eq!(home.ended()["state"], "succeeded", "{}", home.log());
    assert_eq!(home.created(), (1, 1, 1), "the late product is the job's own");
    daemon.terminate();
}

#[test]
fn a_look_back_that_cannot_be_had_is_told_and_neither_hammers_nor_keeps_the_daemon_up() {
    let home = Home::new();
    home.fault(&json!({ "operation": "create_product", "action": { "kind": "drop_before" } }));
    cancelled_in_doubt(&home);
    home.fault(&json!({ "operation": "list_products", "times": 100_000, "action": { "kind": "status", "status": 403 } }));
    home.daemon(&["--until-idle"]).wait().expect("it ends by itself");
    let told = home.log().matches("came late cannot be looked for").count();
    assert!((1..=3).contains(&told), "{told}: {}", home.log());
    // Once it can be had, nothing had come, and nothing more is to be looked for.
    home.no_faults();
    home.daemon(&["--until-idle"]).wait().expect("it ends by itself");
    assert_eq!(home.created(), (0, 0, 0));
    let doctor = home.run(&["doctor"]);
    assert!(doctor.status.success(), "{}", String::from_utf8_lossy(&doctor.stdout));
}
