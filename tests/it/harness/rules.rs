//! A folder with a configuration, for tests without a daemon and a service.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

use crate::harness::{fixture, text};

/// The keys that `check` requires besides rules.
const BASE: &str = r#"
account = { tenant_id = "t", client_id = "c", client_secret_file = "secret" }
signers = { roots = ["roots.pem"], intermediates = ["inter.pem"], timestamp_roots = ["tsaroots.pem"] }
store = { path = "store" }
control = { socket = "control.sock" }
folder = [{ name = "in", path = "drop" }, { name = "other", path = "other" }]
"#;

/// A rule for attestation of every .cab; further keys of the rule can be appended.
pub(crate) const RULE: &str = r#"
[[rule]]
name = "ring"
match = { file = "*.cab" }
submission = { name = "{{ file.stem }}" }
[rule.product]
name = "{{ inf.provider }} {{ file.stem }} {{ inf.version }}"
test_harness = "attestation"
device_type = "internal"
requested_signatures = ["WINDOWS_v100_X64_CO_FULL", "WINDOWS_v100_X64_NI_FULL"]
"#;

/// A label of that rule.
pub(crate) const LABEL: &str = r#"
[[rule.label]]
name = "{{ file.stem }} {{ inf.version }} ring"
destination = "windows_update"
audiences = ["Test Registry Key"]
"#;

/// A rule with this name for every .hlkx, with one label that has these keys.
pub(crate) fn hlkx_rule(name: &str, label: &str) -> String {
    format!(
        r#"
[[rule]]
name = "{name}"
match = {{ file = "*.hlkx" }}
[rule.product]
name = "{{{{ file.stem }}}}"
test_harness = "hlk"
device_type = "internal"
requested_signatures = "from_package"
[rule.submission]
name = "{{{{ file.stem }}}}"
[[rule.label]]
{label}"#
    )
}

pub(crate) struct RuleFixture {
    folder: tempfile::TempDir,
}

impl RuleFixture {
    /// A configuration of these rules and tests.
    pub(crate) fn new(rules: &str) -> Self {
        let rules_env = Self { folder: tempfile::tempdir().expect("a folder") };
        rules_env.write("dropship.toml", &format!("{BASE}{rules}"));
        rules_env.write("secret", "secret");
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(rules_env.folder.path().join("secret"), private).expect("a private secret");
        for name in ["drop", "other"] {
            fs::create_dir(rules_env.path(name)).expect("a folder");
        }
        for pem in ["roots.pem", "inter.pem", "tsaroots.pem"] {
            fs::copy(fixture(&format!("pki/{pem}")), rules_env.path(pem)).expect("a root");
        }
        rules_env
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("written");
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dropship"));
        command.arg("--config").arg(self.path("dropship.toml")).args(args);
        command.output().expect("the command runs")
    }

    /// The exit code and the JSON document.
    pub(crate) fn json(&self, args: &[&str]) -> (Option<i32>, Value) {
        let output = self.run(&[&["--json"], args].concat());
        let json = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{args:?}: {error}: {}", text(&output.stderr)));
        (output.status.code(), json)
    }

    /// The errors and warnings of `check`; empty if there are none.
    pub(crate) fn check(&self) -> String {
        let output = self.run(&["check"]);
        let messages = format!("{}{}", text(&output.stdout), text(&output.stderr));
        if output.status.success() && !messages.contains("warning") {
            return String::new();
        }
        messages
    }

    /// The plan of a fixture as a package of the folder `in`.
    pub(crate) fn plan(&self, package: &str, name: &str) -> (Option<i32>, Value) {
        let file = self.path("drop").join(name);
        fs::copy(fixture(package), &file).expect("a copy");
        self.json(&["plan", file.to_str().expect("a path")])
    }
}
