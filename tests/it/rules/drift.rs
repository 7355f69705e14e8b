//! Changes of published labels that dropship did not make: reported once, shown, and counted for labels that depend on them.

use dropship_sandbox::{Options, Quirks};
use serde_json::{Value, json};

use super::cab::cab_with;
use super::labels::{PCI, superseding_env};
use super::running::{edit, id, receipt_of, receipt_when};
use crate::harness::{TestEnv, bytes, text, wait_for};

const CAB: &str = "cab/good-signed-ts.cab";

/// An environment whose published labels are compared with the service each second; `more` is appended to the configuration.
fn audited_env(more: &str) -> TestEnv {
    let env = TestEnv::at(Options { speed: 1200.0, quirks: Quirks::none(), ..Options::default() }, more);
    audit(&env);
    env
}

fn audit(env: &TestEnv) {
    edit(env, &[("uncertain = \"2s\"", "uncertain = \"2s\"\naudit = \"1s\"")]);
}

fn label_number(job: &Value, at: usize) -> u64 {
    id(&job["labels"][at]["id"]).parse().expect("an id")
}

/// Waits until the label of the package has drifted, and returns the receipt.
fn wait_for_drift(env: &TestEnv, package: &str, kind: &str) -> Value {
    wait_for(kind, || {
        let receipt = env.receipts().into_iter().find(|receipt| receipt["package"] == package)?;
        (receipt["labels"][0]["drift"]["kind"] == kind).then_some(receipt)
    })
    .unwrap_or_else(|| panic!("{kind}: {:#?}\n{}", env.receipts(), env.log()))
}

/// How often the change of a label was recorded in the history of a job.
fn count_reports(env: &TestEnv, job: &Value) -> usize {
    let history = env.json(&["show", id(&job["id"])]);
    history["events"].as_array().expect("events").iter().filter(|event| event["event"] == "drifted").count()
}

fn trouble(env: &TestEnv) -> Vec<Value> {
    let status = env.json(&["status"]);
    let all = status["trouble"].as_array().expect("a list").iter();
    all.filter(|item| item["kind"] == "label-drift").cloned().collect()
}

/// Waits for this many further reads of labels, so that comparisons were made.
fn wait_for_reads(env: &TestEnv, count: usize) {
    let before = env.sandbox.control().count("get_label");
    let read = || (env.sandbox.control().count("get_label") >= before + count).then_some(());
    wait_for("further comparisons", read).unwrap_or_else(|| panic!("{}", env.log()));
}

#[test]
fn label_withdrawn_elsewhere_is_reported_once_until_it_is_acknowledged() {
    let env = audited_env("");
    let daemon = env.daemon(&[]);
    env.drop_package("gone.cab", &bytes(CAB));
    env.drop_package("kept.cab", &bytes("cab/good-signed.cab"));
    let done = receipt_of(&env, "gone.cab", "succeeded");
    receipt_of(&env, "kept.cab", "succeeded");
    wait_for_reads(&env, 4);
    assert_eq!(trouble(&env), Vec::<Value>::new(), "nothing has changed: {}", env.log());
    let label = label_number(&done, 0);
    assert!(env.sandbox.control().withdraw_label(label, "Recalled by driver recovery."));
    let receipt = wait_for_drift(&env, "gone.cab", "withdrawn");
    let shown = &receipt["labels"][0];
    assert_eq!((&receipt["state"], &shown["status"]), (&"succeeded".into(), &"gone".into()), "{receipt:#}");
    assert!(id(&shown["drift"]["message"]).contains("Recalled by driver recovery"), "{shown:#}");
    let job = id(&done["id"]);
    let item = wait_for("the attention list", || trouble(&env).pop()).expect("an item");
    assert!(
        id(&item["message"]).contains(&label.to_string()) && id(&item["message"]).contains(job),
        "{item}"
    );
    let listed = env.json(&["labels"]);
    let listed: Vec<_> = listed.as_array().expect("a list").iter().filter(|row| row["job"] == job).collect();
    assert_eq!((&listed[0]["state"], &listed[0]["drift"]["kind"]), (&"gone".into(), &"withdrawn".into()));
    assert!(text(&env.run(&["labels"]).stdout).contains("gone, withdrawn"));
    assert_eq!(env.json(&["who", "*"]).as_array().map(Vec::len), Some(1), "it reaches no device any more");

    // Reported once, also after a restart.
    assert_eq!(daemon.terminate(), Some(0));
    let daemon = env.daemon(&[]);
    wait_for("the restarted daemon", || (env.json(&["status"])["running"] == true).then_some(()))
        .expect("running");
    wait_for_reads(&env, 2);
    assert_eq!(count_reports(&env, &done), 1, "{}", env.log());
    let lines = env.log().lines().filter(|line| line.contains("was withdrawn at Microsoft")).count();
    assert!(lines >= 1, "{}", env.log());

    let command = format!("`dropship approve {job} --label 'gone test ring'`");
    let shown = text(&env.run(&["show", job]).stdout);
    assert!(shown.contains(&command) && env.log().contains(&command), "{shown}\n{}", env.log());
    let acknowledged = env.run(&["approve", job, "--label", "gone test ring", "--note", "recalled by us"]);
    assert_eq!(acknowledged.status.code(), Some(0), "{}", text(&acknowledged.stderr));
    assert!(text(&acknowledged.stdout).contains("acknowledged the change"), "{}", text(&acknowledged.stdout));
    wait_for("the end of the item", || trouble(&env).is_empty().then_some(())).expect("no item");
    assert_eq!(env.run(&["approve", job]).status.code(), Some(1), "nothing is left to acknowledge");
    let shown = text(&env.run(&["show", job]).stdout);
    assert!(shown.contains("acknowledged by") && shown.contains("note: recalled by us"), "{shown}");

    // A label that is gone can be requested again.
    assert_eq!(env.run(&["retry", job]).status.code(), Some(0));
    let again =
        receipt_when_label(&env, job, |shown| shown["status"] == "published" && shown["drift"].is_null());
    assert_ne!(label_number(&again, 0), label);
    drop(daemon);
}

fn receipt_when_label(env: &TestEnv, job: &str, fits: impl Fn(&Value) -> bool) -> Value {
    wait_for("the label", || {
        let receipt = env.receipts().into_iter().find(|receipt| receipt["id"] == job)?;
        fits(&receipt["labels"][0]).then_some(receipt)
    })
    .unwrap_or_else(|| panic!("{:#?}\n{}", env.receipts(), env.log()))
}

#[test]
fn changed_expired_and_removed_labels_are_reported_separately() {
    let env = audited_env("");
    let daemon = env.daemon(&[]);
    let packages = [
        ("changed.cab", CAB),
        ("expired.cab", "cab/good-signed.cab"),
        ("removed.cab", "cab/stored-signed.cab"),
    ];
    let mut jobs = Vec::new();
    for (name, fixture) in packages {
        env.drop_package(name, &bytes(fixture));
        jobs.push(receipt_of(&env, name, "succeeded"));
    }
    let control = env.sandbox.control();
    let changes = json!({"restrictedToAudiences": null, "inServicePublishInfo": {"flooring": "NI"}});
    assert!(control.change_label(label_number(&jobs[0], 0), changes.as_object().expect("an object")));
    assert!(control.expire_label(label_number(&jobs[1], 0)));
    assert!(control.remove_label(label_number(&jobs[2], 0)));
    let changed = wait_for_drift(&env, "changed.cab", "changed");
    let message = id(&changed["labels"][0]["drift"]["message"]);
    assert!(message.contains("audiences changed from Test Registry Key to none"), "{message}");
    assert!(message.contains("floor changed from none to NI"), "{message}");
    assert_eq!(changed["labels"][0]["status"], "published");
    wait_for_drift(&env, "expired.cab", "expired");
    wait_for_drift(&env, "removed.cab", "removed");
    assert!(text(&env.run(&["labels"]).stdout).contains("published, changed"));
    // Only the changed label still reaches devices, and for everybody.
    let found = env.json(&["who", "*"]);
    assert_eq!((found.as_array().map(Vec::len), &found[0]["audiences"]), (Some(1), &json!([])), "{found:#}");
    wait_for_reads(&env, 3);
    assert_eq!([&jobs[0], &jobs[1], &jobs[2]].map(|job| count_reports(&env, job)), [1, 1, 1]);
    // A second change is reported again.
    let changes = json!({"inServicePublishInfo": null});
    assert!(control.change_label(label_number(&jobs[0], 0), changes.as_object().expect("an object")));
    wait_for("the second report", || (count_reports(&env, &jobs[0]) == 2).then_some(()))
        .expect("reported again");
    drop(daemon);
}

#[test]
fn label_that_the_service_does_not_know_for_a_moment_is_not_removed() {
    let env = audited_env("");
    edit(&env, &[("uncertain = \"2s\"", "uncertain = \"1h\"")]);
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes(CAB));
    let done = receipt_of(&env, "echo.cab", "succeeded");
    assert!(env.sandbox.control().remove_label(label_number(&done, 0)));
    wait_for_reads(&env, 1);
    // The next look is at most one period later.
    wait_for_reads(&env, 2);
    assert_eq!(count_reports(&env, &done), 0, "{}", env.log());
    assert_eq!(env.json(&["show", id(&done["id"])])["labels"][0]["status"], "published");
    drop(daemon);
}

#[test]
fn label_after_one_that_was_withdrawn_elsewhere_is_held() {
    let second = "[[rule.label]]\nname = \"{{ file.stem }} retail\"\ndestination = \"windows_update\"\n\
                  audiences = [\"Test Registry Key\"]\nafter = \"* test ring\"\nsoak = \"30d\"\n";
    let env = audited_env(second);
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes(CAB));
    let waiting = receipt_when(&env, "the first to be published", |receipt| {
        receipt["labels"][0]["status"] == "published" && receipt["state"] == "waiting"
    });
    assert!(env.sandbox.control().withdraw_label(label_number(&waiting, 0), "cancelled in Partner Center"));
    let held = receipt_of(&env, "echo.cab", "held");
    assert_eq!(
        (&held["error"]["kind"], &held["labels"][1]["status"]),
        (&"predecessor-lost".into(), &"held".into())
    );
    assert!(id(&held["error"]["message"]).contains("was withdrawn at Microsoft"), "{held:#}");
    assert_eq!(env.created().2, 1);
    drop(daemon);
}

#[test]
fn changes_that_dropship_made_itself_are_no_drift() {
    let env = superseding_env();
    audit(&env);
    let daemon = env.daemon(&[]);
    env.drop_package("old.cab", &cab_with(&[]));
    let old = receipt_of(&env, "old.cab", "succeeded");
    env.drop_package("new.cab", &cab_with(&[("1.2.3.4", "1.2.3.5"), ("ROOT\\ECHO", "ROOT\\OHCE")]));
    let new = receipt_of(&env, "new.cab", "succeeded");
    wait_for_reads(&env, 4);
    // An operator changes the label with dropship.
    let [product, submission, label] = ["product_id", "submission_id"]
        .map(|key| id(&new[key]).to_owned())
        .into_iter()
        .chain([id(&new["labels"][0]["id"]).to_owned()])
        .collect::<Vec<_>>()
        .try_into()
        .expect("three ids");
    let edited = env.run(&["api", "label", "update", &product, &submission, &label, "--floor", "NI"]);
    assert_eq!(edited.status.code(), Some(0), "{}", text(&edited.stderr));
    wait_for_reads(&env, 6);
    assert_eq!([&old, &new].map(|job| count_reports(&env, job)), [0, 0], "{}", env.log());
    assert_eq!(trouble(&env), Vec::<Value>::new());
    // The change became what the label is compared with.
    assert_eq!(env.json(&["who", PCI])[0]["id"], label);
    drop(daemon);
}
