//! Retried jobs: labels that do not exist yet follow the rules in force.

use dropship_sandbox::{Options, Quirks, Wait};
use serde_json::{Value, json};

use super::running::{bodies, edit, id, receipt_of, receipt_when, wait_for_daemon};
use crate::harness::{TestEnv, bytes, text};

const CAB: &str = "cab/good-signed-ts.cab";

fn retry(env: &TestEnv, job: &Value) -> String {
    let output = env.run(&["retry", id(&job["id"])]);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stderr), env.log());
    text(&output.stdout)
}

fn reload(env: &TestEnv) {
    let output = env.run(&["reload"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn mended_rule_reaches_a_signed_package() {
    let env = TestEnv::with(Quirks::none(), "");
    edit(
        &env,
        &[("audiences = [\"Test Registry Key\"]", "audiences = [\"Test Registry Key\", \"No Such Ring\"]")],
    );
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    env.drop_package("echo.cab", &bytes(CAB));
    let held = receipt_of(&env, "echo.cab", "held");
    assert_eq!(held["error"]["kind"], "label-unfit", "{held:#}");
    // A rule that does not fit changes nothing.
    edit(&env, &[("match = { file = \"*.cab\" }", "match = { file = \"other-*.cab\" }")]);
    reload(&env);
    let refused = env.run(&["retry", id(&held["id"])]);
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused.stdout));
    assert!(text(&refused.stderr).contains("rules in force"), "{}", text(&refused.stderr));
    edit(
        &env,
        &[
            ("match = { file = \"other-*.cab\" }", "match = { file = \"*.cab\" }"),
            (
                "audiences = [\"Test Registry Key\", \"No Such Ring\"]",
                "audiences = [\"Test Registry Key\"]\nfloor = \"CO\"",
            ),
        ],
    );
    reload(&env);
    let answer = retry(&env, &held);
    assert!(answer.contains("plan: label `echo test ring`: floor \"CO\" instead of none"), "{answer}");
    assert!(answer.contains("audiences [\"Test Registry Key\"] instead of"), "{answer}");
    assert!(!answer.contains("has changed"), "the labels follow the rule in force: {answer}");
    let done = receipt_of(&env, "echo.cab", "succeeded");
    assert_eq!((&done["product_id"], &done["submission_id"]), (&held["product_id"], &held["submission_id"]));
    assert_eq!(env.created(), (1, 1, 1));
    let sent = &bodies(&env, "create_label")[0]["targeting"]["inServicePublishInfo"];
    assert_eq!(*sent, json!({"flooring": "CO"}));
    let history = env.json(&["show", id(&done["id"])]);
    let events = history["events"].as_array().expect("events");
    let replanned = events.iter().find(|event| event["event"] == "replanned").expect("an event");
    assert!(replanned["changes"].to_string().contains("floor"), "{replanned:#}");
    drop(daemon);
}

#[test]
fn refused_label_is_requested_again_by_the_rules_in_force() {
    let options = Options { speed: 1200.0, approval: Wait::UntilReleased, ..Options::default() };
    let env = TestEnv::at(options, "");
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    env.drop_package("echo.cab", &bytes(CAB));
    let job =
        receipt_when(&env, "the approval", |receipt| receipt["labels"][0]["step"] == "microsoftApproval");
    let old = id(&job["labels"][0]["id"]).to_owned();
    assert!(env.sandbox.control().refuse_label(old.parse().expect("a number"), "No."));
    let failed = receipt_of(&env, "echo.cab", "failed");
    edit(
        &env,
        &[("audiences = [\"Test Registry Key\"]", "audiences = [\"Test Registry Key\"]\nfloor = \"CO\"")],
    );
    reload(&env);
    let answer = retry(&env, &failed);
    assert!(
        answer.contains(&format!("label `echo test ring` is requested again instead of {old}")),
        "{answer}"
    );
    let again = receipt_when(&env, "the second label", |receipt| {
        receipt["labels"][0]["id"].as_str().is_some_and(|id| id != old)
    });
    assert_eq!(again["labels"][0]["former_ids"], json!([old]));
    let new = id(&again["labels"][0]["id"]).parse().expect("a number");
    receipt_when(&env, "the approval", |receipt| receipt["labels"][0]["step"] == "microsoftApproval");
    assert!(env.sandbox.control().release(new));
    receipt_of(&env, "echo.cab", "succeeded");
    assert_eq!(env.created(), (1, 1, 2));
    let sent = bodies(&env, "create_label");
    assert_eq!(sent[1]["targeting"]["inServicePublishInfo"], json!({"flooring": "CO"}));
    drop(daemon);
}

/// A label that follows the first.
const NEXT: &str = r#"
[[rule.label]]
name = "{{ file.stem }} pilot"
destination = "windows_update"
audiences = ["Test Registry Key"]
after = "* test ring"
hold = true
"#;

#[test]
fn cancelled_job_that_is_started_again_keeps_labels_that_exist() {
    let env = TestEnv::with(Quirks::none(), NEXT);
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    env.drop_package("echo.cab", &bytes(CAB));
    let held = receipt_of(&env, "echo.cab", "held");
    let kept = held["labels"][0]["id"].clone();
    assert_eq!(env.run(&["cancel", id(&held["id"])]).status.code(), Some(0));
    let cancelled = receipt_of(&env, "echo.cab", "cancelled");
    // The second label is replaced by another.
    edit(&env, &[("{{ file.stem }} pilot", "{{ file.stem }} wide"), ("hold = true", "hold = false")]);
    reload(&env);
    let answer = retry(&env, &cancelled);
    assert!(answer.contains("label `echo pilot` is no longer asked for"), "{answer}");
    assert!(answer.contains("label `echo wide` is new"), "{answer}");
    let done = receipt_of(&env, "echo.cab", "succeeded");
    assert_eq!(done["labels"][0]["id"], kept);
    let statuses: Vec<_> =
        done["labels"].as_array().expect("labels").iter().map(|label| id(&label["status"])).collect();
    assert_eq!(statuses, ["published", "dropped", "published"]);
    let names: Vec<_> =
        bodies(&env, "create_label").iter().map(|body| id(&body["name"]).to_owned()).collect();
    assert_eq!(names, ["echo test ring", "echo wide"]);
    drop(daemon);
}

#[test]
fn label_in_doubt_follows_a_mended_rule_after_an_approval_only() {
    let env = TestEnv::with(Quirks::none(), "");
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    env.fault(&json!({"operation": "create_label", "action": {"kind": "drop_before"}, "times": 0}));
    env.drop_package("echo.cab", &bytes(CAB));
    let held = receipt_of(&env, "echo.cab", "held");
    assert_eq!(held["error"]["kind"], "unanswered", "{held:#}");
    env.no_faults();
    edit(
        &env,
        &[("audiences = [\"Test Registry Key\"]", "audiences = [\"Test Registry Key\"]\nfloor = \"CO\"")],
    );
    reload(&env);
    let answer = retry(&env, &held);
    assert!(answer.contains("floor \"CO\" instead of none"), "{answer}");
    let changed = receipt_when(&env, "the new request to be held", |receipt| {
        receipt["error"]["kind"] == "request-changed"
    });
    assert_eq!((&changed["state"], env.created().2), (&json!("held"), 0));
    let digest = id(&changed["labels"][0]["request"]);
    assert_eq!(env.run(&["approve", id(&held["id"]), "--request", digest]).status.code(), Some(0));
    receipt_of(&env, "echo.cab", "succeeded");
    assert_eq!(env.created(), (1, 1, 1));
    let sent = bodies(&env, "create_label").pop().expect("a request");
    assert_eq!(sent["targeting"]["inServicePublishInfo"], json!({"flooring": "CO"}));
    drop(daemon);
}

#[test]
fn retry_drops_no_label_whose_create_is_in_doubt() {
    let env = TestEnv::with(Quirks::none(), "");
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    env.fault(&json!({"operation": "create_label", "action": {"kind": "drop_before"}, "times": 0}));
    env.drop_package("echo.cab", &bytes(CAB));
    let held = receipt_of(&env, "echo.cab", "held");
    edit(&env, &[("{{ file.stem }} test ring", "{{ file.stem }} other ring")]);
    reload(&env);
    let refused = env.run(&["retry", id(&held["id"])]);
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused.stdout));
    assert!(text(&refused.stderr).contains("cancel the job instead"), "{}", text(&refused.stderr));
    drop(daemon);
}
