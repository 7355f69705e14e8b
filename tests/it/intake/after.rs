//! `after` of a folder, when the dropped file cannot be moved.

use dropship_sandbox::Quirks;
use serde_json::Value;

use super::{receipt_of, wait_for_daemon};
use crate::harness::{TestDaemon, TestEnv, bytes, text, wait_for};

/// A daemon whose folder moves files to `done`, which is no longer a folder. The daemon does not start without it.
fn daemon_with_unusable_target() -> (TestEnv, TestDaemon) {
    let env = TestEnv::with(Quirks::none(), "");
    let configuration = std::fs::read_to_string(env.path("dropship.toml")).expect("a configuration");
    let after = format!("settle = \"200ms\"\nafter = \"move:{}\"", env.path("done").display());
    let configuration = configuration.replace("settle = \"200ms\"", &after);
    std::fs::write(env.path("dropship.toml"), configuration).expect("written");
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    if env.path("done").exists() {
        std::fs::remove_dir(env.path("done")).expect("removed");
    }
    std::fs::write(env.path("done"), "not a folder").expect("written");
    (env, daemon)
}

/// Waits until `show` has no failure any more.
fn wait_for_move(env: &TestEnv, id: &str, package: &str) -> Value {
    let job = wait_for("the move", || {
        let job = env.json(&["show", id]);
        job["after_failed"].is_null().then_some(job)
    });
    let job = job.unwrap_or_else(|| panic!("{}", env.log()));
    assert!(
        env.path("done").join(package).exists() && !env.path("drop").join(package).exists(),
        "{}",
        env.log()
    );
    job
}

#[test]
fn failed_move_is_visible_and_repeated_until_the_cause_is_gone() {
    let (env, daemon) = daemon_with_unusable_target();
    env.drop_package("echo.cab", &bytes("cab/good-signed.cab"));
    let receipt = receipt_of(&env, "echo.cab", "succeeded");
    let id = receipt["id"].as_str().expect("an id");
    let message = receipt["after_failed"]["message"].as_str().expect("a message");
    assert!(message.starts_with("cannot move ") && message.contains("echo.cab to "), "{message}");
    let shown = text(&env.run(&["show", id]).stdout);
    assert!(shown.contains("after       failing since ") && shown.contains(message), "{shown}");
    std::fs::remove_file(env.path("done")).expect("removed");
    let job = wait_for_move(&env, id, "echo.cab");
    assert_eq!(job["state"], "succeeded");
    let names: Vec<_> =
        job["events"].as_array().expect("events").iter().map(|event| &event["event"]).collect();
    assert_eq!(names[names.len() - 3..], ["after_failed", "succeeded", "after_done"], "{names:?}");
    let receipt =
        wait_for("the receipt", || env.receipts().pop().filter(|receipt| receipt["after_failed"].is_null()));
    assert!(receipt.is_some(), "{:#?}", env.receipts());
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn failed_move_is_repeated_at_start_except_for_a_file_with_other_bytes() {
    let (env, daemon) = daemon_with_unusable_target();
    let mut ids = Vec::new();
    for (name, fixture) in [("one.cab", "cab/good-signed.cab"), ("two.cab", "cab/stored-signed.cab")] {
        env.drop_package(name, &bytes(fixture));
        let receipt = receipt_of(&env, name, "succeeded");
        assert!(receipt["after_failed"]["since"].is_string(), "{receipt:#}");
        ids.push(receipt["id"].as_str().expect("an id").to_owned());
    }
    assert_eq!(daemon.terminate(), Some(0));
    std::fs::remove_file(env.path("done")).expect("removed");
    // No package: the daemon leaves it where it is.
    std::fs::write(env.path("drop/two.cab"), "something else").expect("written");
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    wait_for_move(&env, &ids[0], "one.cab");
    let job = wait_for("the end of the failure", || {
        let job = env.json(&["show", &ids[1]]);
        job["after_failed"].is_null().then_some(job)
    });
    let job = job.unwrap_or_else(|| panic!("{}", env.log()));
    let last = job["events"].as_array().and_then(|events| events.last()).expect("events");
    assert!(last["text"].as_str().is_some_and(|text| text.contains("now contains other bytes")), "{last:#}");
    assert!(env.path("drop/two.cab").exists() && !env.path("done/two.cab").exists());
    assert_eq!(daemon.terminate(), Some(0));
}
