//! Labels on hold: an approval releases one, and the others continue.

use dropship_sandbox::Quirks;

use super::running::{bodies, edit, id, receipt_of, receipt_when};
use crate::harness::{TestEnv, bytes, text, wait_for};

const CAB: &str = "cab/good-signed-ts.cab";

/// The rule's one label, to be replaced.
const ONE: &str = "audiences = [\"Test Registry Key\"]";

/// A label beside the first.
const SECOND: &str = r#"
[[rule.label]]
name = "{{ file.stem }} second"
destination = "windows_update"
audiences = ["Test Registry Key"]
"#;

#[test]
fn label_on_hold_does_not_stop_the_others() {
    let more = format!("{SECOND}\n{}after = \"* second\"\n", SECOND.replace("second", "third"));
    let env = TestEnv::with(Quirks::none(), &more);
    edit(
        &env,
        &[(
            "destination = \"windows_update\"\naudiences = [\"Test Registry Key\"]\n[rule.label.hardware_ids]",
            "destination = \"windows_update\"\nhold = true\naudiences = [\"Test Registry Key\"]\n[rule.label.hardware_ids]",
        )],
    );
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes(CAB));
    let held = receipt_when(&env, "the others to be published", |receipt| {
        receipt["labels"][2]["status"] == "published"
    });
    assert_eq!((&held["state"], &held["error"]["kind"]), (&"held".into(), &"approval".into()), "{held:#}");
    assert_eq!(held["labels"][0]["hold"], true);
    assert_eq!(held["labels"][1]["hold"], false);
    assert_eq!(held["labels"][0]["audiences"][0], "Test Registry Key");
    assert_eq!(env.created().2, 2, "the label on hold is not requested");
    // The other labels are followed after a restart too, and nothing is requested twice.
    daemon.kill();
    let daemon = env.daemon(&[]);
    // The log has the lines of the first daemon too, so an answer is the sign.
    wait_for("the restarted daemon", || env.run(&["rescan"]).status.success().then_some(()))
        .expect("an answer");
    let held = receipt_when(&env, "nothing to be due", |receipt| {
        receipt["state"] == "held" && receipt["due"].is_null()
    });
    let approved = env.run(&["approve", id(&held["id"])]);
    assert_eq!(approved.status.code(), Some(0), "{}", text(&approved.stderr));
    let done = receipt_of(&env, "echo.cab", "succeeded");
    assert_eq!(done["labels"].as_array().map(Vec::len), Some(3));
    assert_eq!(bodies(&env, "create_label").len(), 3);
    drop(daemon);
}

#[test]
fn label_that_cannot_be_built_does_not_stop_the_others() {
    let env = TestEnv::with(Quirks::none(), SECOND);
    edit(
        &env,
        &[(
            "audiences = [\"Test Registry Key\"]\n[rule.label.hardware_ids]",
            "audiences = [\"Test Registry Key\", \"No Such Ring\"]\n[rule.label.hardware_ids]",
        )],
    );
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes(CAB));
    let held = receipt_when(&env, "the second to be published", |receipt| {
        receipt["labels"][1]["status"] == "published"
    });
    assert_eq!((&held["state"], &held["error"]["kind"]), (&"held".into(), &"label-unfit".into()), "{held:#}");
    assert_eq!(held["labels"][0]["error"]["kind"], "label-unfit");
    drop(daemon);
}

#[test]
fn second_approval_names_its_label_or_request() {
    let env = TestEnv::with(Quirks::none(), &format!("{SECOND}hold = true\n"));
    edit(&env, &[(ONE, &format!("{ONE}\nhold = true"))]);
    // `edit` has replaced both.
    edit(&env, &[("hold = true\nhold = true", "hold = true")]);
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes(CAB));
    let held = receipt_when(&env, "both labels to be held", |receipt| {
        receipt["labels"].as_array().is_some_and(|labels| labels.iter().all(|label| label["hold"] == true))
    });
    let job = id(&held["id"]);
    let digest = |at: usize| id(&held["labels"][at]["request"]).to_owned();
    let approve = |more: &[&str]| env.run(&[&["approve", job], more].concat());
    assert_eq!(approve(&["--request", "another"]).status.code(), Some(1));
    assert_eq!(approve(&["--label", "echo second", "--request", &digest(0)]).status.code(), Some(1));
    let first = approve(&[]);
    assert_eq!(first.status.code(), Some(0), "{}", text(&first.stderr));
    let answer = text(&first.stdout);
    assert!(answer.contains("echo test ring") && answer.contains(&digest(0)), "{answer}");
    let blind = approve(&[]);
    assert_eq!(blind.status.code(), Some(1), "{}", text(&blind.stdout));
    let why = text(&blind.stderr);
    assert!(why.contains("--label") && why.contains("echo second") && why.contains(&digest(1)), "{why}");
    assert!(env.created().2 <= 1, "the second label was not released");
    let second = approve(&["--label", "echo second", "--note", "seen in \u{1b}[2J\u{202e}\"4711\""]);
    assert_eq!(second.status.code(), Some(0), "{}", text(&second.stderr));
    receipt_of(&env, "echo.cab", "succeeded");
    let history = env.json(&["show", job]);
    let events = history["events"].as_array().expect("events");
    let approvals: Vec<_> = events.iter().filter(|event| event["event"] == "approved").collect();
    assert_eq!(approvals.len(), 2);
    assert_eq!(id(&approvals[1]["name"]), "echo second");
    assert_eq!(id(&approvals[1]["request"]), digest(1));
    assert_eq!(approvals[1]["note"], "seen in \u{1b}[2J\u{202e}\"4711\"");
    let uid = rustix::process::getuid().as_raw();
    let by = id(&approvals[1]["by"]);
    assert!(by.ends_with(&format!("(uid {uid})")) && !by.starts_with('('), "{by}");
    let log = env.log();
    let line = log.lines().find(|line| line.contains("approved by") && line.contains("echo second"));
    let line = line.unwrap_or_else(|| panic!("{log}"));
    assert!(
        line.contains(&digest(1)) && line.contains("note: seen in \\u{1b}[2J\\u{202e}\"4711\""),
        "{line}"
    );
    let listed = env.json(&["jobs"]);
    assert_eq!(id(&listed[0]["labels"][1]["request"]), digest(1));
    drop(daemon);
}
