//! A database that was restored from a dump is older than the receipts in the outboxes.

use serde_json::{Value, json};

use super::environment_at;
use super::server::database_of_its_own;
use crate::harness::{TestEnv, bytes, text, wait_for};

fn until(env: &TestEnv, name: &str, holds: impl Fn(&Value) -> bool) {
    let reached = || env.receipts().iter().find(|receipt| holds(receipt)).cloned();
    wait_for(name, reached).unwrap_or_else(|| panic!("{name}: {:#?}\n{}", env.receipts(), env.log()));
}

#[test]
fn restored_database_submits_nothing_a_second_time() {
    let Some(database) = database_of_its_own() else { return };
    let env = environment_at(&database.url());
    let of = |name: &'static str, state: &'static str| {
        move |receipt: &Value| receipt["package"] == name && receipt["state"] == state
    };
    let is_uploading = |receipt: &Value| receipt["step"] == "upload" && !receipt["error"].is_null();
    let refused =
        json!({"operation": "blob", "method": "PUT", "times": 0, "action": {"kind": "drop_before"}});

    // The dump has one job that has ended, and one whose submission exists.
    let daemon = env.daemon(&[]);
    env.drop_package("ended.cab", &bytes("cab/good-signed.cab"));
    until(&env, "the first job", of("ended.cab", "succeeded"));
    env.fault(&refused);
    env.drop_package("open.cab", &bytes("cab/good-signed-ts.cab"));
    until(&env, "an upload", is_uploading);
    let dump = database.dump();
    env.no_faults();
    until(&env, "the second job", of("open.cab", "succeeded"));
    // The last job is dropped and sent after the dump; its upload does not end.
    env.fault(&refused);
    env.drop_package("later.cab", &bytes("cab/good-signed-ec384.cab"));
    until(&env, "an upload", is_uploading);
    assert_eq!(daemon.terminate(), Some(0), "{}", env.log());
    env.no_faults();
    let before = env.created();
    assert_eq!(before, (3, 3, 2));

    database.restore(&dump);
    let findings = text(&env.run(&["doctor"]).stdout);
    assert!(findings.contains("store-older-than-receipts"), "{findings}\n{}", env.log());
    // A database has no folders that could be moved away, and the package of the last job is kept.
    assert!(findings.contains("docs/fleet.md") && !findings.contains("`journal`"), "{findings}");
    assert!(findings.contains("the next start recovers its job from the receipt"), "{findings}");
    assert!(!findings.contains("deletes it"), "{findings}");
    let daemon = env.daemon(&[]);
    let held = wait_for("the jobs of the receipts", || {
        let jobs: Value = serde_json::from_slice(&env.run(&["--json", "jobs"]).stdout).ok()?;
        let jobs = jobs.as_array()?;
        let held = jobs.iter().find(|job| job["state"] == "held").cloned();
        let done = jobs.iter().filter(|job| job["state"] == "succeeded").count();
        held.filter(|_| jobs.len() == 3 && done == 2)
    });
    let held = held.unwrap_or_else(|| panic!("{:#}\n{}", env.json(&["jobs"]), env.log()));
    assert_eq!(held["error"]["kind"], "recovered", "{held:#}");
    assert_eq!(env.created(), before, "{}", env.log());
    let id = held["id"].as_str().expect("an id");
    assert!(env.run(&["approve", id]).status.success(), "{}", env.log());
    until(&env, "the last job", of("later.cab", "succeeded"));
    assert_eq!(env.created(), (3, 3, 3), "{}", env.log());
    assert_eq!(daemon.terminate(), Some(0));
    assert_eq!(env.json(&["doctor"]), json!([]));

    // A daemon that finds the older database has tables that do not follow from it.
    database.restore(&dump);
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
    assert!(env.log().contains("the database has lost lines"), "{}", env.log());
    let states = env.json(&["jobs", "--state", "succeeded"]);
    assert_eq!(states.as_array().map(Vec::len), Some(3), "{states:#}");
    assert_eq!(env.created(), (3, 3, 3), "{}", env.log());
}
