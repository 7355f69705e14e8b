//! Variables in a sidecar: a package can set only what its rule declares.

use std::fs;

use serde_json::json;

use super::running::{edit, receipt_of};
use crate::harness::{TestEnv, bytes};

const CAB: &str = "cab/good-signed-ts.cab";

fn env() -> TestEnv {
    let env = TestEnv::with(crate::harness::usual_quirks(), "");
    edit(
        &env,
        &[
            ("settle = \"200ms\"", "settle = \"200ms\"\nready = \"sidecar:.toml\""),
            (
                "match = { file = \"*.cab\" }",
                "match = { file = \"*.cab\" }\nvars = { branch = { allowed = [\"main\", \"rel-*\"], default = \"main\" } }",
            ),
            ("name = \"{{ file.stem }} test ring\"", "name = \"{{ file.stem }} {{ vars.branch }} ring\""),
        ],
    );
    env
}

#[test]
fn sidecar_sets_declared_variables_and_is_kept_with_the_job() {
    let env = env();
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes(CAB));
    fs::write(env.path("drop/echo.cab.toml"), "branch = \"rel-{{ signer }}\"\n").expect("a sidecar");
    let done = receipt_of(&env, "echo.cab", "succeeded");
    assert_eq!(done["vars"], json!({"branch": "rel-{{ signer }}"}));
    assert_eq!(done["labels"][0]["name"], "echo rel-{{ signer }} ring", "data, never a template");
    // `plan` reads the same sidecar.
    let file = env.path("drop/echo.cab");
    let plan = env.json(&["plan", file.to_str().expect("a path")]);
    assert_eq!(plan["labels"][0]["name"], "echo rel-{{ signer }} ring", "{plan:#}");
    drop(daemon);
}

#[test]
fn invalid_sidecar_is_rejected_with_reason() {
    for (text, why) in [
        ("branch = \"topic\"", "`vars.branch` may be"),
        ("brunch = \"main\"", "declares no `vars.brunch`"),
        ("branch", "not valid TOML"),
        (&format!("branch = \"rel-{}\"", "x".repeat(4096)), "longer than 4096 bytes"),
    ] {
        let env = env();
        let daemon = env.daemon(&[]);
        fs::write(env.path("drop/echo.cab.toml"), text).expect("a sidecar");
        env.drop_package("echo.cab", &bytes(CAB));
        let receipt = receipt_of(&env, "echo.cab", "rejected");
        let message = receipt["error"]["message"].as_str().expect("a message");
        assert!(message.contains(why), "{why} in {message}");
        assert_eq!(env.created(), (0, 0, 0));
        drop(daemon);
    }
}
