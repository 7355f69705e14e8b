//! Variables that a package brings in a sidecar: data among what the rule allows, and nothing more.

use std::fs;

use dropship_sandbox::Quirks;
use serde_json::json;

use super::running::{edit, receipt_of};
use crate::home::{Home, bytes};

const CAB: &str = "cab/good-signed-ts.cab";

fn home() -> Home {
    let home = Home::with(Quirks::all(), "");
    edit(
        &home,
        &[
            ("settle = \"200ms\"", "settle = \"200ms\"\nready = \"sidecar:.toml\""),
            (
                "match = { file = \"*.cab\" }",
                "match = { file = \"*.cab\" }\nvars = { branch = { allowed = [\"main\", \"rel-*\"], default = \"main\" } }",
            ),
            ("name = \"{{ file.stem }} test ring\"", "name = \"{{ file.stem }} {{ vars.branch }} ring\""),
        ],
    );
    home
}

#[test]
fn a_sidecar_sets_what_the_rule_declares_and_it_is_kept_with_the_job() {
    let home = home();
    let daemon = home.daemon(&[]);
    home.drop_package("echo.cab", &bytes(CAB));
    fs::write(home.path("drop/echo.cab.toml"), "branch = \"rel-{{ signer }}\"\n").expect("a sidecar");
    let done = receipt_of(&home, "echo.cab", "succeeded");
    assert_eq!(done["vars"], json!({"branch": "rel-{{ signer }}"}));
    assert_eq!(done["labels"][0]["name"], "echo rel-{{ signer }} ring", "data, never a template");
    // `plan` reads the same.
    let file = home.path("drop/echo.cab");
    let plan = home.json(&["plan", file.to_str().expect("a path")]);
    assert_eq!(plan["labels"][0]["name"], "echo rel-{{ signer }} ring", "{plan:#}");
    drop(daemon);
}

#[test]
fn what_is_not_declared_not_allowed_or_no_toml_is_rejected_with_the_reason() {
    for (text, why) in [
        ("branch = \"topic\"", "`vars.branch` may be"),
        ("brunch = \"main\"", "declares no `vars.brunch`"),
        ("branch", "the sidecar"),
        (&format!("branch = \"rel-{}\"", "x".repeat(4096)), "longer than 4096 bytes"),
    ] {
        let home = home();
        let daemon = home.daemon(&[]);
        fs::write(home.path("drop/echo.cab.toml"), text).expect("a sidecar");
        home.drop_package("echo.cab", &bytes(CAB));
        let receipt = receipt_of(&home, "echo.cab", "rejected");
        let message = receipt["error"]["message"].as_str().expect("a message");
        assert!(message.contains(why), "{why} in {message}");
        assert_eq!(home.created(), (0, 0, 0));
        drop(daemon);
    }
}
