//! Progress on a terminal, and `--dry-run`.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::harness::api::ApiFixture;
use crate::harness::{fixture, text};

/// Runs `dropship api` on a pseudo-terminal; returns everything that it printed there.
fn on_a_terminal(api: &ApiFixture, words: &str) -> String {
    let line = format!(
        "{} --config {} api {words}",
        env!("CARGO_BIN_EXE_dropship"),
        api.path("dropship.toml").display()
    );
    let output =
        Command::new("script").args(["--quiet", "--return", "--command", &line, "/dev/null"]).output();
    let output = output.expect("`script`, of which util-linux makes a terminal, runs");
    assert!(output.status.success(), "{words}: {}", text(&output.stdout));
    text(&output.stdout)
}

#[test]
fn transfer_progress_is_shown_on_a_terminal_only() {
    let api = ApiFixture::new();
    let (product, submission) = api.uploaded();
    let large: Vec<u8> =
        (0..24_u32 << 18).flat_map(|word| word.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    fs::write(api.path("large.cab"), large).expect("a file");
    let upload = format!("submission upload {product} {submission} {}", api.path("large.cab").display());
    let seen = on_a_terminal(&api, &upload);
    assert!(seen.contains("\r\u{1b}[K[") && seen.contains(" %  ") && seen.contains("MiB/s"), "{seen:?}");
    assert!(seen.contains("uploaded ") && seen.contains("(25165824 bytes)"), "{seen:?}");
    // A pipe gets no progress.
    let quiet = api.run(&upload.split(' ').collect::<Vec<_>>());
    assert!(quiet.status.success() && quiet.stderr.is_empty(), "{}", text(&quiet.stderr));
    assert!(!text(&quiet.stdout).contains('\u{1b}'));
    let list = on_a_terminal(&api, "product list");
    assert!(list.contains("HARNESS") && list.contains(&product), "a table with heads: {list}");
}

#[test]
fn every_changing_command_has_a_dry_run() {
    let api = ApiFixture::new();
    let product = json!({"productName": "p", "testHarness": "hlk", "deviceType": "internal", "requestedSignatures": []});
    let label = json!({"name": "l", "destination": "windowsUpdate"});
    fs::write(api.path("product.json"), product.to_string()).expect("a file");
    fs::write(api.path("label.json"), label.to_string()).expect("a file");
    let cab = fixture("cab/good-signed-ts.cab");
    let cab = cab.to_str().expect("a path");
    let tries = [
        ("product create --file product.json", "POST"),
        ("product update 1 --name x", "PATCH"),
        ("submission create 1 --name x", "POST"),
        ("submission update 1 2 --name x", "PATCH"),
        (&format!("submission upload 1 2 {cab}"), "GET"),
        ("submission commit 1 2", "POST"),
        ("submission publisher-metadata 1 2", "POST"),
        ("label create 1 2 --file label.json", "POST"),
        ("label update 1 2 3 --remove-chid 2f3d3eb7-0ed5-4f28-8e06-5b3e5e7d1a11", "PATCH"),
        ("label cancel 1 2 3", "PUT"),
        (&format!("preprod submit {cab}"), "PUT"),
    ];
    for (words, method) in tries {
        let words: Vec<_> = words.split(' ').chain(["--dry-run"]).collect();
        let printed = api.json(&words);
        assert_eq!(
            (&printed["method"], &printed["sent"]),
            (&json!(method), &json!(false)),
            "{words:?}: {printed:#}"
        );
        assert!(
            printed["path"].as_str().is_some_and(|path| path.starts_with("/v2.0/my/hardware/")),
            "{printed:#}"
        );
    }
    assert!(api.control().requests().is_empty(), "not even a token was asked for");
}
