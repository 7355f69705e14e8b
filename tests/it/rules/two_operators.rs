//! A label with `hold = 2` needs the approvals of two different operators for the same request.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Output;

use dropship_sandbox::Quirks;
use serde_json::Value;

use super::running::{bodies, edit, id, receipt_of, wait_for_daemon};
use crate::harness::{TestEnv, bytes, text, wait_for};

const CAB: &str = "cab/good-signed-ts.cab";

/// A uid without a user, and a group of operators.
const SECOND: u32 = 61_236;
const OPERATORS: u32 = 61_237;

/// An environment whose label needs this many operators.
fn with_hold(hold: &str) -> TestEnv {
    let env = TestEnv::with(Quirks::none(), "");
    let audiences = "audiences = [\"Test Registry Key\"]";
    edit(&env, &[(audiences, &format!("{audiences}\nhold = {hold}"))]);
    env
}

/// What `show` says of the approvals of the one label.
fn approvals(env: &TestEnv, job: &str) -> Value {
    env.json(&["show", job])["labels"][0]["approvals"].clone()
}

#[test]
fn label_that_needs_two_operators_is_not_released_by_one() {
    let env = with_hold("2");
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes(CAB));
    let held = receipt_of(&env, "echo.cab", "held");
    let (job, digest) = (id(&held["id"]), id(&held["labels"][0]["request"]));
    assert!(id(&held["error"]["message"]).contains("of 2 different operators"), "{held:#}");
    assert_eq!(approvals(&env, job), serde_json::json!({"needed": 2, "given": []}));
    let first = env.run(&["approve", job, "--request", digest, "--note", "change 4711"]);
    assert_eq!(first.status.code(), Some(0), "{}", text(&first.stderr));
    let answer = text(&first.stdout);
    for expected in ["destination", "Test Registry Key", digest, "approval 1 of 2", "another operator"] {
        assert!(answer.contains(expected), "{expected}: {answer}");
    }
    // By the same user it counts once, in every form, also without the daemon.
    let again = |args: &[&str]| {
        let refused = env.run(&[&["approve", job], args].concat());
        assert_eq!(refused.status.code(), Some(1), "{args:?}: {}", text(&refused.stdout));
        assert!(text(&refused.stderr).contains("counts once"), "{}", text(&refused.stderr));
    };
    again(&[]);
    again(&["--request", digest]);
    again(&["--label", "echo test ring", "--note", "once more"]);
    let found = env.run(&["approve", "--rule", "ring"]);
    assert_eq!(found.status.code(), Some(1), "{}", text(&found.stdout));
    let shown = approvals(&env, job);
    let uid = rustix::process::getuid().as_raw();
    assert_eq!((&shown["needed"], &shown["given"][0]["uid"]), (&2.into(), &uid.into()), "{shown:#}");
    assert_eq!((&shown["given"][0]["note"], &shown["given"][1]), (&"change 4711".into(), &Value::Null));
    let text_shown = text(&env.run(&["show", job]).stdout);
    assert!(
        text_shown.contains("approvals 1 of 2") && text_shown.contains("note: change 4711"),
        "{text_shown}"
    );
    // The first approval survives a restart.
    assert_eq!(daemon.terminate(), Some(0));
    again(&[]);
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    assert_eq!(approvals(&env, job), shown);
    again(&[]);
    assert_eq!(env.created().2, 0, "nothing is requested");
    // A label that is planned again begins again.
    let retried = env.run(&["retry", job]);
    assert_eq!(retried.status.code(), Some(0), "{}", text(&retried.stderr));
    // The job was held before, too.
    let begun_again = || (approvals(&env, job)["given"] == serde_json::json!([])).then_some(());
    wait_for("no approvals", begun_again).unwrap_or_else(|| panic!("{:#}", approvals(&env, job)));
    drop(daemon);
}

#[test]
fn hold_that_is_not_a_number_of_operators_is_refused() {
    for (hold, is_valid) in [
        ("true", true),
        ("false", true),
        ("1", true),
        ("9", true),
        ("0", false),
        ("10", false),
        ("\"2\"", false),
        ("2.5", false),
    ] {
        let env = with_hold(hold);
        let checked = env.run(&["check"]);
        assert_eq!(
            checked.status.code(),
            Some(if is_valid { 0 } else { 78 }),
            "{hold}: {}",
            text(&checked.stderr)
        );
        let reported = format!("{}{}", text(&checked.stdout), text(&checked.stderr));
        assert_eq!(reported.contains("from 1 to 9"), !is_valid, "{hold}: {reported}");
    }
}

#[test]
fn root_second_operator_releases_the_request_that_both_saw() {
    if std::env::var_os("DROPSHIP_ROOT_TESTS").is_none() {
        eprintln!("not run: it acts as another user, which needs root; set DROPSHIP_ROOT_TESTS=1");
        return;
    }
    let env = with_hold("2");
    let socket = "socket = \"control.sock\"";
    edit(&env, &[(socket, &format!("{socket}\noperators = [\"{OPERATORS}\"]"))]);
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    std::fs::set_permissions(env.folder.path(), std::fs::Permissions::from_mode(0o755)).expect("opened");
    std::fs::set_permissions(env.path("control.sock"), std::fs::Permissions::from_mode(0o666))
        .expect("opened");
    let second = |args: &[&str]| -> Output {
        env.command(args).uid(SECOND).gid(OPERATORS).output().expect("the command runs")
    };
    env.drop_package("echo.cab", &bytes(CAB));
    let held = receipt_of(&env, "echo.cab", "held");
    let (job, digest) = (id(&held["id"]), id(&held["labels"][0]["request"]));
    let other = second(&["approve", job, "--request", &"0".repeat(64)]);
    assert_eq!(other.status.code(), Some(1), "another request is not approved");
    assert_eq!(second(&["approve", job]).status.code(), Some(0));
    assert_eq!(second(&["approve", job]).status.code(), Some(1), "the same user counts once");
    assert_eq!(approvals(&env, job)["given"][0]["uid"], SECOND);
    assert_eq!(env.created().2, 0);
    let last = env.run(&["approve", job, "--request", digest]);
    assert_eq!(last.status.code(), Some(0), "{}", text(&last.stderr));
    assert!(!text(&last.stdout).contains("another operator"), "{}", text(&last.stdout));
    receipt_of(&env, "echo.cab", "succeeded");
    assert_eq!(bodies(&env, "create_label").len(), 1);
    assert!(approvals(&env, job).is_null());
    drop(daemon);
}
