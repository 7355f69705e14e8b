//! Labels: their order, their audiences and targets, and changes by operators.

use dropship_sandbox::{Options, Quirks, Wait};
use serde_json::{Value, json};

use super::cab::cab_with;
use super::running::{bodies, edit, id, receipt_of, wait_for_daemon};
use crate::harness::{TestEnv, bytes, text, wait_for};

const CAB: &str = "cab/good-signed-ts.cab";

/// The only label of the rule, which tests replace.
const ONE: &str = "audiences = [\"Test Registry Key\"]";

fn label(name: &str, more: &str) -> String {
    format!(
        "[[rule.label]]\nname = \"{{{{ file.stem }}}} {name}\"\ndestination = \"windows_update\"\naudiences = [\"Test Registry Key\"]\n{more}\n"
    )
}

/// The time of the first event that matches.
pub(super) fn at(env: &TestEnv, job: &Value, fits: impl Fn(&Value) -> bool) -> jiff::Timestamp {
    let history = env.json(&["show", id(&job["id"])]);
    let events = history["events"].as_array().expect("events");
    let event = events.iter().find(|event| fits(event)).unwrap_or_else(|| panic!("{history:#}"));
    event["at"].as_str().expect("a time").parse().expect("a time")
}

#[test]
fn second_label_waits_for_soak_and_hold_waits_for_approval() {
    let more = label("pilot", "after = \"* test ring\"\nsoak = \"2s\"\n")
        + &label("retail", "after = \"* pilot\"\nhold = true\ngo_live = \"+7d\"\n");
    let env = TestEnv::with(crate::harness::usual_quirks(), &more);
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes(CAB));
    let held = receipt_of(&env, "echo.cab", "held");
    assert_eq!(held["error"]["kind"], "approval");
    let created = |at: u64| move |event: &Value| event["event"] == "created" && event["kind"]["label"] == at;
    let published = |at: u64| move |event: &Value| event["event"] == "published" && event["label"] == at;
    let soaked = at(&env, &held, created(1)).duration_since(at(&env, &held, published(0)));
    assert!(soaked.as_millis() >= 2000, "{soaked:?}");
    assert_eq!(env.created().2, 2, "nothing goes out on hold");
    assert_eq!(env.run(&["approve", id(&held["id"]), "--request", "another"]).status.code(), Some(1));
    assert_eq!(env.run(&["approve", id(&held["id"])]).status.code(), Some(0));
    let done = receipt_of(&env, "echo.cab", "succeeded");
    assert_eq!(done["labels"].as_array().map(Vec::len), Some(3));
    drop(daemon);
}

#[test]
fn label_that_microsoft_reviews_is_logged_at_creation() {
    let env = TestEnv::with(
        Quirks::none(),
        &label("retail", "hold = true\n[rule.label.hardware_ids]\ninclude = [\"*\"]"),
    );
    edit(&env, &[("[signers]", "[signers]\nallow_unsigned = true")]);
    let daemon = env.daemon(&[]);
    env.drop_package("odd.cab", &cab_with(&[("VEN_1234", "VEN_FFFF")]));
    let held = receipt_of(&env, "odd.cab", "held");
    assert!(
        held["error"]["message"].as_str().is_some_and(|message| message.contains("another review")),
        "{held:#}"
    );
    assert!(
        env.log().contains("it needs another review (Microsoft: Publishing restrictions)"),
        "{}",
        env.log()
    );
    drop(daemon);
}

#[test]
fn missing_audience_holds_the_job_before_the_label() {
    let env = TestEnv::with(crate::harness::usual_quirks(), "");
    edit(&env, &[(ONE, "audiences = [\"Test Registry Key\", \"No Such Ring\"]")]);
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes(CAB));
    let held = receipt_of(&env, "echo.cab", "held");
    let message = held["error"]["message"].as_str().expect("a message");
    assert!(message.contains("the account has no audience `No Such Ring`; it has"), "{message}");
    assert_eq!(env.created().2, 0);
    drop(daemon);
}

#[test]
fn several_partners_get_one_label_each() {
    let more = "[[rule.label]]\nname = \"{{ file.stem }} for {{ partner }}\"\ndestination = \"another_partner\"\npartners = [27691110, \"27691111\"]\nenforce_chid_targeting = true\nblock_dua_creation = true\n";
    let env = TestEnv::with(crate::harness::usual_quirks(), more);
    let daemon = env.daemon(&["--until-idle"]);
    env.drop_package("echo.cab", &bytes(CAB));
    let done = receipt_of(&env, "echo.cab", "succeeded");
    let names: Vec<_> = (0..3).map(|at| done["labels"][at]["name"].clone()).collect();
    assert_eq!(names, ["echo test ring", "echo for 27691110", "echo for 27691111"]);
    let asked: Vec<_> = env.sandbox.control().requests();
    let asked: Vec<_> = asked.iter().filter(|entry| entry.operation == "create_label").collect();
    let body = serde_json::to_value(&asked[2].body).expect("JSON").to_string();
    assert!(body.contains("anotherPartner") && body.contains("27691111"), "{body}");
    assert!(
        body.contains("enforceChidTargeting")
            && body.contains("\"blockDuaCreation\":true")
            && !body.contains("publishingSpecifications"),
        "{body}"
    );
    drop(daemon);
}

/// An environment whose rule supersedes, and which accepts unsigned packages, so that each test can write its own INF.
pub(super) fn superseding_env() -> TestEnv {
    let env = TestEnv::with(Quirks::none(), "");
    let (pci, all) = ("include = [\"pci\\\\*\"]", "include = [\"*\"]");
    edit(
        &env,
        &[
            (ONE, &format!("{ONE}\nsupersede = true")),
            (pci, all),
            ("[signers]", "[signers]\nallow_unsigned = true"),
        ],
    );
    env
}

pub(super) fn targeted_rows(env: &TestEnv, done: &Value) -> Vec<String> {
    let [product, submission] = ["product_id", "submission_id"].map(|key| id(&done[key]).to_owned());
    let label = env.json(&["api", "label", "get", &product, &submission, id(&done["labels"][0]["id"])]);
    assert!(label["targeting"].is_object(), "{label:#}");
    // A label whose last row was removed has no list of rows.
    let rows = label["targeting"]["hardwareIds"].as_array();
    let left = rows.into_iter().flatten().filter(|row| row["distributionState"] != "pendingRemove");
    let mut ids: Vec<_> = left.map(|row| row["pnpString"].as_str().expect("an id").to_lowercase()).collect();
    ids.sort();
    ids
}

pub(super) const PCI: &str = "pci\\ven_1234&dev_5678&subsys_00011234&rev_01";

#[test]
fn new_version_supersedes_its_own_targets_only() {
    let env = superseding_env();
    let daemon = env.daemon(&[]);
    env.drop_package("old.cab", &cab_with(&[]));
    let old = receipt_of(&env, "old.cab", "succeeded");
    assert_eq!(targeted_rows(&env, &old), [PCI, "root\\echo"]);
    // A lower version that is dropped later is a rollback: it takes over nothing and gives up nothing.
    env.drop_package("older.cab", &cab_with(&[("1.2.3.4", "1.2.3.1")]));
    let older = receipt_of(&env, "older.cab", "succeeded");
    assert_eq!(env.sandbox.control().count("update_label"), 0);
    assert_eq!(targeted_rows(&env, &older), [PCI, "root\\echo"]);
    env.drop_package("new.cab", &cab_with(&[("1.2.3.4", "1.2.3.5"), ("ROOT\\ECHO", "ROOT\\OHCE")]));
    let new = receipt_of(&env, "new.cab", "succeeded");
    for before in [&old, &older] {
        assert_eq!(targeted_rows(&env, before), ["root\\echo"], "the rows of the older label alone stay");
    }
    assert_eq!(targeted_rows(&env, &new), [PCI, "root\\ohce"]);
    assert_eq!(env.sandbox.control().count("update_label"), 2);
    let history = env.json(&["show", id(&new["id"])]);
    let taken: Vec<_> = history["events"]
        .as_array()
        .expect("events")
        .iter()
        .filter(|event| event["event"] == "taken_over")
        .collect();
    let from: Vec<_> = taken.iter().map(|event| (&event["from"], &event["rows"])).collect();
    assert!(from.contains(&(&old["labels"][0]["id"], &json!(1))), "{taken:?}");
    drop(daemon);
}

#[test]
fn label_withdrawn_after_it_has_taken_over_is_an_alert() {
    let env = superseding_env();
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    env.drop_package("old.cab", &cab_with(&[]));
    receipt_of(&env, "old.cab", "succeeded");
    env.drop_package("new.cab", &cab_with(&[("1.2.3.4", "1.2.3.5")]));
    let new = receipt_of(&env, "new.cab", "succeeded");
    // Microsoft allows it during gradual rollout, which the sandbox does not have after the publication.
    env.fault(&json!({"operation": "cancel_label", "action": {"kind": "status", "status": 202}}));
    let place = ["product_id", "submission_id"].map(|key| id(&new[key]).to_owned());
    let label = id(&new["labels"][0]["id"]);
    let output = env.run(&["api", "label", "cancel", &place[0], &place[1], label]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let alert = || env.log().lines().any(|line| line.contains("error") && line.contains("had taken over 2"));
    wait_for("the alert", || alert().then_some(())).unwrap_or_else(|| panic!("{}", env.log()));
    drop(daemon);
}

#[test]
fn target_whose_machines_the_new_label_does_not_reach_stays() {
    let env = superseding_env();
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    env.drop_package("old.cab", &cab_with(&[]));
    let old = receipt_of(&env, "old.cab", "succeeded");
    edit(&env, &[("supersede = true", "supersede = true\nfloor = \"NI\"")]);
    assert_eq!(env.json(&["reload"])["ok"], true);
    env.drop_package("new.cab", &cab_with(&[("1.2.3.4", "1.2.3.5")]));
    let new = receipt_of(&env, "new.cab", "succeeded");
    assert_eq!(env.sandbox.control().count("update_label"), 0);
    assert_eq!(targeted_rows(&env, &old), [PCI, "root\\echo"]);
    let history = env.json(&["show", id(&new["id"])]);
    let superseded =
        history["events"].as_array().expect("events").iter().find(|event| event["event"] == "superseded");
    let kept = &superseded.expect("an event")["kept"];
    assert_eq!((&kept[0]["label"], &kept[0]["rows"]), (&old["labels"][0]["id"], &json!(2)), "{kept}");
    let logged =
        "keeps 2 hardware ids that `new test ring` also targets: its floor is above that of the older label";
    assert!(env.log().contains(logged), "{}", env.log());
    // Without the floor, a later version takes over from both.
    edit(&env, &[("\nfloor = \"NI\"", "")]);
    assert_eq!(env.json(&["reload"])["ok"], true);
    env.drop_package("newer.cab", &cab_with(&[("1.2.3.4", "1.2.3.6")]));
    receipt_of(&env, "newer.cab", "succeeded");
    assert_eq!((targeted_rows(&env, &old).len(), targeted_rows(&env, &new).len()), (0, 0));
    drop(daemon);
}

#[test]
fn supersede_survives_lost_responses_and_a_kill() {
    let env = superseding_env();
    let daemon = env.daemon(&[]);
    env.drop_package("old.cab", &cab_with(&[]));
    let old = receipt_of(&env, "old.cab", "succeeded");
    env.fault(&json!({"operation": "update_label", "action": {"kind": "hang"}, "times": 1}));
    env.drop_package("new.cab", &cab_with(&[("1.2.3.4", "1.2.3.5")]));
    wait_for("the change to be asked for", || {
        (env.sandbox.control().count("update_label") == 1).then_some(())
    })
    .unwrap_or_else(|| panic!("{}", env.log()));
    daemon.kill();
    assert_eq!(targeted_rows(&env, &old).len(), 2, "killed before it took effect");
    env.fault(&json!({"operation": "update_label", "action": {"kind": "drop_after"}, "times": 1}));
    let daemon = env.daemon(&[]);
    receipt_of(&env, "new.cab", "succeeded");
    assert_eq!(targeted_rows(&env, &old), [""; 0]);
    assert_eq!(env.sandbox.control().count("update_label"), 2, "not asked for again once it took effect");
    drop(daemon);
}

fn awaiting_approval(more: &str) -> TestEnv {
    let options = Options { speed: 1200.0, approval: Wait::UntilReleased, ..Options::default() };
    TestEnv::at(options, more)
}

/// Waits until the first label waits for Microsoft's approval.
fn in_approval(env: &TestEnv) -> Value {
    wait_for("the label to be in approval", || {
        let receipt = env.receipts().pop()?;
        let step = receipt["labels"][0]["step"].as_str().unwrap_or_default().to_lowercase();
        step.contains("approval").then_some(receipt)
    })
    .unwrap_or_else(|| panic!("{:#?}\n{}", env.receipts(), env.log()))
}

#[test]
fn cancelled_job_withdraws_its_labels() {
    let env = awaiting_approval("");
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    env.drop_package("echo.cab", &bytes(CAB));
    let job = in_approval(&env);
    let done = env.json(&["cancel", id(&job["id"])]);
    assert_eq!((&done["state"], &done["warnings"]), (&json!("cancelled"), &json!([])));
    assert_eq!(env.sandbox.control().count("cancel_label"), 1);
    assert!(env.log().contains("Microsoft agreed to withdraw it, requested by"), "{}", env.log());
    drop(daemon);
}

#[test]
fn successor_of_a_label_withdrawn_in_partner_center_is_held() {
    let env = awaiting_approval(&label("pilot", "after = \"* test ring\"\n"));
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    env.drop_package("echo.cab", &bytes(CAB));
    let job = in_approval(&env);
    let [product, submission] = ["product_id", "submission_id"].map(|key| id(&job[key]).to_owned());
    let output = env.run(&["api", "label", "cancel", &product, &submission, id(&job["labels"][0]["id"])]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("recorded in its history"), "{}", text(&output.stdout));
    let held = receipt_of(&env, "echo.cab", "held");
    assert_eq!(held["error"]["kind"], "predecessor-lost", "{held:#}");
    assert_eq!(env.created().2, 1);
    assert_eq!(env.run(&["approve", id(&held["id"])]).status.code(), Some(0));
    let second = wait_for("the other label", || {
        let receipt = env.receipts().pop()?;
        receipt["labels"][1]["id"].as_str().map(str::to_owned)
    });
    let second = second.unwrap_or_else(|| panic!("{:#?}\n{}", env.receipts(), env.log()));
    let second = second.parse().expect("a number");
    let done = wait_for("the job to succeed", || {
        assert!(env.sandbox.control().release(second), "the label exists");
        env.receipts().pop().filter(|receipt| receipt["state"] == "succeeded")
    });
    assert!(done.is_some(), "cancelled, not failed: {:#?}\n{}", env.receipts(), env.log());
    drop(daemon);
}

#[test]
fn existing_product_is_adopted_by_id() {
    let env = TestEnv::with(Quirks::none(), "");
    edit(
        &env,
        &[
            ("[rule.product]\n", "[rule.product]\nstrategy = \"per_version\"\n"),
            ("{{ file.stem }} {{ inf.version }}\"", "{{ inf.version }}\""),
            ("[rule.submission]\nname", "[rule.submission]\ntype = \"initial\"\nname"),
            ("[signers]", "[signers]\nallow_unsigned = true"),
        ],
    );
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    env.drop_package("one.cab", &cab_with(&[]));
    let one = receipt_of(&env, "one.cab", "succeeded");
    assert_eq!(env.created().0, 1);

    // A rule with the id of a product creates none, whatever the version.
    let product = id(&one["product_id"]);
    edit(
        &env,
        &[
            ("strategy = \"per_version\"", &format!("strategy = \"existing\"\nid = \"{product}\"")),
            ("name = \"{{ inf.provider }} {{ inf.version }}\"\n", ""),
        ],
    );
    assert_eq!(env.json(&["reload"])["ok"], true);
    env.drop_package("two.cab", &cab_with(&[("1.2.3.4", "1.2.3.5")]));
    wait_for("the second job", || {
        let receipt = env.receipts().into_iter().find(|receipt| receipt["package"] == "two.cab")?;
        (receipt["product_id"] == product).then_some(())
    })
    .unwrap_or_else(|| panic!("{:#?}\n{}", env.receipts(), env.log()));
    assert_eq!(bodies(&env, "create_product").len(), 1, "adopted, not made");
    drop(daemon);
}
