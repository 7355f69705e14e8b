//! The samples in `config/`, run with the sandbox, create the labels that their comments describe.

use std::fs;

use serde_json::{Value, json};

use super::running::{receipt_of, wait_for_daemon};
use crate::harness::{TestEnv, bytes, text};

/// An environment with the rules of one sample and `[defaults]` of the commented configuration. Only long waits and
/// the signers are changed.
fn env_of(sample: &str, folder: &str, changes: &[(&str, &str)]) -> TestEnv {
    let env = TestEnv::with(crate::harness::usual_quirks(), "");
    let path = format!("{}/config/rules.d/{sample}", env!("CARGO_MANIFEST_DIR"));
    let mut rules = fs::read_to_string(path).expect("a sample");
    for (from, to) in changes {
        assert!(rules.contains(from), "{from}");
        rules = rules.replace(from, to);
    }
    fs::write(env.path("sample.toml"), rules).expect("written");
    let config = fs::read_to_string(env.path("dropship.toml")).expect("a configuration");
    let (before, _) = config.split_once("[[rule]]").expect("a rule");
    let config = before.replace("name = \"in\"", &format!("name = \"{folder}\""));
    let defaults = "[defaults.product]\ndevice_type = \"internal\"\n";
    fs::write(env.path("dropship.toml"), format!("include = [\"sample.toml\"]\n{config}{defaults}"))
        .expect("written");
    env
}

fn names(receipt: &Value) -> Vec<&str> {
    let labels = receipt["labels"].as_array().expect("labels");
    labels.iter().map(|label| label["name"].as_str().expect("a name")).collect()
}

fn label_requests(env: &TestEnv) -> Vec<Value> {
    let requests = env.sandbox.control().requests();
    let labels = requests.iter().filter(|entry| entry.operation == "create_label");
    labels.map(|entry| serde_json::to_value(&entry.body).expect("JSON")).collect()
}

/// The packages are planned again with the configuration that they were planned with.
fn prints_no_difference(env: &TestEnv) {
    let replay = env.run(&["plan", "--replay", "--verbose"]);
    assert_eq!(
        (replay.status.code(), text(&replay.stdout)),
        (Some(0), String::new()),
        "{}",
        text(&replay.stderr)
    );
    assert_eq!(env.json(&["plan", "--replay"])["planned"], 1);
}

#[test]
fn attestation_sample_targets_the_test_ring_only() {
    let env = env_of(
        "10-attestation.toml",
        "attestation",
        &[("provider = \"Contoso*\"", "provider = \"Example*\"")],
    );
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let done = receipt_of(&env, "echo.cab", "succeeded");
    assert_eq!(names(&done), ["echo 1.2.3.4 test ring"]);
    let [label] = <[Value; 1]>::try_from(label_requests(&env)).expect("one label");
    let publishing = &label["publishingSpecifications"];
    assert_eq!(publishing["manualAcquisition"], true);
    assert_eq!(publishing["goLiveDate"], Value::Null, "live as soon as certified");
    assert_eq!(label["targeting"]["restrictedToAudiences"].as_array().map(Vec::len), Some(1));
    let rows = label["targeting"]["hardwareIds"].as_array().expect("rows");
    assert!(
        !rows.is_empty()
            && rows
                .iter()
                .all(|row| row["operatingSystemCode"].as_str().is_some_and(|os| os.contains("_CO_"))),
        "{rows:?}"
    );
    prints_no_difference(&env);
    drop(daemon);
}

#[test]
fn retail_sample_is_staged_and_held_before_broad_release() {
    let env = env_of(
        "20-whql-retail.toml",
        "whql",
        &[("soak = \"3d\"", "soak = \"1s\""), ("soak = \"7d\"", "soak = \"1s\"")],
    );
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    env.drop_package("echo-2.0.0.0.hlkx", &bytes("hlkx/good.hlkx"));
    let held = receipt_of(&env, "echo-2.0.0.0.hlkx", "held");
    assert_eq!(names(&held), ["echo-2.0.0.0 test ring", "echo-2.0.0.0 pilot", "echo-2.0.0.0 retail"]);
    assert_eq!(label_requests(&env).len(), 2);
    assert_eq!(env.run(&["approve", held["id"].as_str().expect("an id")]).status.code(), Some(0));
    receipt_of(&env, "echo-2.0.0.0.hlkx", "succeeded");
    let [ring, pilot, retail] = <[Value; 3]>::try_from(label_requests(&env)).expect("three labels");
    assert_eq!(ring["targeting"]["restrictedToAudiences"].as_array().map(Vec::len), Some(1));
    for label in [&pilot, &retail] {
        assert_eq!(
            label["targeting"]
                .get("restrictedToAudiences")
                .and_then(|list| list.as_array())
                .map_or(0, Vec::len),
            0
        );
    }
    assert_eq!(pilot["publishingSpecifications"]["manualAcquisition"], true);
    assert_eq!(retail["publishingSpecifications"]["manualAcquisition"], false);
    assert_eq!(retail["publishingSpecifications"]["isAutoInstallOnApplicableSystems"], true);
    assert!(retail["publishingSpecifications"]["goLiveDate"].is_string(), "the next working day: {retail:#}");
    prints_no_difference(&env);
    drop(daemon);
}

#[test]
fn oem_sample_creates_one_label_per_partner_and_none_for_windows_update() {
    let changes = [
        ("signer = \"Contoso*\"", "signer = \"Example*\""),
        ("'*&SUBSYS_????1028', '*&SUBSYS_????17AA'", "'*'"),
    ];
    let env = env_of("30-oem-sharing.toml", "oem", &changes);
    let daemon = env.daemon(&[]);
    env.drop_package("echo-2.1.0.0.hlkx", &bytes("hlkx/good.hlkx"));
    let done = receipt_of(&env, "echo-2.1.0.0.hlkx", "succeeded");
    assert_eq!(names(&done), ["echo-2.1.0.0 for 27691110", "echo-2.1.0.0 for 27691111"]);
    for (label, partner) in label_requests(&env).iter().zip(["27691110", "27691111"]) {
        assert_eq!(label["destination"], "anotherPartner");
        assert_eq!(label["recipientSpecifications"]["receiverPublisherId"], json!(partner));
        assert_eq!(label["recipientSpecifications"]["enforceChidTargeting"], true);
    }
    prints_no_difference(&env);
    drop(daemon);
}

#[test]
fn every_sample_file_names_the_schema() {
    let config = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/config"));
    let folder = std::fs::read_dir(config.join("rules.d")).expect("samples");
    let samples = folder.map(|item| item.expect("a sample").path()).chain([config.join("dropship.toml")]);
    let mut seen = 0;
    for path in samples {
        let text = std::fs::read_to_string(&path).expect("a sample");
        let schema =
            text.lines().next().and_then(|line| line.strip_prefix("#:schema ")).expect("a first line");
        let schema = path.parent().expect("a folder").join(schema);
        let schema: Value =
            serde_json::from_slice(&std::fs::read(&schema).expect("the schema")).expect("JSON");
        assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#", "{}", path.display());
        seen += 1;
    }
    assert_eq!(seen, 4);
}
