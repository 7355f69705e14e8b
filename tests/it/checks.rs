//! `dropship inspect` of real kinds of packages that once had a wrong verdict.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{TestEnv, bytes, fixture, text};

/// An inspection as `dropship --json inspect` prints it, and the exit code.
struct Inspected {
    code: Option<i32>,
    inspection: Value,
}

impl Inspected {
    /// The level and message of a check's finding.
    fn finding(&self, check: &str) -> Option<(&str, &str)> {
        let findings = self.inspection["findings"].as_array().expect("findings");
        let found = findings.iter().find(|finding| finding["check"] == check)?;
        Some((found["level"].as_str()?, found["message"].as_str()?))
    }

    /// Asserts that the package is rejected for this check, with a message that has all these texts.
    fn assert_rejected(&self, check: &str, texts: &[&str]) {
        let (level, message) = self.finding(check).unwrap_or_else(|| panic!("{:#}", self.inspection));
        assert_eq!((level, self.code), ("error", Some(65)), "{message}");
        texts.iter().for_each(|text| assert!(message.contains(text), "{text}: {message}"));
    }

    /// Asserts that the package is accepted with a warning of this check that has all these texts.
    fn assert_warned(&self, check: &str, texts: &[&str]) {
        let (level, message) = self.finding(check).unwrap_or_else(|| panic!("{:#}", self.inspection));
        assert_eq!((level, self.code), ("warn", Some(0)), "{:#}", self.inspection);
        texts.iter().for_each(|text| assert!(message.contains(text), "{text}: {message}"));
    }
}

/// Inspects a fixture with the roots of the fixtures; `preflight` is the content of that table.
fn inspect(file: &str, preflight: &str) -> Inspected {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("dropship.toml");
    let signers = format!(
        "[signers]\nroots = [{:?}]\nintermediates = [{:?}]\n\n[preflight]\n{preflight}\n",
        fixture("cases/roots.pem"),
        fixture("cases/inter.pem"),
    );
    fs::write(&config, signers).expect("written");
    let output = Command::new(env!("CARGO_BIN_EXE_dropship"))
        .arg("--json")
        .arg("--config")
        .arg(&config)
        .arg("inspect")
        .arg(fixture(file))
        .output()
        .expect("the command runs");
    let mut printed: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", text(&output.stdout), text(&output.stderr)));
    Inspected { code: output.status.code(), inspection: printed[0]["inspection"].take() }
}

#[test]
fn inf_below_the_top_folder_is_rejected() {
    let inspected = inspect("cases/nested.cab", "");
    inspected
        .assert_rejected("inf-not-in-root", &["Pkg/x64/t.inf", "move", "the dashboard's catalog creation"]);
    assert_eq!(inspected.inspection["facts"]["infs"][0]["path"], "Pkg/x64/t.inf");
    inspect("cases/nested.cab", "inf-not-in-root = \"warn\"").assert_warned("inf-not-in-root", &[]);
}

#[test]
fn inf_without_devices_is_rejected_and_the_decoration_named() {
    let inspected = inspect("cases/nodevice.cab", "");
    inspected.assert_rejected("inf-no-devices", &["Pkg/t.inf", "Std.NTamd64.10.0...16299", "1297"]);
}

#[test]
fn postdated_driver_is_rejected() {
    let inspected = inspect("cases/future.cab", "");
    inspected.assert_rejected("inf-driverver-future", &["Pkg/t.inf", "2099-06-21", "UTC"]);
}

#[test]
fn short_driver_version_is_padded_and_accepted() {
    let inspected = inspect("cases/three.cab", "");
    inspected.assert_warned("inf-driverver-short", &["2.06.00", "2.6.0.0"]);
    assert_eq!(inspected.inspection["facts"]["infs"][0]["version"], "2.6.0.0");
}

#[test]
fn two_infs_with_one_catalog_are_accepted_without_a_finding() {
    let inspected = inspect("cases/two.cab", "");
    assert_eq!(inspected.code, Some(0), "{:#}", inspected.inspection);
    assert_eq!(inspected.finding("shared-folder"), None);
    assert_eq!(inspected.finding("cat-shared"), None);
}

#[test]
fn names_with_dot_prefix_are_accepted_with_a_warning() {
    let inspected = inspect("cases/dot.cab", "");
    inspected.assert_warned("dot-path", &["./Pkg/t.inf"]);
    assert_eq!(inspected.finding("bad-path"), None);
    let files = inspected.inspection["facts"]["files"].as_array().expect("files");
    assert!(
        files.iter().all(|file| file["path"].as_str().is_some_and(|path| path.starts_with("Pkg/"))),
        "{files:?}"
    );
}

#[test]
fn primitive_drivers_with_a_folder_for_each_architecture_are_accepted_with_a_warning() {
    let inspected = inspect("cases/prim.cab", "");
    inspected.assert_warned("mixed-architectures", &["x64 (amd64)", "a64 (arm64)", "x86 (x86)"]);
    assert_eq!(inspected.finding("inf-no-devices"), None);
}

/// `.hckx` is the format of the kits for Windows 8.1 and earlier, with the same structure as `.hlkx`.
const KIT_RULE: &str = r#"
[[rule]]
name = "kit"
match = { kind = "hlkx", file = "*.hckx" }
[rule.product]
name = "{{ file.stem }}"
test_harness = "hlk"
device_type = "internal"
requested_signatures = "from_package"
[rule.submission]
name = "{{ file.stem }}"
"#;

#[test]
fn dropped_hckx_is_submitted_as_a_kit_package() {
    let env = TestEnv::with(crate::harness::usual_quirks(), KIT_RULE);
    let _daemon = env.daemon(&[]);
    env.drop_package("echo.hckx", &bytes("hlkx/good.hlkx"));
    let receipt = env.wait_for_end();
    assert_eq!((&receipt["state"], &receipt["rule"]), (&json!("succeeded"), &json!("kit")), "{receipt:#}");
}

#[test]
fn dropped_cabinet_with_dot_prefix_reaches_a_published_label() {
    let env = TestEnv::new();
    for pem in ["roots.pem", "inter.pem"] {
        fs::copy(fixture(&format!("cases/{pem}")), env.path(pem)).expect("a certificate");
    }
    let config = fs::read_to_string(env.path("dropship.toml")).expect("a configuration");
    fs::write(env.path("dropship.toml"), config.replace("pci", "root")).expect("written");
    let _daemon = env.daemon(&[]);
    env.drop_package("dot.cab", &bytes("cases/dot.cab"));
    let receipt = env.wait_for_end();
    assert_eq!(receipt["state"], "succeeded", "{receipt:#}");
    assert_eq!(env.created(), (1, 1, 1), "{receipt:#}");
}
