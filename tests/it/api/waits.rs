//! `wait`: by hand to the end of the service's work.

use std::fs;

use serde_json::{Value, json};

use crate::harness::api::ApiFixture;
use crate::harness::{fixture, text};

/// Exit code, document, and notes and error of a command that waits while the service works for some seconds. The command must end
/// before the limit of the harness.
fn run_with_wait(api: &ApiFixture, args: &[&str], seconds: u64) -> (i32, Value, String) {
    run_with_limit(api, args, "2m", seconds)
}

/// The notes and the error of a command that times out after an answer of the service. A slow machine needs a longer timeout.
fn timed_out(api: &ApiFixture, args: &[&str]) -> String {
    let outputs = ["2s", "10s", "40s"].into_iter().map(|timeout| run_with_limit(api, args, timeout, 0));
    let mut notes = outputs.map(|(code, _, notes)| {
        assert_eq!(code, 75, "{args:?}: {notes}");
        notes
    });
    notes.find(|notes| !notes.contains("nothing is known of it")).expect("an answer")
}

fn run_with_limit(api: &ApiFixture, args: &[&str], timeout: &str, seconds: u64) -> (i32, Value, String) {
    let child = api.start(&[args, &["--timeout", timeout, "--json"]].concat());
    api.advance_work(seconds);
    let output = child.wait_with_output().expect("it ends");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let notes =
        format!("{}{}", text(&output.stderr), document["error"]["message"].as_str().unwrap_or_default());
    (output.status.code().expect("an exit code"), document, notes)
}

#[test]
fn submission_wait_ends_with_the_signature() {
    for quirks in ["none", "other-last-step,unknown-steps,unknown-states"] {
        let api = ApiFixture::with(quirks);
        let (product, submission) = api.uploaded();
        let wait = ["submission", "wait", &product, &submission];
        let notes = timed_out(&api, &wait);
        assert!(notes.contains("it is not committed"), "{quirks}: {notes}");
        assert_eq!(api.json(&["submission", "get", &product, &submission])["progress"], "created");
        api.stdout(&["submission", "commit", &product, &submission]);
        api.advance_work(300);
        assert_eq!(api.json(&["submission", "get", &product, &submission])["progress"], "processing");
        let (code, document, notes) = run_with_wait(&api, &wait, 700);
        assert_eq!((code, &document["progress"]), (0, &json!("completed")), "{quirks}: {notes}");
        assert_eq!(document["id"], json!(submission));
    }
}

#[test]
fn submission_wait_for_metadata_ends_with_the_metadata() {
    let api = ApiFixture::with("late-metadata");
    let (product, submission) = api.uploaded();
    api.stdout(&["submission", "commit", &product, &submission]);
    let wait = ["submission", "wait", &product, &submission, "--for", "metadata"];
    let (code, document, notes) = run_with_wait(&api, &wait, 900);
    assert_eq!(code, 0, "{notes}");
    assert!(document["downloads"].to_string().contains("driverMetadata"), "{document}");
}

#[test]
fn submission_wait_of_a_rejected_submission_exits_65_with_the_report() {
    for quirks in ["none", "failed-without-step,pascal-case-status"] {
        let api = ApiFixture::with(quirks);
        let product = api.control().add_products("tenant", "Echo", 1)[0].to_string();
        let created = api.json(&["submission", "create", &product, "--name", "empty"]);
        let submission = created["id"].as_str().expect("an id");
        api.stdout(&["submission", "commit", &product, submission]);
        let wait = ["submission", "wait", &product, submission];
        let (code, document, notes) = run_with_wait(&api, &wait, 900);
        assert_eq!((code, &document["progress"]), (65, &json!("failed")), "{quirks}: {notes}");
        assert!(notes.contains("has failed") && notes.contains("not found or is empty"), "{quirks}: {notes}");
        let report = document["errorReportText"].as_str().expect("the text of the report");
        assert!(report.contains("not found or is empty"), "{quirks}: {report}");
        let shown = api.json(&["submission", "get", &product, submission]);
        assert_eq!(shown["errorReportText"], document["errorReportText"], "{quirks}");
    }
}

#[test]
fn label_wait_ends_with_the_publication_or_the_rejection() {
    for quirks in ["none", "published-state,new-label-404", "numeric-current-step"] {
        let api = ApiFixture::with(quirks);
        let (ids, _) = api.published();
        let (code, document, notes) = run_with_wait(&api, &ids.on("wait", &[]), 0);
        assert_eq!((code, &document["id"]), (0, &json!(ids.label)), "{quirks}: {notes}");
        // A change starts the processing again.
        api.stdout(&ids.on("update", &["--audience", "Surface SSRK"]));
        let notes = timed_out(&api, &ids.on("wait", &[]));
        assert!(notes.contains("did not end in time"), "{quirks}: {notes}");
        assert!(api.control().refuse_label(ids.label.parse().expect("an id"), "no CHIDs"));
        let (code, document, notes) = run_with_wait(&api, &ids.on("wait", &[]), 0);
        assert!(code == 65 && notes.contains("no CHIDs"), "{quirks}: {code} {notes}");
        assert!(document["errorReportText"].to_string().contains("no CHIDs"), "{quirks}: {document}");
    }
}

#[test]
fn preprod_wait_and_asset_end_with_the_signed_files() {
    for quirks in ["none", "preprod-camel-case,assets-envelope"] {
        let api = ApiFixture::with(quirks);
        let cab = fixture("cab/good-signed-ts.cab");
        let sent = api.json(&["preprod", "submit", cab.to_str().expect("a path")]);
        let id = sent["id"].as_str().expect("an id").to_owned();
        assert_eq!(sent["signingStatus"], "NotStarted", "{quirks}");
        let notes = timed_out(&api, &["preprod", "wait", &id]);
        assert!(notes.contains("NotStarted"), "{quirks}: {notes}");
        let (code, document, notes) = run_with_wait(&api, &["preprod", "wait", &id], 700);
        assert_eq!((code, &document["signingStatus"]), (0, &json!("Succeeded")), "{quirks}: {notes}");
        let asset = api.json(&["preprod", "asset", &id]);
        assert_eq!((&asset["packageId"], &asset["assetType"]), (&json!(id), &json!("SignedFilesZip")));
        let done = api.json(&["preprod", "asset", &id, "--to", "pre.zip", "--timeout", "2m"]);
        assert_eq!(done["asset"], asset["id"]);
        assert!(fs::read(api.path("pre.zip")).expect("a file").starts_with(b"PK"));
        let (code, why) = api.fail(&["preprod", "asset", &id, "--to", "pre.zip"]);
        assert!(code == 1 && why.contains("--force"), "{why}");
        assert_eq!(api.fail(&["preprod", "wait", "no-such-package", "--timeout", "2s"]).0, 75);
    }
}

#[test]
fn codes_are_printed_without_configuration() {
    let api = ApiFixture::new();
    fs::remove_file(api.path("dropship.toml")).expect("a configuration");
    let codes = api.json(&["codes"]);
    let has = |list: &str, word: &str| codes[list].as_array().expect("a list").contains(&json!(word));
    assert!(has("os_codes", "WINDOWS_v100_X64_GE_FULL") && has("os_codes", "WINDOWS_v100_ARM64_26H1_FULL"));
    assert!(has("os_families", "Windows_v100_26H1") && has("versions", "MN") && has("versions", "19H1"));
    assert!(api.stdout(&["codes"]).contains("\n  Windows_v100_CO\n"));
}
