//! `--file`: requests in the API's form and as other tools write them.

use std::fs;

use serde_json::{Value, json};

use crate::harness::api::ApiFixture;

fn write(api: &ApiFixture, file: &str, request: &Value) {
    fs::write(api.path(file), request.to_string()).expect("a file");
}

#[test]
fn files_of_sdcm_create_product_submission_and_label() {
    let api = ApiFixture::new();
    write(
        &api,
        "product.json",
        &json!({"createType": "product", "createProduct": {
            "productName": "Echo WHQL", "testHarness": "Attestation", "announcementDate": "0001-01-01T00:00:00",
            "deviceType": "external", "deviceMetaDataIds": null, "firmwareVersion": 0, "isTestSign": false,
            "selectedProductTypes": {"windows_v100_GE": "Unclassified"}, "markettingNames": null,
            "requestedSignatures": ["WINDOWS_v100_X64_GE_FULL"], "additionalAttributes": null,
        }}),
    );
    let product = api.json(&["product", "create", "--file", "product.json"]);
    assert_eq!((&product["productName"], &product["firmwareVersion"]), (&json!("Echo WHQL"), &json!("0")));
    let pid = product["id"].as_str().expect("an id").to_owned();
    let submission =
        json!({"createType": "submission", "createSubmission": {"name": "first", "type": "initial"}});
    write(&api, "submission.json", &submission);
    let created = api.json(&["submission", "create", &pid, "--file", "submission.json"]);
    assert_eq!((&created["name"], &created["type"]), (&json!("first"), &json!("initial")));
    assert_eq!(created["progress"], "created");
    let wrong = api.fail(&["product", "create", "--file", "submission.json"]);
    assert!(wrong.0 == 64 && wrong.1.contains("`createType` is `submission`"), "{wrong:?}");
    assert_eq!(api.fail(&["submission", "create", &pid, "--file", "submission.json", "--name", "x"]).0, 64);
    assert_eq!(api.fail(&["submission", "create", &pid]).0, 64);
}

#[test]
fn unknown_fields_of_a_label_file_are_sent_and_misspelt_ones_refused() {
    let api = ApiFixture::new();
    let label = json!({
        "createType": "shippingLabel",
        "createShippingLabel": {
            "name": "to a partner", "destination": "anotherPartner", "rolloutRing": {"wave": 3},
            "publishingSpecifications": null, "targeting": {"hardwareIds": [], "chids": null},
            "recipientSpecifications": {"receiverPublisherId": 27_691_110, "blockDuaCreation": "true", "note": "n"},
        },
    });
    write(&api, "label.json", &label);
    let create = ["label", "create", "1", "2", "--file", "label.json", "--dry-run"];
    let body = api.json(&create)["body"].clone();
    assert_eq!(
        body,
        json!({
            "name": "to a partner", "destination": "anotherPartner", "rolloutRing": {"wave": 3}, "targeting": {},
            "recipientSpecifications": {"receiverPublisherId": "27691110", "blockDuaCreation": true, "note": "n"},
        })
    );
    write(
        &api,
        "label.json",
        &json!({"name": "l", "destination": "windowsUpdate", "publishingSpecification": {}}),
    );
    let (code, why) = api.fail(&create);
    assert!(code == 64 && why.contains("did you mean `publishingSpecifications`?"), "{code} {why}");
    assert!(api.control().requests().is_empty(), "nothing was sent");
}

#[test]
fn label_update_changes_builds_and_partner() {
    let api = ApiFixture::new();
    let edit = ["label", "update", "1", "2", "5", "--dry-run"];
    let dry = |more: &[&str]| api.json(&[&edit[..], more].concat())["body"].clone();
    assert_eq!(
        dry(&["--enforce-chid-targeting", "false", "--block-dua-creation", "true"]),
        json!({"recipientSpecifications": {"enforceChidTargeting": false, "blockDuaCreation": true}})
    );
    let builds = json!({"flooringBuildNumber": 26100, "ceilingBuildNumber": 26200});
    assert_eq!(
        dry(&["--floor-build", "26100", "--ceiling-build", "26200"]),
        json!({"targeting": {"coEngDriverPublishInfo": builds}})
    );
    write(
        &api,
        "update.json",
        &json!({"targeting": {"coEngDriverPublishInfo": {"flooringBuildNumber": "26100"}, "chids": null, "newField": 1}}),
    );
    assert_eq!(
        dry(&["--file", "update.json"]),
        json!({"targeting": {"coEngDriverPublishInfo": {"flooringBuildNumber": 26100}, "newField": 1}})
    );
    for (more, word) in [
        (&["--file", "update.json", "--floor", "NI"][..], "cannot be used with"),
        (&["--floor-build", "26100", "--floor", "NI"], "cannot be used with"),
        (&["--floor-build", "262"], "10000..=99999"),
    ] {
        let (code, why) = api.fail(&[&edit[..], more].concat());
        assert!(code == 64 && why.contains(word), "{more:?}: {code} {why}");
    }
    write(
        &api,
        "update.json",
        &json!({"targeting": {"chids": [{"action": "add", "chid": "c", "until": 5}]}}),
    );
    let (code, why) = api.fail(&[&edit[..], &["--file", "update.json"]].concat());
    assert!(code == 64 && why.contains("`targeting.chids[0].until`"), "{code} {why}");
    write(&api, "update.json", &json!({"targeting": {"chids": []}}));
    assert!(api.fail(&[&edit[..], &["--file", "update.json"]].concat()).1.contains("changes nothing"));
    assert!(api.control().requests().is_empty(), "nothing was sent");
}

#[test]
fn partner_of_a_shared_label_is_blocked_from_driver_updates_later() {
    let api = ApiFixture::new();
    let (product, submission) = api.signed();
    api.stdout(&["submission", "download", &product, &submission, "--kind", "metadata", "--to", "m.json"]);
    let label = json!({"name": "share", "destination": "anotherPartner", "targeting": {"hardwareIds": []},
        "recipientSpecifications": {"receiverPublisherId": "27691110", "enforceChidTargeting": false}});
    write(&api, "label.json", &label);
    let created = api.json(&["label", "create", &product, &submission, "--file", "label.json"]);
    let id = created["id"].as_str().expect("an id");
    api.advance_work(4000);
    api.stdout(&["label", "update", &product, &submission, id, "--block-dua-creation", "true"]);
    let shown = api.json(&["label", "get", &product, &submission, id]);
    assert_eq!(
        shown["recipientSpecifications"],
        json!({"receiverPublisherId": "27691110", "enforceChidTargeting": false, "blockDuaCreation": true})
    );
}
