//! Derived submissions: refused before anything is sent where the service would refuse them.

use std::fs;

use serde_json::json;

use crate::harness::api::ApiFixture;

#[test]
fn derived_submission_is_refused_before_it_is_sent() {
    let api = ApiFixture::with("derived-refusal");
    let (attested, _) = api.signed();
    let product = json!({
        "productName": "Echo test", "testHarness": "hlk", "deviceType": "internal", "isTestSign": true,
        "requestedSignatures": ["WINDOWS_v100_X64_CO_FULL"],
    });
    fs::write(api.path("product.json"), product.to_string()).expect("a file");
    let created = api.json(&["product", "create", "--file", "product.json"]);
    let test_signed = created["id"].as_str().expect("an id").to_owned();
    api.stdout(&["submission", "create", &test_signed, "--name", "first"]);
    let sent = api.control().count("create_submission");
    for (product, why) in [(&attested, "signed by attestation"), (&test_signed, "test-signed")] {
        let (code, printed) = api.fail(&["submission", "create", product, "--name", "update", "--derived"]);
        assert!(code == 1 && printed.contains(why), "{code} {printed}");
        assert!(
            printed.contains("Cannot create derived submission for Attestation, TestSigned"),
            "{printed}"
        );
    }
    assert_eq!(api.control().count("create_submission"), sent, "nothing was sent");
}
