//! A daemon with pages, and a sandbox.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dropship_sandbox::{Options, Sandbox};

/// A daemon, its folder and its sandbox.
pub(crate) struct Site {
    home: tempfile::TempDir,
    /// The port of the pages.
    pub(crate) port: u16,
    daemon: Option<Child>,
    _sandbox: Sandbox,
    _runtime: tokio::runtime::Runtime,
}

impl Site {
    /// A daemon that has not started yet.
    pub(crate) fn new() -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let options = Options { speed: 1e6, ..Options::default() };
        let sandbox = runtime.block_on(Sandbox::start(options)).expect("a sandbox");
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        let home = tempfile::tempdir().expect("a folder");
        let pki = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/dropship-package/tests/fixtures/pki");
        let base = sandbox.base_url();
        let text = CONFIGURATION
            .replace("BASE", base.trim_end_matches('/'))
            .replace("PORT", &port.to_string())
            .replace("PKI", &pki.to_string_lossy());
        fs::write(home.path().join("dropship.toml"), text).expect("a configuration");
        fs::write(home.path().join("secret"), "bench").expect("a secret");
        for folder in ["audio", "network"] {
            fs::create_dir(home.path().join(folder)).expect("a folder");
        }
        Self { home, port, daemon: None, _sandbox: sandbox, _runtime: runtime }
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Starts the daemon, and returns once it serves its pages.
    pub(crate) fn start(&mut self) {
        let log = fs::File::options().create(true).append(true).open(self.path("log")).expect("a log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_dropship"));
        command.arg("--config").arg(self.path("dropship.toml")).args(["run", "--log-level", "warn"]);
        command.env_remove("STATE_DIRECTORY").env_remove("RUNTIME_DIRECTORY");
        self.daemon = Some(command.stdout(Stdio::null()).stderr(log).spawn().expect("the daemon starts"));
        self.until("the pages", || TcpStream::connect(("127.0.0.1", self.port)).is_ok());
    }

    /// Ends the daemon.
    pub(crate) fn stop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            let id = daemon.id().to_string();
            Command::new("kill").arg(id).status().expect("kill runs");
            daemon.wait().expect("it ends");
        }
    }

    /// Waits for a condition; gives up after five minutes.
    pub(crate) fn until(&self, what: &str, condition: impl Fn() -> bool) {
        let started = Instant::now();
        while !condition() {
            let log = || fs::read_to_string(self.path("log")).unwrap_or_default();
            assert!(started.elapsed() < Duration::from_secs(300), "waited too long for {what}\n{}", log());
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Runs `dropship who`; returns the time from its start to its end.
    pub(crate) fn who(&self, hardware_id: &str) -> Duration {
        let started = Instant::now();
        let mut command = Command::new(env!("CARGO_BIN_EXE_dropship"));
        command.arg("--config").arg(self.path("dropship.toml")).args(["who", hardware_id]);
        let output = command.output().expect("dropship runs");
        let duration = started.elapsed();
        assert!(output.status.success() && output.stdout.len() > 100, "who {hardware_id}");
        duration
    }

    /// Memory of the daemon that no file backs, in KiB.
    pub(crate) fn memory(&self) -> u64 {
        let daemon = self.daemon.as_ref().expect("a daemon");
        let status = fs::read_to_string(format!("/proc/{}/status", daemon.id())).expect("its status");
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("its memory");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Requests a page; returns its text and the time until all of it was read.
    pub(crate) fn get(&self, target: &str) -> (String, Duration) {
        get(self.port, target)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Requests a page; returns its text and the time until all of it was read.
pub(crate) fn get(port: u16, target: &str) -> (String, Duration) {
    let started = Instant::now();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the port");
    let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("text");
    let duration = started.elapsed();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{target}: {}", answer.lines().next().unwrap_or_default());
    (answer, duration)
}

const CONFIGURATION: &str = r#"
[account]
tenant_id = "tenant"
client_id = "client"
client_secret_file = "secret"
[api]
endpoint = "BASE"
authority = "BASE"
audit = "0s"
[api.poll]
sign = { first = "20ms", max = "100ms" }
publish = { first = "20ms", max = "100ms" }
[store]
path = "store"
[control]
socket = "control.sock"
[web]
listen = "127.0.0.1:PORT"
[signers]
roots = ["PKI/roots.pem"]
intermediates = ["PKI/inter.pem"]
[[folder]]
name = "audio"
path = "audio"
outbox = "out"
same_content = "take"
[[folder]]
name = "network"
path = "network"
[[rule]]
name = "attestation"
match = { file = "*.cab" }
[rule.product]
name = "{{ inf.provider }} {{ file.stem }} {{ inf.version }}"
test_harness = "attestation"
device_type = "internal"
requested_signatures = ["WINDOWS_v100_X64_CO_FULL", "WINDOWS_v100_X64_NI_FULL"]
[rule.submission]
name = "{{ file.stem }}"
[[rule.label]]
name = "{{ file.stem }} test ring"
destination = "windows_update"
audiences = ["Test Registry Key"]
[[rule.label]]
name = "{{ file.stem }} second ring"
destination = "windows_update"
audiences = ["Test Registry Key"]
"#;
