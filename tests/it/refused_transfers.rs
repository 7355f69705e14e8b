//! Files that the service offers and does not deliver, or not at once.

use std::time::Duration;

use dropship_sandbox::{Options, Quirks};
use serde_json::{Value, json};

use crate::harness::{TestEnv, bytes, wait_for};

fn refusal(method: &str, status: u16, times: u32) -> Value {
    json!({ "operation": "blob", "method": method, "times": times, "action": { "kind": "status", "status": status } })
}

#[test]
fn files_that_the_blob_store_refuses_at_first_are_transferred() {
    let env = TestEnv::with(Quirks::none(), "");
    for fault in [refusal("GET", 404, 1), refusal("PUT", 403, 1), refusal("GET", 403, 1)] {
        env.fault(&fault);
    }
    let empty = json!({ "kind": "status", "status": 200, "body": "empty" });
    env.fault(&json!({ "operation": "certification_report", "times": 100, "action": empty }));
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let receipt = env.wait_for_end();
    assert_eq!(receipt["state"], "succeeded", "{receipt:#}\n{}", env.log());
    assert_eq!(env.created(), (1, 1, 1));
    let files = receipt["files"].to_string();
    assert!(
        files.contains("signed.zip") && !files.contains("certification-report"),
        "an empty report: {files}"
    );
    assert!(env.log().contains("the download is empty"), "{}", env.log());
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn package_that_the_blob_store_keeps_refusing_is_held_until_approved() {
    let env = TestEnv::with(Quirks::none(), "");
    env.fault(&refusal("GET", 403, 100_000));
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let held = || env.receipts().pop().filter(|receipt| receipt["state"] == "held");
    let receipt = wait_for("a held job", held).unwrap_or_else(|| panic!("not held: {}", env.log()));
    let message = receipt["error"]["message"].as_str().expect("a reason");
    assert!(message.contains("signedPackage") && message.contains("approve"), "{message}");
    env.no_faults();
    let id = receipt["id"].as_str().expect("an id");
    assert!(env.run(&["approve", id]).status.success());
    assert_eq!(env.wait_for_end()["state"], "succeeded", "{}", env.log());
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn metadata_without_a_url_hold_the_job_and_an_error_is_no_report() {
    let quirks = Quirks::parse("late-metadata,null-urls").expect("quirks");
    let env = TestEnv::at(Options { quirks, ..Options::default() }, "");
    let action = json!({ "kind": "status", "status": 200 });
    env.fault(&json!({ "operation": "certification_report", "times": 100, "action": action }));
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let control = env.sandbox.control();
    wait_for("the commit", || (control.count("commit") > 0).then_some(())).expect("a commit");
    // The package is signed after 600 s, the metadata get their URL after 660 s.
    control.advance_work(Duration::from_secs(620));
    let in_state = |state: &str| env.receipts().pop().filter(|receipt| receipt["state"] == state);
    let receipt = wait_for("a held job", || in_state("held")).unwrap_or_else(|| panic!("{}", env.log()));
    let message = receipt["error"]["message"].as_str().expect("a reason");
    assert!(message.contains("no URL of driverMetadata") && message.contains("approve"), "{message}");
    control.advance_work(Duration::from_secs(100));
    let id = receipt["id"].as_str().expect("an id");
    assert!(env.run(&["approve", id]).status.success());
    let receipt = wait_for("the end", || {
        control.advance_work(Duration::from_secs(10_000));
        in_state("succeeded")
    })
    .unwrap_or_else(|| panic!("{}", env.log()));
    assert!(!receipt["files"].to_string().contains("certification-report"), "{receipt:#}");
    assert!(env.log().contains("certificationReport: the download is an error"), "{}", env.log());
    assert_eq!(daemon.terminate(), Some(0));
}
