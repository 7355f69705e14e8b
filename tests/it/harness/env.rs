//! The environment of a daemon under test: folders, configuration, sandbox, and the binary.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use dropship_sandbox::{Options, Quirk, Quirks, Sandbox};
use serde_json::{Value, json};

use super::{TestDaemon, fixture, text, wait_for};

/// The client secret of the account; tests look for it in every output.
pub(crate) const SECRET: &str = "s3cr3t-of-the-account";

/// A temporary folder with a configuration, and a sandbox that keeps running between daemons.
pub(crate) struct TestEnv {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) sandbox: Sandbox,
    runtime: tokio::runtime::Runtime,
}

/// Quirks that most tests of the daemon do without: each costs time, or changes which results there are.
const UNUSUAL: &[Quirk] = &[
    Quirk::IncompleteMetadata,
    Quirk::NewProduct404,
    Quirk::NewSubmission404,
    Quirk::NewLabel404,
    Quirk::SignInPage,
    Quirk::Crc64Mismatch,
    Quirk::Md5Mismatch,
    Quirk::ProxyPages,
];

/// The quirks that most tests of the daemon run with.
pub(crate) fn usual_quirks() -> Quirks {
    UNUSUAL.iter().fold(Quirks::all(), |quirks, unusual| quirks.without(*unusual))
}

/// The faults of a service that answers 503 to every list, also to the one that dropship probes it with. When only the list of
/// products fails, a job continues without it after a few attempts.
pub(crate) fn outage() -> Value {
    let fault = |operation: &str| json!({"operation": operation, "times": 0, "action": {"kind": "status", "status": 503}});
    json!([fault("list_products"), fault("list_audiences")])
}

impl TestEnv {
    /// An environment whose sandbox has the usual quirks of the service.
    pub(crate) fn new() -> Self {
        Self::with(usual_quirks(), "")
    }

    /// An environment with these quirks; `more` is appended to the configuration.
    pub(crate) fn with(quirks: Quirks, more: &str) -> Self {
        Self::at(Options { speed: 1200.0, quirks, ..Options::default() }, more)
    }

    /// An environment with these options of the sandbox; `more` is appended to the configuration.
    pub(crate) fn at(options: Options, more: &str) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let sandbox = runtime.block_on(Sandbox::start(options)).expect("a sandbox");
        let folder = tempfile::tempdir().expect("a folder");
        let env = Self { folder, sandbox, runtime };
        fs::create_dir(env.path("drop")).expect("a drop folder");
        fs::write(env.path("secret"), SECRET).expect("a secret");
        fs::set_permissions(env.path("secret"), fs::Permissions::from_mode(0o600)).expect("a private secret");
        fs::write(env.path("dropship.toml"), env.configuration(more)).expect("a configuration");
        for pem in ["roots.pem", "inter.pem", "tsaroots.pem"] {
            fs::copy(fixture(&format!("pki/{pem}")), env.path(pem)).expect("a root");
        }
        env
    }

    fn configuration(&self, more: &str) -> String {
        let base = self.sandbox.base_url();
        format!(
            r#"
[account]
tenant_id = "tenant"
client_id = "client"
client_secret_file = "secret"
[api]
endpoint = "{base}"
authority = "{base}"
uncertain = "2s"
retry = {{ first = "20ms", max = "500ms" }}
[api.poll]
sign = {{ first = "50ms", max = "200ms" }}
publish = {{ first = "50ms", max = "200ms" }}
account = {{ first = "100ms", max = "500ms" }}
[store]
path = "store"
[control]
socket = "control.sock"
[[folder]]
name = "in"
path = "drop"
outbox = "out"
settle = "200ms"
poll = "1s"
same_content = "take"
[signers]
roots = ["roots.pem"]
intermediates = ["inter.pem"]
timestamp_roots = ["tsaroots.pem"]
[[rule]]
name = "ring"
match = {{ file = "*.cab" }}
[rule.product]
name = "{{{{ inf.provider }}}} {{{{ file.stem }}}} {{{{ inf.version }}}}"
test_harness = "attestation"
device_type = "internal"
requested_signatures = ["WINDOWS_v100_X64_CO_FULL", "WINDOWS_v100_X64_NI_FULL"]
[rule.submission]
name = "{{{{ file.stem }}}}"
[[rule.label]]
name = "{{{{ file.stem }}}} test ring"
destination = "windows_update"
audiences = ["Test Registry Key"]
[rule.label.hardware_ids]
include = ["pci\\*"]
operating_systems = ["WINDOWS_v100_X64_CO_FULL"]
{more}
"#
        )
    }

    /// Replaces a text of the configuration, wherever it stands.
    pub(crate) fn edit_configuration(&self, from: &str, to: &str) {
        self.edit_configuration_of("dropship.toml", from, to);
    }

    /// The same in a file with this name.
    pub(crate) fn edit_configuration_of(&self, file: &str, from: &str, to: &str) {
        let path = self.path(file);
        let configuration = fs::read_to_string(&path).expect("a configuration");
        assert!(configuration.contains(from), "{from} is not in the configuration");
        fs::write(path, configuration.replace(from, to)).expect("written");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Drops a package as a careful build server does: writes it under an excluded name, then renames it.
    pub(crate) fn drop_package(&self, name: &str, bytes: &[u8]) {
        let staged = self.path(&format!("drop/{name}.part"));
        fs::write(&staged, bytes).expect("a copy");
        fs::rename(&staged, self.path(&format!("drop/{name}"))).expect("a rename");
    }

    /// The binary with this configuration and these arguments, to be started.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dropship"));
        command.arg("--config").arg(self.path("dropship.toml")).args(args);
        command.env_remove("STATE_DIRECTORY").env_remove("RUNTIME_DIRECTORY");
        command
    }

    /// Runs the binary until it exits.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("the command runs")
    }

    /// Runs the binary with `--json` and parses its output.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let output = self.run(&[&["--json"], args].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("{args:?} printed no JSON ({error}): {}{}", text(&output.stdout), text(&output.stderr))
        })
    }

    /// Starts a daemon that logs at trace level; [`Self::log`] returns its log.
    pub(crate) fn daemon(&self, args: &[&str]) -> TestDaemon {
        let log =
            fs::OpenOptions::new().create(true).append(true).open(self.path("daemon.log")).expect("a log");
        let args = [&["run", "--log-level", "trace"], args].concat();
        let child = self.command(&args).stdout(Stdio::null()).stderr(log).spawn().expect("the daemon starts");
        TestDaemon { child }
    }

    /// Starts a daemon that logs warnings only, for tests with many files.
    pub(crate) fn quiet_daemon(&self) -> TestDaemon {
        let log =
            fs::OpenOptions::new().create(true).append(true).open(self.path("daemon.log")).expect("a log");
        let args = ["run", "--log-level", "warn"];
        let child = self.command(&args).stdout(Stdio::null()).stderr(log).spawn().expect("the daemon starts");
        TestDaemon { child }
    }

    /// The receipts in the outbox.
    pub(crate) fn receipts(&self) -> Vec<Value> {
        let Ok(items) = fs::read_dir(self.path("out")) else { return Vec::new() };
        let receipt =
            |item: std::io::Result<fs::DirEntry>| fs::read(item.ok()?.path().join("receipt.json")).ok();
        items
            .filter_map(receipt)
            .map(|text| serde_json::from_slice(&text).expect("a receipt is JSON"))
            .collect()
    }

    /// Waits until the receipt shows that the job has ended. For tests with one package.
    pub(crate) fn wait_for_end(&self) -> Value {
        wait_for("a job that has ended", || {
            let receipt = self.receipts().pop()?;
            let state = receipt["state"].as_str()?.to_owned();
            ["succeeded", "failed", "rejected", "cancelled"].contains(&state.as_str()).then_some(receipt)
        })
        .unwrap_or_else(|| panic!("no job ended; receipts: {:?}; log:\n{}", self.receipts(), self.log()))
    }

    /// The log of all daemons so far.
    pub(crate) fn log(&self) -> String {
        text(&fs::read(self.path("daemon.log")).unwrap_or_default())
    }

    /// One of the sandbox's own pages, such as `state` or `requests`.
    pub(crate) fn sandbox_page(&self, page: &str) -> Value {
        let url = format!("{}/__sandbox/{page}", self.sandbox.base_url());
        self.runtime.block_on(async {
            reqwest::get(url).await.expect("the sandbox answers").json().await.expect("JSON")
        })
    }

    /// Adds a scripted fault, or a list of them, to the sandbox.
    pub(crate) fn fault(&self, fault: &Value) {
        let url = format!("{}/__sandbox/faults", self.sandbox.base_url());
        self.runtime.block_on(async {
            let answer =
                reqwest::Client::new().post(url).json(fault).send().await.expect("the sandbox answers");
            assert!(answer.status().is_success(), "{:?}", answer.text().await);
        });
    }

    /// Replaces all scripted faults at once.
    pub(crate) fn only_fault(&self, fault: &Value) {
        let url = format!("{}/__sandbox/faults", self.sandbox.base_url());
        self.runtime.block_on(async {
            let answer =
                reqwest::Client::new().put(url).json(fault).send().await.expect("the sandbox answers");
            assert!(answer.status().is_success(), "{:?}", answer.text().await);
        });
    }

    /// Removes all scripted faults.
    pub(crate) fn no_faults(&self) {
        let url = format!("{}/__sandbox/faults", self.sandbox.base_url());
        self.runtime.block_on(async {
            let answer = reqwest::Client::new().delete(url).send().await.expect("the sandbox answers");
            assert!(answer.status().is_success(), "{:?}", answer.text().await);
        });
    }

    /// How many products, submissions and labels exist at the sandbox.
    pub(crate) fn created(&self) -> (usize, usize, usize) {
        let counts = &self.sandbox_page("state")["counts"];
        assert_eq!(counts["leakedBearers"], 0, "no token goes to the blob store");
        let count = |key: &str| usize::try_from(counts[key].as_u64().expect("a count")).expect("small");
        (count("products"), count("submissions"), count("labels"))
    }
}
