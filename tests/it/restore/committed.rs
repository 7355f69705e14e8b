//! A store that is restored together with its outboxes knows no newer receipt. From its upload on, a job finds what exists at Microsoft.

use std::fs;

use serde_json::{Value, json};

use super::{copy_folder, copy_state, is_at, restore, run_until_idle};
use crate::harness::{TestEnv, bytes, text, wait_for};

/// Interrupts the job at one point, and copies store and outbox as `store-NAME` and `out-NAME`.
fn interrupt(env: &TestEnv, name: &str, fault: &Value, is_reached: impl Fn() -> bool) {
    env.only_fault(fault);
    let daemon = env.daemon(&[]);
    let reached = wait_for(name, || is_reached().then_some(()));
    assert!(reached.is_some(), "{name}: {:#?}\n{}", env.receipts(), env.log());
    daemon.kill();
    env.no_faults();
    copy_folder(&env.path("store"), &env.path(&format!("store-{name}")));
    copy_folder(&env.path("out"), &env.path(&format!("out-{name}")));
}

fn refused_upload() -> Value {
    json!({"operation": "blob", "method": "PUT", "times": 0, "action": {"kind": "drop_before"}})
}

fn refused_commit() -> Value {
    json!({"operation": "commit", "times": 0, "action": {"kind": "status", "status": 503}})
}

/// The names of the events of the only job.
fn events(env: &TestEnv) -> Vec<String> {
    let id = env.json(&["jobs"])[0]["id"].as_str().expect("a job").to_owned();
    let shown = env.json(&["show", &id]);
    let events = shown["events"].as_array().expect("events").iter();
    events.map(|event| event["event"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn job_restored_with_its_outbox_follows_what_exists_at_microsoft() {
    let env = TestEnv::new();
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    interrupt(&env, "upload", &refused_upload(), || is_at(&env, "upload", true));
    // The pause begins during the upload, so the job stops before its commit.
    let slow = json!({"operation": "blob", "method": "PUT", "action": {"kind": "delay", "ms": 1_000}});
    let puts = || {
        let requests = env.sandbox_page("requests");
        let is_put = |request: &&Value| {
            request["method"] == "PUT" && request["path"].as_str().is_some_and(|path| path.contains("/blob/"))
        };
        requests.as_array().map_or(0, |all| all.iter().filter(is_put).count())
    };
    let (before, mut is_paused) = (puts(), false);
    let paused = || puts() > before && env.run(&["pause"]).status.success();
    env.only_fault(&slow);
    let daemon = env.daemon(&[]);
    wait_for("a commit that is paused", || {
        is_paused = is_paused || paused();
        (is_paused && is_at(&env, "commit", false)).then_some(())
    })
    .unwrap_or_else(|| panic!("{:#?}\n{}", env.receipts(), env.log()));
    daemon.kill();
    env.no_faults();
    copy_state(&env, 0);
    assert_eq!(env.run(&["resume"]).status.code(), Some(0));
    interrupt(&env, "commit", &refused_commit(), || is_at(&env, "commit", true));
    let refused_download =
        json!({"operation": "blob", "method": "GET", "times": 0, "action": {"kind": "drop_before"}});
    interrupt(&env, "collect", &refused_download, || is_at(&env, "collect", true));
    run_until_idle(&env, "the first life");
    let first = env.wait_for_end();
    assert_eq!((first["state"].as_str(), env.created()), (Some("succeeded"), (1, 1, 1)), "{}", env.log());

    for point in ["upload", "0", "commit", "collect"] {
        restore(&env, Some(&format!("store-{point}")), &format!("out-{point}"));
        assert_eq!(env.run(&["resume"]).status.code(), Some(0));
        run_until_idle(&env, point);
        let second = env.wait_for_end();
        assert_eq!(second["state"], "succeeded", "{point}: {second:#}\n{}", env.log());
        assert_eq!(env.created(), (1, 1, 1), "{point}: {second:#}");
        for key in ["id", "product_id", "submission_id"] {
            assert_eq!(second[key], first[key], "{point}");
        }
        assert_eq!(second["labels"][0]["id"], first["labels"][0]["id"], "{point}: the label is followed too");
        let found = events(&env).contains(&"found_committed".to_owned());
        assert_eq!(found, point != "collect", "{point}: {:?}", events(&env));
    }
}

#[test]
fn job_whose_submission_was_committed_with_another_package_is_held() {
    let env = TestEnv::new();
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    interrupt(&env, "upload", &refused_upload(), || is_at(&env, "upload", true));
    let job = env.receipts().pop().expect("a receipt");
    let place = [job["product_id"].as_str().expect("an id"), job["submission_id"].as_str().expect("an id")];
    let other = env.path("other.cab");
    fs::write(&other, bytes("cab/good-signed.cab")).expect("a package");
    let other = other.to_str().expect("UTF-8");
    let by_hand: [&[&str]; 2] = [&["api", "submission", "upload"], &["api", "submission", "commit"]];
    for (command, file) in by_hand.into_iter().zip([Some(other), None]) {
        let args: Vec<_> = command.iter().copied().chain(place).chain(file).collect();
        let output = env.run(&args);
        assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
    }
    let daemon = env.daemon(&[]);
    let id = job["id"].as_str().expect("an id");
    let held = |count: usize| {
        wait_for("the hold", || {
            let job = env.json(&["show", id]);
            let events = job["events"].as_array()?.iter();
            let holds = events.filter(|event| event["event"] == "held").count();
            (job["state"] == "held" && holds == count).then_some(job)
        })
        .unwrap_or_else(|| panic!("{:#}\n{}", env.json(&["show", id]), env.log()))
    };
    let found = held(1);
    assert_eq!(found["error"]["kind"], "committed-elsewhere", "{found:#}");
    let message = found["error"]["message"].as_str().expect("a message");
    assert!(!message.contains("new-product") && message.contains("dropship cancel"), "{message}");
    assert_eq!(env.run(&["approve", id]).status.code(), Some(0));
    held(2);
    assert_eq!(env.run(&["cancel", id]).status.code(), Some(0));
    assert_eq!(daemon.terminate(), Some(0));
    assert_eq!(env.created(), (1, 1, 0));
}

#[test]
fn job_whose_submission_was_committed_before_and_rejected_is_sent_by_no_advice() {
    let env = TestEnv::new();
    let path = env.path("dropship.toml");
    let configuration = fs::read_to_string(&path).expect("a configuration");
    fs::write(path, configuration.replace("[signers]", "[signers]\nallow_unsigned = true"))
        .expect("a configuration");
    // The sandbox rejects an unsigned package after the commit.
    env.drop_package("echo.cab", &bytes("cab/unsigned.cab"));
    interrupt(&env, "upload", &refused_upload(), || is_at(&env, "upload", true));
    run_until_idle(&env, "the first life");
    let first = env.wait_for_end();
    assert_eq!(first["error"]["kind"], "signing-failed", "{first:#}\n{}", env.log());

    restore(&env, Some("store-upload"), "out-upload");
    for what in ["restored", "tried again"] {
        run_until_idle(&env, what);
        let job = env.wait_for_end();
        assert_eq!((&job["state"], &job["error"]["kind"]), (&json!("failed"), &json!("committed-elsewhere")));
        let message = job["error"]["message"].as_str().expect("a message");
        let shown = text(&env.run(&["show", job["id"].as_str().expect("an id")]).stdout);
        for text in [message, &shown] {
            assert!(!text.contains("new-product") && !text.contains("drop it again"), "{what}: {text}");
        }
        assert_eq!(env.created(), (1, 1, 0), "{what}");
        assert_eq!(env.run(&["retry", job["id"].as_str().expect("an id")]).status.code(), Some(0));
    }
}
