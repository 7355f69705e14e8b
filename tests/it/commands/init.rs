//! `dropship init`: a configuration for a package that works at once.

use std::path::Path;
use std::process::{Command, Output};

use crate::harness::{bytes, text};

fn dropship(home: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dropship"));
    command.env_remove("DROPSHIP_CONFIG").env_remove("STATE_DIRECTORY").env_remove("RUNTIME_DIRECTORY");
    command.current_dir(home).args(args).output().expect("the command runs")
}

fn run_successfully(home: &Path, args: &[&str]) -> String {
    let output = dropship(home, args);
    let shown = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{args:?}: {shown}");
    shown
}

/// A fixture under another name, and whether its rule has a label.
const PACKAGES: [(&str, &str, bool); 9] = [
    ("cab/good-signed-ts.cab", "echo.cab", true),
    ("cab/good-signed.cab", "Echo [x64] {1}.CAB", true),
    ("cab/good-signed-ec384.cab", "ec.cab", true),
    ("cases/two.cab", "two.cab", true),
    ("cab/multi.cab", "multi.cab", true),
    ("cab/ext.cab", "extension.cab", true),
    ("cases/prim.cab", "primitive.cab", false),
    ("more/good.cab", "more.cab", true),
    ("hlkx/good.hlkx", "kit.hlkx", true),
];

#[test]
fn configuration_of_a_package_passes_check_and_test() {
    for (fixture, name, has_label) in PACKAGES {
        let folder = tempfile::tempdir().expect("a folder");
        let home = folder.path();
        std::fs::write(home.join(name), bytes(fixture)).expect("a package");
        let shown = run_successfully(home, &["init", name]);
        assert!(shown.contains("dropship.toml") && shown.contains("tenant_id"), "{shown}");
        run_successfully(home, &["--config", "dropship.toml", "check"]);
        assert!(run_successfully(home, &["--config", "dropship.toml", "test"]).contains("1 passed"));
        let plan = run_successfully(home, &["--config", "dropship.toml", "plan", name, "--folder", "builds"]);
        assert_eq!(plan.contains("test ring"), has_label, "{fixture}: {plan}");
        let written = std::fs::read_to_string(home.join("dropship.toml")).expect("written");
        assert!(written.contains("everybody = \"hold\""), "{written}");
        // Nothing is overwritten.
        let again = dropship(home, &["init", name]);
        assert_eq!(again.status.code(), Some(1));
        assert!(text(&again.stderr).contains("exists already"), "{}", text(&again.stderr));
        assert_eq!(std::fs::read_to_string(home.join("dropship.toml")).expect("kept"), written);
    }
}

#[test]
fn written_configuration_carries_packages_to_published_labels() {
    for (fixture, name) in [("cab/good-signed-ts.cab", "echo.cab"), ("hlkx/good.hlkx", "kit.hlkx")] {
        let folder = tempfile::tempdir().expect("a folder");
        let home = folder.path();
        std::fs::write(home.join(name), bytes(fixture)).expect("a package");
        std::fs::write(home.join("secret"), "s3cret").expect("a secret");
        let args = [
            "--config",
            "etc/ds.toml",
            "init",
            name,
            "--tenant-id",
            "contoso.onmicrosoft.com",
            "--client-id",
            "app",
            "--client-secret-file",
            "secret",
            "--folder",
            "in",
            "--outbox",
            "results/out",
        ];
        let shown = run_successfully(home, &args);
        assert!(!shown.contains("replace"), "{shown}");
        assert!(!home.join("etc/client-secret").exists() && home.join("in").is_dir());
        run_successfully(home, &["--config", "etc/ds.toml", "check"]);
        let written = std::fs::read_to_string(home.join("etc/ds.toml")).expect("written");
        let poll = "[api.poll]\nsign = { first = \"1s\", max = \"1s\" }\npublish = { first = \"1s\", max = \"1s\" }\n";
        std::fs::write(home.join("etc/ds.toml"), format!("{written}\n{poll}")).expect("polled more often");
        std::fs::copy(home.join(name), home.join("in").join(name)).expect("dropped");
        run_successfully(
            home,
            &["--config", "etc/ds.toml", "run", "--sandbox", "--speed", "3000", "--until-idle"],
        );
        let outboxes = std::fs::read_dir(home.join("etc/store/sandbox/outbox/builds")).expect("an outbox");
        let receipt = outboxes.map(|entry| entry.expect("an entry").path().join("receipt.json")).next();
        let receipt = std::fs::read_to_string(receipt.expect("a receipt")).expect("read");
        let receipt: serde_json::Value = serde_json::from_str(&receipt).expect("JSON");
        assert_eq!(receipt["state"], "succeeded", "{receipt:#}");
        assert_eq!(receipt["labels"][0]["status"], "published", "{receipt:#}");
    }
}

#[test]
fn rejected_package_yields_reasons_and_no_file() {
    let cases: [(&str, &str, i32, &str); 4] = [
        ("cab/unsigned.cab", "a.cab", 65, "not signed"),
        ("cab/tampered-data.cab", "a.cab", 65, "bytes of the package"),
        ("cab/truncated-data.cab", "a.cab", 65, "copied"),
        ("cab/good-signed.cab", "a.zip", 64, ".cab, .hlkx or .hckx"),
    ];
    for (fixture, name, code, part) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(name), bytes(fixture)).expect("a package");
        let output = dropship(folder.path(), &["init", name]);
        assert_eq!(output.status.code(), Some(code), "{fixture}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(part), "{fixture}: {}", text(&output.stderr));
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing is written");
    }
}
