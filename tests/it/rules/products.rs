//! The product of a package: new, shared by packages of one version, or an existing one.

use std::fs;

use dropship_sandbox::Quirks;
use serde_json::{Value, json};

use super::cab::cab_with;
use super::running::{bodies, edit, receipt_of, wait_for_daemon};
use crate::harness::{TestEnv, bytes, fixture};

/// An environment that accepts unsigned packages, so that each test can write its own INF.
fn lenient(strategy: &str) -> TestEnv {
    let env = TestEnv::with(Quirks::none(), "");
    edit(
        &env,
        &[
            ("[rule.product]\n", &format!("[rule.product]\n{strategy}\n")),
            ("{{ file.stem }} {{ inf.version }}\"", "{{ inf.version }}\""),
            ("[rule.submission]\nname", "[rule.submission]\ntype = \"initial\"\nname"),
            ("[signers]", "[signers]\nallow_unsigned = true"),
        ],
    );
    env
}

/// A product that was created in Partner Center.
fn create_by_hand(env: &TestEnv, name: &str, harness: &str) -> Value {
    let new = json!({"productName": name, "testHarness": harness, "deviceType": "internal",
        "requestedSignatures": ["WINDOWS_v100_X64_CO_FULL"]});
    let file = env.path("product.json");
    fs::write(&file, new.to_string()).expect("written");
    env.json(&["api", "product", "create", "--file", file.to_str().expect("a path")])
}

#[test]
fn same_version_shares_a_product_and_another_version_gets_its_own() {
    let env = lenient("strategy = \"per_version\"");
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    // The job of the first package stops after its product.
    env.fault(&json!({"operation": "create_submission", "action": {"kind": "status", "status": 422}}));
    env.drop_package("one.cab", &cab_with(&[]));
    let one = receipt_of(&env, "one.cab", "failed");
    env.drop_package("two.cab", &cab_with(&[("ROOT\\ECHO", "ROOT\\OHCE")]));
    let two = receipt_of(&env, "two.cab", "succeeded");
    assert_eq!(one["product_id"], two["product_id"], "one version, one product");
    assert_eq!(bodies(&env, "create_product").len(), 1);
    // A product has one full package. The next one is held, and nothing is created for it.
    env.drop_package("three.cab", &cab_with(&[("ROOT\\ECHO", "ROOT\\CHEO")]));
    let three = receipt_of(&env, "three.cab", "held");
    assert_eq!(
        (&three["error"]["kind"], &three["product_id"]),
        (&json!("exists-already"), &one["product_id"])
    );
    env.drop_package("four.cab", &cab_with(&[("1.2.3.4", "1.2.3.5")]));
    let four = receipt_of(&env, "four.cab", "succeeded");
    assert_ne!(four["product_id"], one["product_id"]);
    assert_eq!(env.created(), (2, 2, 2));
    drop(daemon);
}

#[test]
fn product_is_found_by_name_and_an_ambiguous_name_holds_the_job() {
    let env = lenient("strategy = \"existing\"");
    let make = || create_by_hand(&env, "Example Hardware Inc. 1.2.3.4", "attestation");
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    env.drop_package("early.cab", &cab_with(&[("1.2.3.4", "9.9.9.9")]));
    let early = receipt_of(&env, "early.cab", "held");
    assert_eq!(early["error"]["kind"], "no-such-product", "{early:#}");
    let created = make();
    env.drop_package("one.cab", &cab_with(&[]));
    let one = receipt_of(&env, "one.cab", "succeeded");
    assert_eq!(one["product_id"], created["id"]);
    assert_eq!(bodies(&env, "create_product").len(), 1, "created by hand, and by nothing else");
    make();
    env.drop_package("two.cab", &cab_with(&[("ROOT\\ECHO", "ROOT\\OHCE")]));
    let two = receipt_of(&env, "two.cab", "held");
    let message = two["error"]["message"].as_str().expect("a message");
    assert!(message.contains("but 2 exist"), "{message}");
    assert_eq!(two["product_id"], Value::Null);
    drop(daemon);
}

const WHQL: &str = r#"
[[rule]]
name = "whql"
folders = ["in"]
match = { kind = "hlkx" }
[rule.product]
name = "Echo whql"
test_harness = "hlk"
device_type = "internal"
requested_signatures = "from_package"
[rule.submission]
name = "{{ file.stem }}"
[[rule]]
name = "update"
folders = ["dua"]
match = { kind = "hlkx" }
[rule.product]
strategy = "existing"
name = "Echo whql"
[rule.submission]
name = "{{ file.stem }}"
[[rule.label]]
name = "{{ file.stem }} ring"
destination = "windows_update"
audiences = ["Test Registry Key"]
[[folder]]
name = "dua"
path = "dua"
outbox = "out"
settle = "200ms"
"#;

/// An environment with a rule for full HLK packages and one for driver updates of them.
fn updating_env() -> TestEnv {
    let env = TestEnv::with(crate::harness::usual_quirks(), WHQL);
    fs::create_dir(env.path("dua")).expect("a folder");
    for pem in ["roots.pem", "inter.pem"] {
        fs::copy(fixture(&format!("more/{pem}")), env.path(&format!("more-{pem}"))).expect("a root");
    }
    edit(
        &env,
        &[
            ("roots = [\"roots.pem\"]", "roots = [\"roots.pem\", \"more-roots.pem\"]"),
            ("intermediates = [\"inter.pem\"]", "intermediates = [\"inter.pem\", \"more-inter.pem\"]"),
        ],
    );
    env
}

#[test]
fn driver_update_derives_from_the_offered_shell() {
    let env = updating_env();
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    env.drop_package("echo.hlkx", &bytes("hlkx/good.hlkx"));
    let full = receipt_of(&env, "echo.hlkx", "succeeded");
    // The shell from which the driver update is made is one of the results.
    let files: Vec<_> = full["files"].as_array().expect("files").iter().map(|file| &file["name"]).collect();
    assert!(files.contains(&&json!("derived-shell.hlkx")), "{files:?}");
    let shell = env.path("out").join(full["outbox"].as_str().expect("a folder")).join("derived-shell.hlkx");
    assert!(zip::ZipArchive::new(fs::File::open(shell).expect("the shell")).is_ok());

    fs::copy(fixture("more/good.hlkx"), env.path("dua/update.hlkx")).expect("dropped");
    let update = receipt_of(&env, "update.hlkx", "succeeded");
    assert_eq!(update["product_id"], full["product_id"]);
    assert_ne!(update["submission_id"], full["submission_id"]);
    assert_eq!(bodies(&env, "create_product").len(), 1);
    let kinds: Vec<_> = bodies(&env, "create_submission").iter().map(|body| body["type"].clone()).collect();
    assert_eq!(kinds, ["initial", "derived"]);
    drop(daemon);
}

#[test]
fn driver_update_without_a_shell_is_not_derived() {
    let env = updating_env();
    edit(&env, &[("strategy = \"existing\"\nname = \"Echo whql\"", "strategy = \"existing\"\nid = \"1\"")]);
    let product = create_by_hand(&env, "Echo", "hlk");
    let id = product["id"].as_str().expect("an id");
    edit(&env, &[("id = \"1\"", &format!("id = \"{id}\""))]);
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    fs::copy(fixture("more/good.hlkx"), env.path("dua/update.hlkx")).expect("dropped");
    let held = receipt_of(&env, "update.hlkx", "held");
    assert_eq!(held["error"]["kind"], "no-shell", "{held:#}");
    let message = held["error"]["message"].as_str().expect("a message");
    assert!(message.contains("no initial submission to derive from"), "{message}");
    assert_eq!(bodies(&env, "create_submission").len(), 0, "a request that would be refused is not sent");
    drop(daemon);
}

#[test]
fn driver_update_that_the_service_refuses_is_held_with_its_reason() {
    for (harness, is_test_sign, why) in
        [("attestation", false, "signed by attestation"), ("hlk", true, "test-signed")]
    {
        let env = updating_env();
        let new = json!({"productName": "Echo", "testHarness": harness, "deviceType": "internal",
            "isTestSign": is_test_sign, "requestedSignatures": ["WINDOWS_v100_X64_CO_FULL"]});
        let file = env.path("product.json");
        fs::write(&file, new.to_string()).expect("written");
        let product = env.json(&["api", "product", "create", "--file", file.to_str().expect("a path")]);
        let id = product["id"].as_str().expect("an id");
        env.json(&["api", "submission", "create", id, "--name", "by hand"]);
        edit(
            &env,
            &[(
                "strategy = \"existing\"\nname = \"Echo whql\"",
                &format!("strategy = \"existing\"\nid = \"{id}\""),
            )],
        );
        let daemon = env.daemon(&[]);
        wait_for_daemon(&env);
        fs::copy(fixture("more/good.hlkx"), env.path("dua/update.hlkx")).expect("dropped");
        let held = receipt_of(&env, "update.hlkx", "held");
        assert_eq!(held["error"]["kind"], "no-shell", "{held:#}");
        let message = held["error"]["message"].as_str().expect("a message");
        assert!(message.contains(why), "{message}");
        assert!(
            message.contains("Cannot create derived submission for Attestation, TestSigned"),
            "{message}"
        );
        assert_eq!(bodies(&env, "create_submission").len(), 1, "a request that would be refused is not sent");
        drop(daemon);
    }
}
