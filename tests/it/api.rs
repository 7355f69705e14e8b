//! `dropship api`: the real binary against a sandbox.

mod derived;
mod downloads;
mod incomplete_lists;
mod progress_and_dry_run;
mod request_files;
mod waits;

use std::fs;

use dropship_sandbox::{Fault, FaultAction};
use serde_json::{Value, json};

use crate::harness::api::{ApiFixture, fetch};
use crate::harness::fixture;

#[test]
fn api_list_with_pages_prints_every_object_with_string_ids() {
    let api = ApiFixture::new();
    let ids = api.control().add_products("tenant", "Widget", 23);
    let listed = api.json(&["product", "list"]);
    let listed = listed.as_array().expect("a list");
    let found: Vec<u64> =
        listed.iter().map(|item| item["id"].as_str().expect("a string").parse().expect("digits")).collect();
    assert_eq!(found, ids);
    assert!(api.control().count("list_products") >= 4, "in pages");
    for item in listed {
        assert!(item["productName"].as_str().is_some_and(|name| name.starts_with("Widget ")), "{item}");
        assert!(item["sharedProductId"].is_string() && item["sourceProductId"].is_string(), "{item}");
        assert_eq!(item["driverType"], "desktop", "an undocumented value is kept");
    }
    let table = api.stdout(&["product", "list"]);
    assert_eq!(table.lines().count(), 24, "{table}");
    assert!(table.starts_with("ID ") && table.contains("Widget 23"), "{table}");
    assert_eq!(api.json(&["submission", "list", &ids[0].to_string()]), json!([]));
    assert_eq!(api.stdout(&["submission", "list", &ids[0].to_string()]).trim(), "none");
    assert!(api.stdout(&["audience", "list"]).contains("Test_Registry_Key"));
}

#[test]
fn product_and_submission_can_be_shown_and_changed() {
    let api = ApiFixture::new();
    let (product, submission) = api.uploaded();
    let shown = api.json(&["product", "get", &product]);
    assert_eq!((&shown["id"], &shown["productName"]), (&json!(product), &json!("Echo 1")));
    assert!(api.stdout(&["product", "get", &product]).contains("productName"));

    let update = [
        "product",
        "update",
        &product,
        "--name",
        "Echo II",
        "--marketing-name",
        "E",
        "--marketing-name",
        "F",
    ];
    let done = api.json(&[&update[..], &["--announcement-date", "2031-02-03"]].concat());
    assert_eq!(done["sent"], true);
    let shown = api.json(&["product", "get", &product]);
    assert_eq!((&shown["productName"], &shown["marketingNames"]), (&json!("Echo II"), &json!(["E", "F"])));
    assert!(shown["announcementDate"].as_str().is_some_and(|date| date.starts_with("2031-02-03")), "{shown}");

    api.stdout(&["submission", "update", &product, &submission, "--name", "second try"]);
    let listed = api.json(&["submission", "list", &product]);
    assert_eq!((&listed[0]["id"], &listed[0]["name"]), (&json!(submission), &json!("second try")));
    let shown = api.json(&["submission", "get", &product, &submission]);
    assert_eq!((&shown["commitStatus"], &shown["productId"]), (&json!("commitPending"), &json!(product)));
    let url = shown["downloads"]["items"][0]["url"].as_str().expect("a URL");
    assert!(url.contains("sig=***"), "{url}");
}

#[test]
fn dry_run_prints_the_request_and_changes_nothing() {
    let api = ApiFixture::new();
    let (product, submission) = api.uploaded();
    let requests = api.control().requests().len();
    let changed = api.changes().len();

    let path = format!("/v2.0/my/hardware/products/{product}");
    let printed = api.json(&["product", "update", &product, "--name", "X", "--dry-run"]);
    assert_eq!(
        printed,
        json!({"method": "PATCH", "path": path, "body": {"productName": "X"}, "sent": false})
    );
    let path = format!("{path}/submissions/{submission}");
    let printed = api.json(&["submission", "update", &product, &submission, "--name", "Y", "--dry-run"]);
    assert_eq!(printed, json!({"method": "PATCH", "path": path, "body": {"name": "Y"}, "sent": false}));
    let printed = api.json(&["submission", "commit", &product, &submission, "--dry-run"]);
    assert_eq!(
        printed,
        json!({"method": "POST", "path": format!("{path}/commit"), "body": null, "sent": false})
    );
    let printed = api.stdout(&["label", "cancel", &product, &submission, "5", "--dry-run"]);
    assert!(printed.starts_with(&format!("PUT {path}/shippingLabels/5/cancel\n")), "{printed}");
    let guid = "2F3D3EB7-0ed5-4f28-8e06-5b3e5e7d1a11";
    let edit = ["label", "update", &product, &submission, "5", "--dry-run"];
    let printed =
        api.json(&[&edit[..], &["--audience", guid, "--add-hardware-id", r"b|a.inf|OS|pci\x"]].concat());
    let targeting = json!({
        "restrictedToAudiences": [guid.to_lowercase()],
        "hardwareIds": [{"action": "add", "bundleId": "b", "infId": "a.inf", "operatingSystemCode": "OS", "pnpString": r"pci\x"}],
    });
    assert_eq!(printed["body"], json!({ "targeting": targeting }));
    assert_eq!(api.control().requests().len(), requests, "not even a token was asked for");

    // Looking up the id of a name changes nothing.
    let printed = api.json(&[&edit[..], &["--audience", "Pilot_Fleet"]].concat());
    assert_eq!(printed["body"]["targeting"]["restrictedToAudiences"], json!([api.audience("Pilot Fleet")]));
    assert_eq!(api.changes().len(), changed);
}

#[test]
fn committed_submission_results_are_downloaded_completely() {
    let api = ApiFixture::new();
    let (product, submission) = api.uploaded();
    let (code, why) = api.fail(&fetch(&product, &submission, &[]));
    assert_eq!(code, 1);
    assert!(why.contains("does not offer signed") && why.contains("it offers initial"), "{why}");

    let (product, submission) = api.signed();
    assert_eq!(api.control().count("commit"), 1);
    let (code, _) = api.fail(&["submission", "commit", &product, &submission]);
    assert_eq!(code, 1, "a second commit is refused");

    let file = api.path("signed.zip");
    let to = file.to_str().expect("a path");
    // The connection breaks during the download; the file is complete nevertheless.
    api.control().fault(Fault::on("blob", FaultAction::Truncate).method("GET")).expect("a fault");
    let printed = api.json(&fetch(&product, &submission, &["--to", to]));
    let bytes = fs::read(&file).expect("the file");
    assert_eq!(printed, json!({"file": to, "size": bytes.len()}));
    assert!(bytes.starts_with(b"PK"));
    fs::write(&file, "mine").expect("another file");
    let (code, why) = api.fail(&fetch(&product, &submission, &["--to", to]));
    assert_eq!((code, fs::read(&file).expect("a file")), (1, b"mine".to_vec()));
    assert!(why.contains("--force"), "{why}");
    api.stdout(&fetch(&product, &submission, &["--to", to, "--force"]));
    assert_eq!(fs::read(&file).expect("a file"), bytes);

    fs::create_dir(api.path("results")).expect("a folder");
    api.stdout(&fetch(&product, &submission, &["--to", "results", "--kind", "metadata"]));
    api.stdout(&fetch(&product, &submission, &["--to", "results", "--kind", "certification"]));
    api.stdout(&fetch(&product, &submission, &["--to", "results", "--kind", "initial"]));
    let metadata = fs::read(api.path(&format!("results/driver-metadata-{submission}.json"))).expect("a file");
    assert!(serde_json::from_slice::<Value>(&metadata).expect("JSON")["BundleInfoMap"].is_object());
    let initial = fs::read(api.path(&format!("results/initial-{submission}"))).expect("a file");
    assert_eq!(initial, fs::read(fixture("cab/good-signed-ts.cab")).expect("a fixture"));
    assert_eq!(fs::read_dir(api.path("results")).expect("a folder").count(), 3, "no part is left");
    let (code, why) = api.fail(&fetch(&product, &submission, &["--kind", "error-report"]));
    assert!(code == 1 && why.contains("does not offer error-report"), "{why}");
}

#[test]
fn label_update_changes_its_targets() {
    let api = ApiFixture::new();
    let (ids, rows) = api.published();
    let listed = api.json(&["label", "list", &ids.product, &ids.submission]);
    assert_eq!((&listed[0]["id"], &listed[0]["name"]), (&json!(ids.label), &json!("ring")));
    let shown = api.json(&ids.on("get", &[]));
    assert_eq!(shown["targeting"]["hardwareIds"][0]["distributionState"], "added", "{shown}");

    let chid = "{2F3D3EB7-0ed5-4f28-8e06-5b3e5e7d1a11}";
    let more = ["--add-hardware-id", "*|*|*|*", "--add-chid", chid, "--audience", "pilot fleet"];
    let more = [&more[..], &["--audience", "Test_Registry_Key", "--ceiling", "NI", "--justification", "why"]]
        .concat();
    api.json(&ids.on("update", &more));
    let state = api.label_state();
    let targeting = &state["targeting"];
    assert_eq!(targeting["hardwareIds"].as_array().map(Vec::len), Some(rows.len()), "{targeting:#}");
    assert_eq!(targeting["chids"][0]["chid"], "2f3d3eb7-0ed5-4f28-8e06-5b3e5e7d1a11");
    let audiences = [api.audience("Pilot Fleet"), api.audience("Test Registry Key")];
    assert_eq!(targeting["restrictedToAudiences"], json!(audiences));
    assert_eq!(
        targeting["inServicePublishInfo"],
        json!({"flooring": "RS1", "ceiling": "NI"}),
        "the floor stays"
    );

    let (code, why) = api.fail(&ids.on("update", &["--no-audience"]));
    assert!(code == 1 && why.contains("another workflow") && why.contains("[request "), "locked: {why}");
    api.advance_work(4000);
    api.stdout(
        &ids.on("update", &["--remove-hardware-id", &rows[0], "--remove-chid", chid, "--no-audience"]),
    );
    let targeting = api.label_state()["targeting"].clone();
    assert_eq!(targeting["hardwareIds"][0]["distributionState"], "pendingRemove", "{targeting:#}");
    assert_eq!(targeting["hardwareIds"][1]["distributionState"], "pendingAdd", "{targeting:#}");
    assert_eq!(targeting["chids"][0]["distributionState"], "pendingRemove");
    assert_eq!(targeting["restrictedToAudiences"], json!([]));
    api.advance_work(4000);
    api.stdout(&ids.on("update", &["--remove-hardware-id", "*|*|*|*"]));
    let patches = api.changes();
    let removed = &patches.last().expect("a change").2["targeting"]["hardwareIds"];
    assert_eq!(removed.as_array().map(Vec::len), Some(rows.len() - 1), "what is gone is not removed again");
}

#[test]
fn contradictory_change_is_refused_before_it_is_sent() {
    let api = ApiFixture::new();
    let edit = ["label", "update", "1", "2", "3"];
    let refused = |more: &[&str], word: &str| {
        let (code, why) = api.fail(&[&edit[..], more].concat());
        assert!(code == 64 && why.contains(word), "{more:?}: {code} {why}");
    };
    refused(&[], "nothing to change");
    refused(&["--dry-run"], "nothing to change");
    refused(&["--audience", ""], "--audience");
    refused(&["--audience", "x", "--no-audience"], "cannot be used with");
    refused(&["--floor", "RS1", "--ceiling", "NI"], "--justification");
    refused(&["--add-hardware-id", "pci\\x"], "BUNDLE|INF|OS|PNP");
    refused(&["--add-chid", "amd64"], "GUID");
    refused(
        &["--add-hardware-id", "a|b|c|d", "--remove-hardware-id", "a|b|c|d"],
        "cannot both add and remove",
    );
    assert_eq!(api.fail(&["product", "update", "1"]).0, 64);
    assert_eq!(api.fail(&["product", "update", "1", "--announcement-date", "soon"]).0, 64);
    assert_eq!(api.fail(&["product", "get", "one"]).0, 64);
    assert!(api.control().requests().is_empty(), "nothing was sent");

    let (code, why) = api.fail(&[&edit[..], &["--audience", "Everybody"]].concat());
    assert!(code == 1 && why.contains("no audience `Everybody`") && why.contains("`Pilot Fleet`"), "{why}");
    assert_eq!(api.changes(), []);
}

#[test]
fn label_cancel_withdraws_the_label() {
    let api = ApiFixture::new();
    let (ids, _) = api.published();
    let (code, why) = api.fail(&ids.on("cancel", &[]));
    assert!(code == 1 && why.contains("Microsoft Approval"), "a published one is not: {why}");
    api.stdout(&ids.on("update", &["--audience", "Surface SSRK"]));
    // Half-way to publication, the label waits for Microsoft's approval.
    api.advance_work(1800);
    let printed = api.stdout(&ids.on("cancel", &[]));
    assert!(printed.contains("more than a day"), "{printed}");
    assert_eq!(api.label_state()["cancelled"], true);
    api.advance_work(30 * 3600);
    let shown = api.json(&ids.on("get", &[]));
    assert_eq!(shown["workflowStatus"]["state"], "failed", "{shown:#}");
}

#[test]
fn api_error_class_decides_the_exit_code() {
    let api = ApiFixture::new();
    let get = ["product", "get", "14461751976964156"];
    let (code, why) = api.fail(&get);
    assert!(code == 1 && why.contains("404") && why.contains("Product not found"), "{why}");
    assert!(why.contains("[request "), "{why}");

    let fault = |action| api.control().fault(Fault::on("get_product", action).times(2)).expect("a fault");
    fault(FaultAction::status(403));
    let (code, why) = api.fail(&get);
    assert!(code == 77 && why.contains("403") && why.contains("Driver Submitter"), "{why}");
    api.control().clear_faults();
    fault(FaultAction::status(401));
    let (code, why) = api.fail(&get);
    assert!(code == 78 && why.contains("401"), "{code} {why}");
    api.control().clear_faults();

    let (code, why) = api.fail(&["--account", "nobody", "product", "list"]);
    assert!(code == 78 && why.contains("`default`, `other`"), "{why}");
    let (code, why) = api.fail(&["product", "list", "--account", "other"]);
    assert!(code == 78 && why.contains("no-such-secret"), "{why}");
    api.stdout(&["product", "list"]);
}

#[test]
fn api_commands_take_a_package_to_a_label() {
    let api = ApiFixture::new();
    let product = json!({
        "productName": "By hand", "testHarness": "attestation", "deviceType": "internal",
        "requestedSignatures": ["WINDOWS_v100_X64_CO_FULL"],
    });
    fs::write(api.path("product.json"), product.to_string()).expect("a file");
    let create = ["product", "create", "--file", "product.json"];
    let printed = api.json(&[&create[..], &["--dry-run"]].concat());
    assert_eq!((&printed["method"], &printed["sent"]), (&json!("POST"), &json!(false)));
    assert_eq!(printed["body"]["productName"], "By hand");
    assert!(api.control().requests().is_empty(), "nothing was sent");
    let id = |value: Value| value["id"].as_str().expect("an id").to_owned();
    let product = id(api.json(&create));
    let submission = id(api.json(&["submission", "create", &product, "--name", "first"]));
    let cab = fixture("cab/good-signed-ts.cab");
    let upload = ["submission", "upload", &product, &submission, cab.to_str().expect("a path")];
    assert_eq!(api.json(&[&upload[..], &["--dry-run"]].concat())["sent"], false);
    let done = api.json(&upload);
    assert_eq!(done["size"], fs::metadata(&cab).expect("a fixture").len());
    api.stdout(&["submission", "commit", &product, &submission]);
    api.advance_work(700);
    api.stdout(&["submission", "publisher-metadata", &product, &submission]);
    let label = json!({"name": "l", "destination": "nowhere"});
    fs::write(api.path("label.json"), label.to_string()).expect("a file");
    let create = ["label", "create", &product, &submission, "--file", "label.json"];
    assert_eq!(api.json(&[&create[..], &["--dry-run"]].concat())["body"]["name"], "l");
    assert_eq!(api.fail(&create).0, 1, "the service refuses it");
    fs::write(api.path("label.json"), "{").expect("a file");
    assert_eq!(api.fail(&create).0, 64);
    assert_eq!(api.fail(&["submission", "translate", "1", &product, &submission]).0, 1);

    let package = id(api.json(&["preprod", "submit", cab.to_str().expect("a path")]));
    assert_eq!(api.json(&["preprod", "get", &package])["id"], json!(package));
    api.advance_work(700);
    let assets = api.json(&["preprod", "assets", &package]);
    let asset = assets[0]["id"].as_str().expect("an asset").to_owned();
    api.stdout(&["preprod", "download", &package, &asset, "--to", "pre.zip"]);
    assert!(fs::read(api.path("pre.zip")).expect("a file").starts_with(b"PK"));
}
