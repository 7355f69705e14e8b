//! `dropship adopt`: a submission that was made elsewhere is followed.

use std::fs;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::harness::{TestDaemon, TestEnv, bytes, text, wait_for};

fn ready(env: &TestEnv) -> TestDaemon {
    let daemon = env.daemon(&[]);
    let answers = || std::os::unix::net::UnixStream::connect(env.path("control.sock")).ok();
    wait_for("a daemon that answers", answers).unwrap_or_else(|| panic!("{}", env.log()));
    daemon
}

fn id_of(job: &Value, key: &str) -> String {
    job[key].as_str().unwrap_or_else(|| panic!("{key}: {job:#}")).to_owned()
}

#[test]
fn submission_of_another_store_is_followed_without_creating_it_again() {
    let env = TestEnv::new();
    let audiences = "audiences = [\"Test Registry Key\"]";
    env.edit_configuration(audiences, &format!("{audiences}\ngo_live = \"+7d\""));
    let go_live = |job: &Value| {
        let shown = env.json(&["show", &id_of(job, "id")]);
        let events = shown["events"].as_array().expect("events").clone();
        events.iter().find_map(|event| Some(event["go_live"].as_str()?.get(..19)?.to_owned()))
    };
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
    let original = env.wait_for_end();
    let original_go_live = go_live(&original);
    assert!(original_go_live.is_some());
    let (product, submission) = (id_of(&original, "product_id"), id_of(&original, "submission_id"));
    let adopt = |more: &[&str]| env.run(&[&["--json", "adopt", &product, &submission], more].concat());

    let daemon = ready(&env);
    let refused = adopt(&["--folder", "in"]);
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused.stdout));
    assert!(text(&refused.stdout).contains(&id_of(&original, "id")), "{}", text(&refused.stdout));
    assert_eq!(daemon.terminate(), Some(0));

    // Neither the store nor a receipt nor the file is known any more: another tool could have made the submission.
    for name in ["store", "out"] {
        fs::remove_dir_all(env.path(name)).expect("removed");
    }
    fs::remove_file(env.path("drop/echo.cab")).expect("removed");
    let daemon = ready(&env);
    assert_ne!(adopt(&["--folder", "nowhere"]).status.code(), Some(0));
    assert_ne!(adopt(&["--rule", "nowhere"]).status.code(), Some(0));
    let adopted = adopt(&["--folder", "in"]);
    assert_eq!(adopted.status.code(), Some(0), "{}\n{}", text(&adopted.stderr), env.log());
    let ended = env.wait_for_end();
    assert_eq!(ended["state"], "succeeded", "{ended:#}\n{}", env.log());
    assert_eq!(
        (id_of(&ended, "product_id"), id_of(&ended, "submission_id")),
        (product.clone(), submission.clone())
    );
    assert_eq!(ended["labels"][0]["id"], original["labels"][0]["id"], "the label of that name is used");
    assert_eq!(go_live(&ended), original_go_live, "an existing label is not live earlier");
    assert_eq!(ended["sha256"], original["sha256"]);
    assert_eq!(env.created(), (1, 1, 1), "{}", env.log());
    assert_eq!(adopt(&["--folder", "in"]).status.code(), Some(1), "it is followed already");
    // The package itself is known from now on.
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let output = env.run(&["wait", env.path("drop/echo.cab").to_str().expect("UTF-8")]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(env.created(), (1, 1, 1));
    assert_eq!(daemon.terminate(), Some(0));
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
    assert_eq!(env.created(), (1, 1, 1), "after a restart");
}

#[test]
fn crash_at_any_point_of_adopting_creates_nothing_twice() {
    let env = TestEnv::new();
    let failing_downloads =
        json!({"operation": "blob", "method": "GET", "times": 0, "action": {"kind": "drop_before"}});
    // Made elsewhere: signed, and without labels.
    env.fault(&failing_downloads);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let daemon = env.daemon(&[]);
    let collecting = || env.receipts().pop().filter(|receipt| receipt["step"] == "collect");
    let original = wait_for("the step collect", collecting).unwrap_or_else(|| panic!("{}", env.log()));
    daemon.kill();
    assert_eq!(env.created(), (1, 1, 0));
    for name in ["store", "out"] {
        fs::remove_dir_all(env.path(name)).expect("removed");
    }
    fs::remove_file(env.path("drop/echo.cab")).expect("removed");
    let (product, submission) = (id_of(&original, "product_id"), id_of(&original, "submission_id"));

    let hangs = |operation: &str| json!({"operation": operation, "times": 0, "action": {"kind": "hang"}});
    let download = |nth: u64| json!({"operation": "blob", "method": "GET", "nth": nth, "times": 0, "action": {"kind": "hang"}});
    // The request takes effect at once, and the response never arrives.
    let label = json!({"operation": "create_label", "action": {"kind": "delay", "ms": 600_000}});
    // Each point: the fault, and the number of requests for an operation that shows that the point is reached.
    let points = [
        ("the submission", hangs("get_submission"), "get_submission", 1),
        ("its labels", hangs("list_labels"), "list_labels", 1),
        ("its package", download(1), "blob", 1),
        ("its results", download(2), "blob", 2),
        ("a label in flight", label, "create_label", 1),
    ];
    for (what, fault, operation, requests) in points {
        let request_count = || {
            let entries = env.sandbox.control().requests();
            entries.iter().filter(|entry| entry.operation == operation).count()
        };
        let before = request_count();
        env.only_fault(&fault);
        let daemon = ready(&env);
        let mut adopt = env.command(&["adopt", &product, &submission, "--folder", "in"]);
        let mut adopt =
            adopt.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the command starts");
        let reached = wait_for(what, || (request_count() >= before + requests).then_some(()));
        assert!(reached.is_some(), "{what}: {}", env.log());
        daemon.kill();
        adopt.wait().expect("the command ends");
        env.no_faults();
    }
    let daemon = ready(&env);
    assert_eq!(env.wait_for_end()["state"], "succeeded", "{}", env.log());
    assert_eq!(daemon.terminate(), Some(0));
    assert_eq!(env.created(), (1, 1, 1), "{}", env.log());
    assert_eq!(env.json(&["jobs"]).as_array().map(Vec::len), Some(1));
    let findings = env.run(&["doctor"]);
    assert_eq!(findings.status.code(), Some(0), "{}", text(&findings.stdout));
}
