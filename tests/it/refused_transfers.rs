//! Files that the service offers and does not deliver, or not at once.

use dropship_sandbox::Quirks;
use serde_json::{Value, json};

use crate::harness::{TestEnv, bytes, wait_for};

fn refusal(method: &str, status: u16, times: u32) -> Value {
    json!({ "operation": "blob", "method": method, "times": times, "action": { "kind": "status", "status": status } })
}

#[test]
fn files_that_the_blob_store_refuses_at_first_are_transferred() {
    let env = TestEnv::with(Quirks::none(), "");
    for fault in
        [refusal("HEAD", 404, 1), refusal("GET", 404, 1), refusal("PUT", 403, 1), refusal("GET", 403, 1)]
    {
        env.fault(&fault);
    }
    let empty = json!({ "kind": "status", "status": 200, "body": "empty" });
    env.fault(&json!({ "operation": "certification_report", "times": 100, "action": empty }));
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let receipt = env.ended();
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
    assert_eq!(env.ended()["state"], "succeeded", "{}", env.log());
    assert_eq!(daemon.terminate(), Some(0));
}
