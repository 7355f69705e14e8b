//! A home for a daemon under test: folders, configuration, sandbox, and the binary itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use dropship_sandbox::{Options, Quirks, Sandbox};
use serde_json::Value;

/// No condition is waited for longer than this.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// The secret that must turn up nowhere.
pub(crate) const SECRET: &str = "s3cr3t-of-the-account";

/// A folder with a configuration, and a sandbox that outlives the daemons that talk to it.
pub(crate) struct Home {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) sandbox: Sandbox,
    runtime: tokio::runtime::Runtime,
}

impl Home {
    /// A home whose sandbox shows every quirk of the service.
    pub(crate) fn new() -> Self {
        Self::with(Quirks::all(), "")
    }

    /// A home with these quirks and more configuration.
    pub(crate) fn with(quirks: Quirks, more: &str) -> Self {
        Self::at(Options { speed: 1200.0, quirks, ..Options::default() }, more)
    }

    /// A home whose sandbox behaves so, with more configuration.
    pub(crate) fn at(options: Options, more: &str) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let sandbox = runtime.block_on(Sandbox::start(options)).expect("a sandbox");
        let folder = tempfile::tempdir().expect("a folder");
        let home = Self { folder, sandbox, runtime };
        fs::create_dir(home.path("drop")).expect("a drop folder");
        fs::write(home.path("secret"), SECRET).expect("a secret");
        fs::write(home.path("dropship.toml"), home.configuration(more)).expect("a configuration");
        for pem in ["roots.pem", "inter.pem", "tsaroots.pem"] {
            fs::copy(fixture(&format!("pki/{pem}")), home.path(pem)).expect("a root");
        }
        home
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

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Drops a fixture into the folder as a careful build server does: under a name that is not looked at, then renamed.
    pub(crate) fn drop_package(&self, name: &str, bytes: &[u8]) {
        let staged = self.path(&format!("drop/{name}.part"));
        fs::write(&staged, bytes).expect("a copy");
        fs::rename(&staged, self.path(&format!("drop/{name}"))).expect("a rename");
    }

    /// Runs the binary with this home's configuration.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dropship"));
        command.arg("--config").arg(self.path("dropship.toml")).args(args);
        command.env_remove("STATE_DIRECTORY").env_remove("RUNTIME_DIRECTORY");
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("the command runs")
    }

    /// Runs it and reads its one JSON document.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let output = self.run(&[&["--json"], args].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("{args:?} printed no JSON ({error}): {}{}", text(&output.stdout), text(&output.stderr))
        })
    }

    /// Starts a daemon; what it logs goes to `daemon.log`.
    pub(crate) fn daemon(&self, args: &[&str]) -> Daemon {
        let log =
            fs::OpenOptions::new().create(true).append(true).open(self.path("daemon.log")).expect("a log");
        let args = [&["run", "--log-level", "trace"], args].concat();
        let child = self.command(&args).stdout(Stdio::null()).stderr(log).spawn().expect("the daemon starts");
        Daemon { child }
    }

    /// Starts a daemon that logs little: for tests that keep it busy.
    pub(crate) fn quiet_daemon(&self) -> Daemon {
        let log =
            fs::OpenOptions::new().create(true).append(true).open(self.path("daemon.log")).expect("a log");
        let args = ["run", "--log-level", "warn"];
        let child = self.command(&args).stdout(Stdio::null()).stderr(log).spawn().expect("the daemon starts");
        Daemon { child }
    }

    /// The receipts of the outbox.
    pub(crate) fn receipts(&self) -> Vec<Value> {
        let Ok(items) = fs::read_dir(self.path("out")) else { return Vec::new() };
        let receipt =
            |item: std::io::Result<fs::DirEntry>| fs::read(item.ok()?.path().join("receipt.json")).ok();
        items
            .filter_map(receipt)
            .map(|text| serde_json::from_slice(&text).expect("a receipt is JSON"))
            .collect()
    }

    /// Waits for the one receipt to say that the job has ended.
    pub(crate) fn ended(&self) -> Value {
        wait_for("a job that has ended", || {
            let receipt = self.receipts().pop()?;
            let state = receipt["state"].as_str()?.to_owned();
            ["succeeded", "failed", "rejected", "cancelled"].contains(&state.as_str()).then_some(receipt)
        })
        .unwrap_or_else(|| panic!("no job ended; receipts: {:?}; log:\n{}", self.receipts(), self.log()))
    }

    pub(crate) fn log(&self) -> String {
        text(&fs::read(self.path("daemon.log")).unwrap_or_default())
    }

    /// What the sandbox answers on one of its own pages.
    pub(crate) fn sandbox_page(&self, page: &str) -> Value {
        let url = format!("{}/__sandbox/{page}", self.sandbox.base_url());
        self.runtime.block_on(async {
            reqwest::get(url).await.expect("the sandbox answers").json().await.expect("JSON")
        })
    }

    /// Scripts faults.
    pub(crate) fn fault(&self, fault: &Value) {
        let url = format!("{}/__sandbox/faults", self.sandbox.base_url());
        self.runtime.block_on(async {
            let answer =
                reqwest::Client::new().post(url).json(fault).send().await.expect("the sandbox answers");
            assert!(answer.status().is_success(), "{:?}", answer.text().await);
        });
    }

    /// Takes all scripted faults back.
    pub(crate) fn no_faults(&self) {
        let url = format!("{}/__sandbox/faults", self.sandbox.base_url());
        self.runtime.block_on(async {
            let answer = reqwest::Client::new().delete(url).send().await.expect("the sandbox answers");
            assert!(answer.status().is_success(), "{:?}", answer.text().await);
        });
    }

    /// Numbers of products, submissions and labels that exist at the service.
    pub(crate) fn created(&self) -> (usize, usize, usize) {
        let counts = &self.sandbox_page("state")["counts"];
        assert_eq!(counts["leakedBearers"], 0, "no token goes to the blob store");
        let count = |key: &str| usize::try_from(counts[key].as_u64().expect("a count")).expect("small");
        (count("products"), count("submissions"), count("labels"))
    }
}

/// A daemon under test; killed when dropped.
pub(crate) struct Daemon {
    pub(crate) child: Child,
}

impl Daemon {
    /// kill -9.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }

    /// SIGTERM; gives the exit code.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").arg(&id).status().expect("kill runs").success());
        self.child.wait().expect("gone").code()
    }

    /// Waits until it ends by itself.
    pub(crate) fn wait(mut self) -> Option<i32> {
        wait_for("the daemon to end", || self.child.try_wait().expect("asked"))
            .and_then(|status| status.code())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A signed package or a certificate of the package crate's fixtures.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/dropship-package/tests/fixtures").join(name)
}

pub(crate) fn bytes(name: &str) -> Vec<u8> {
    fs::read(fixture(name)).expect("a fixture")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Asks until there is an answer; nothing when patience runs out.
pub(crate) fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    let (_keep, never) = std::sync::mpsc::channel::<()>();
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if began.elapsed() > PATIENCE {
            eprintln!("waited in vain for {what}");
            return None;
        }
        // A pause between two questions, not a guess at how long something takes.
        let _timed_out = never.recv_timeout(Duration::from_millis(20));
    }
}
