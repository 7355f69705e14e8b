//! Cancelled jobs: every label of them is withdrawn, at once or as soon as Microsoft allows it.

use std::time::Duration;

use dropship_sandbox::{Options, Wait};
use serde_json::{Value, json};

use super::running::{id, receipt_of, receipt_when, wait_for_daemon};
use crate::harness::{TestEnv, bytes, text, wait_for};

const CAB: &str = "cab/good-signed-ts.cab";

/// Labels stay in Microsoft's approval; a withdrawal takes effect at once.
fn in_approval() -> Options {
    Options {
        speed: 1200.0,
        approval: Wait::UntilReleased,
        cancel: Duration::from_secs(1),
        ..Options::default()
    }
}

/// The labels of the sandbox: whether each is cancelled.
fn labels(env: &TestEnv) -> Vec<bool> {
    fn collect(value: &Value, into: &mut Vec<bool>) {
        match value {
            Value::Object(map) if map.contains_key("publishingSpecifications") => {
                into.push(map["cancelled"] == true);
            }
            Value::Object(map) => map.values().for_each(|value| collect(value, into)),
            Value::Array(list) => list.iter().for_each(|value| collect(value, into)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    collect(&env.sandbox_page("state"), &mut found);
    found
}

#[test]
fn label_is_withdrawn_as_soon_as_microsoft_allows_it() {
    // The steps before the approval, which allow no withdrawal, take four seconds.
    let env = TestEnv::at(Options { publish: Duration::from_secs(12_000), ..in_approval() }, "");
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    env.drop_package("echo.cab", &bytes(CAB));
    let job = receipt_when(&env, "the label to exist", |receipt| receipt["labels"][0]["id"].is_string());
    let cancelled = env.run(&["cancel", id(&job["id"])]);
    assert_eq!(cancelled.status.code(), Some(0), "{}", text(&cancelled.stderr));
    let answer = text(&cancelled.stdout);
    assert!(
        answer.contains("is not withdrawn yet") && answer.contains(id(&job["labels"][0]["id"])),
        "{answer}"
    );
    for command in [&["show", id(&job["id"])][..], &["status"]] {
        let shown = text(&env.run(command).stdout);
        assert!(shown.contains("`echo test ring`") && shown.contains("is not withdrawn yet"), "{shown}");
    }
    let status = env.json(&["status"]);
    assert_eq!(status["not_withdrawn"][0]["job"], job["id"]);
    assert_eq!(status["trouble"][0]["kind"], "label-not-withdrawn");
    let check = env.run(&["status", "--check"]);
    assert_eq!(
        (check.status.code(), &*text(&check.stdout)),
        (Some(1), "needs attention: label-not-withdrawn\n")
    );
    daemon.kill();
    let daemon = env.daemon(&[]);
    let done = receipt_when(&env, "the withdrawal", |receipt| receipt["labels"][0]["status"] == "withdrawn");
    assert_eq!((&done["state"], labels(&env)), (&"cancelled".into(), vec![true]), "{done:#}");
    assert!(done.get("not_withdrawn").is_none());
    let status = env.json(&["status"]);
    assert_eq!((&status["not_withdrawn"], &status["trouble"]), (&json!([]), &json!([])));
    drop(daemon);
}

#[test]
fn label_that_the_service_does_not_know_at_first_is_withdrawn() {
    let env = TestEnv::at(in_approval(), "");
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    env.drop_package("echo.cab", &bytes(CAB));
    let job = receipt_when(&env, "the label to exist", |receipt| receipt["labels"][0]["id"].is_string());
    for operation in ["cancel_label", "get_label"] {
        env.fault(&json!({"operation": operation, "action": {"kind": "status", "status": 404}}));
    }
    assert_eq!(env.run(&["cancel", id(&job["id"])]).status.code(), Some(0));
    wait_for("the withdrawal", || labels(&env)[0].then_some(())).unwrap_or_else(|| panic!("{}", env.log()));
    let done = receipt_when(&env, "the withdrawal", |receipt| receipt["labels"][0]["status"] == "withdrawn");
    assert_eq!(done["state"], "cancelled", "{done:#}");
    drop(daemon);
}

#[test]
fn label_that_appears_after_the_cancel_is_withdrawn() {
    let env = TestEnv::at(in_approval(), "");
    // On a busy machine, the command to cancel takes seconds.
    env.edit_configuration("uncertain = \"2s\"", "uncertain = \"12s\"");
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    // The response is lost; the label appears while the job waits.
    env.fault(&json!({"operation": "create_label", "action": {"kind": "late", "ms": 8000, "cut": true}}));
    env.drop_package("echo.cab", &bytes(CAB));
    let job = receipt_when(&env, "the label to be in doubt", |receipt| {
        receipt["labels"][0]["status"] == "in-doubt" && receipt["state"] == "waiting"
    });
    let cancelled = env.run(&["cancel", id(&job["id"])]);
    assert_eq!(cancelled.status.code(), Some(0), "{}", text(&cancelled.stderr));
    assert!(
        text(&cancelled.stdout).contains("`echo test ring` is not withdrawn yet"),
        "{}",
        text(&cancelled.stdout)
    );
    let done = receipt_when(&env, "the withdrawal", |receipt| receipt["labels"][0]["status"] == "withdrawn");
    assert_eq!((&done["state"], labels(&env)), (&"cancelled".into(), vec![true]), "{done:#}");
    drop(daemon);
}

#[test]
fn label_whose_create_is_in_flight_is_withdrawn() {
    let env = TestEnv::at(in_approval(), "");
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    env.fault(&json!({"operation": "create_label", "action": {"kind": "delay", "ms": 1500}}));
    env.drop_package("echo.cab", &bytes(CAB));
    wait_for("the label to exist", || (labels(&env).len() == 1).then_some(())).expect("a label");
    let job = env.receipts().pop().expect("a receipt");
    assert_eq!(env.run(&["cancel", id(&job["id"])]).status.code(), Some(0));
    let done = receipt_when(&env, "the withdrawal", |receipt| receipt["labels"][0]["status"] == "withdrawn");
    assert_eq!((&done["state"], labels(&env)), (&"cancelled".into(), vec![true]), "{done:#}");
    drop(daemon);
}

#[test]
fn label_published_despite_the_cancel_raises_an_alert() {
    let env = TestEnv::at(Options { speed: 1200.0, ..Options::default() }, "");
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    env.fault(&json!({"operation": "cancel_label", "action": {"kind": "status", "status": 400}, "times": 0}));
    env.drop_package("echo.cab", &bytes(CAB));
    let job = receipt_when(&env, "the label to exist", |receipt| receipt["labels"][0]["id"].is_string());
    assert_eq!(env.run(&["cancel", id(&job["id"])]).status.code(), Some(0));
    let done = receipt_when(&env, "the publication", |receipt| receipt["labels"][0]["status"] == "published");
    assert_eq!(done["state"], "cancelled");
    let log = env.log();
    assert!(log.contains("had to be withdrawn, but Microsoft published it before"), "{log}");
    let history = env.json(&["show", id(&job["id"])]);
    let events = history["events"].as_array().expect("events");
    assert!(events.iter().any(|event| event["event"] == "published_anyway"), "{history:#}");
    drop(daemon);
}

#[test]
fn late_duplicate_of_a_label_is_withdrawn() {
    let env = TestEnv::at(in_approval(), "");
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    // The first request takes effect after it was repeated.
    env.fault(&json!({"operation": "create_label", "action": {"kind": "late", "ms": 3500, "cut": true}}));
    env.drop_package("echo.cab", &bytes(CAB));
    wait_for("the duplicate to be withdrawn", || {
        (labels(&env) == [false, true] || labels(&env) == [true, false]).then_some(())
    })
    .unwrap_or_else(|| panic!("{:?}\n{}", labels(&env), env.log()));
    let job = env.receipts().pop().expect("a receipt");
    let own = id(&job["labels"][0]["id"]).parse().expect("a number");
    assert!(env.sandbox.control().release(own));
    let done = receipt_of(&env, "echo.cab", "succeeded");
    assert_eq!(done["labels"][0]["status"], "published");
    drop(daemon);
}

#[test]
fn paused_daemon_withdraws_nothing_until_it_resumes() {
    let env = TestEnv::at(in_approval(), "[preflight]\nrevocation-not-checked = \"warn\"\n");
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    env.drop_package("echo.cab", &bytes(CAB));
    let job =
        receipt_when(&env, "the approval", |receipt| receipt["labels"][0]["step"] == "microsoftApproval");
    assert_eq!(env.run(&["pause"]).status.code(), Some(0));
    let answer = text(&env.run(&["cancel", id(&job["id"])]).stdout);
    assert!(answer.contains("is not withdrawn yet: paused"), "{answer}");
    // Only what the command did, not what inspection found before.
    assert!(job["warnings"].to_string().contains("revocation"), "{job:#}");
    assert!(!answer.contains("revocation"), "{answer}");
    assert_eq!(labels(&env), [false]);
    drop(daemon);
}
