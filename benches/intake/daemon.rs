//! A real daemon with any number of folders, and its use of processor and memory.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// A paused daemon: it accepts packages and sends nothing.
pub(crate) struct Daemon {
    child: Child,
    home: tempfile::TempDir,
    /// Each line of its log, with the time at which it was read.
    pub(crate) log: Receiver<(Instant, String)>,
    /// The processor time of each thread and how often it slept, when last read. Threads that have ended are kept.
    threads: RefCell<HashMap<String, (u64, u64)>>,
}

/// How the directories that are watched are configured.
#[derive(Clone, Copy)]
pub(crate) enum Layout {
    /// Each is a `[[folder]]`.
    Folders,
    /// One recursive `[[folder]]` contains them.
    Tree,
}

impl Daemon {
    /// Starts a daemon that makes no calls, and returns after the first scan of its folders.
    pub(crate) fn start(directories: usize, layout: Layout, poll: &str) -> Self {
        let daemon = Self::start_at("http://127.0.0.1:9", directories, layout, poll);
        assert!(daemon.run(&["pause"]).status().expect("pause runs").success());
        daemon
    }

    /// Starts a daemon that uses a service, and returns after the first scan of its folders.
    pub(crate) fn start_at(service: &str, directories: usize, layout: Layout, poll: &str) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let fixtures =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/dropship-package/tests/fixtures/pki");
        for pem in ["roots.pem", "inter.pem"] {
            fs::copy(fixtures.join(pem), home.path().join(pem)).expect("a root");
        }
        fs::write(home.path().join("secret"), "bench").expect("a secret");
        let mut text = CONFIGURATION.replace("{service}", service);
        for number in 0..directories {
            fs::create_dir_all(home.path().join(format!("drop/{number}"))).expect("a folder");
            if let Layout::Folders = layout {
                text.push_str(&format!(
                    "[[folder]]\nname = \"f{number}\"\npath = \"drop/{number}\"\npoll = \"{poll}\"\nsame_content = \"take\"\n"
                ));
            }
        }
        let folders = match layout {
            Layout::Folders => directories,
            Layout::Tree => 1,
        };
        if let Layout::Tree = layout {
            text.push_str(&format!(
                "[[folder]]\nname = \"f\"\npath = \"drop\"\nrecursive = true\npoll = \"{poll}\"\nsame_content = \"take\"\n"
            ));
        }
        fs::write(home.path().join("dropship.toml"), text).expect("a configuration");
        let mut child = command(home.path(), &["run", "--log", "json", "--log-level", "info"])
            .stderr(Stdio::piped())
            .spawn()
            .expect("the daemon starts");
        let lines = BufReader::new(child.stderr.take().expect("a log"));
        let (sender, log) = channel();
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                if sender.send((Instant::now(), line)).is_err() {
                    return;
                }
            }
        });
        let daemon = Self { child, home, log, threads: RefCell::default() };
        until(|| daemon.home.path().join("control.sock").exists());
        until(|| {
            let status = daemon.run(&["--json", "status"]).stdout(Stdio::piped()).output();
            let status = status.expect("status runs").stdout;
            String::from_utf8_lossy(&status).matches("\"state\":\"ok\"").count() >= folders
                || String::from_utf8_lossy(&status).matches("\"state\": \"ok\"").count() >= folders
        });
        daemon
    }

    fn run(&self, arguments: &[&str]) -> Command {
        command(self.home.path(), arguments)
    }

    pub(crate) fn folder(&self, number: usize) -> PathBuf {
        self.home.path().join(format!("drop/{number}"))
    }

    /// A folder on the same file system that the daemon does not watch.
    pub(crate) fn aside(&self) -> &Path {
        self.home.path()
    }

    fn proc(&self, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).expect("the daemon runs")
    }

    /// Reads the processor time of each thread in nanoseconds (`proc_pid_schedstat`), and how often it slept.
    fn threads(&self) -> std::cell::Ref<'_, HashMap<String, (u64, u64)>> {
        let read = |task: &fs::DirEntry| {
            let stat = fs::read_to_string(task.path().join("schedstat")).ok()?;
            let status = fs::read_to_string(task.path().join("status")).ok()?;
            let used = stat.split_whitespace().next()?.parse().ok()?;
            let slept = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
            Some((task.file_name().to_string_lossy().into_owned(), (used, slept.trim().parse().ok()?)))
        };
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("the daemon runs");
        self.threads.borrow_mut().extend(tasks.flatten().filter_map(|task| read(&task)));
        self.threads.borrow()
    }

    /// The processor time of the daemon so far.
    pub(crate) fn cpu(&self) -> Duration {
        Duration::from_nanos(self.threads().values().map(|(used, _)| used).sum())
    }

    /// The processor time of a full scan of all folders.
    pub(crate) fn scan(&self) -> Duration {
        let before = self.cpu();
        assert!(self.run(&["rescan"]).status().expect("rescan runs").success());
        self.settle() - before
    }

    /// Waits until the daemon is idle for a second; returns the processor time that it has used by then.
    pub(crate) fn settle(&self) -> Duration {
        let mut used = self.cpu();
        loop {
            super::pause(Duration::from_secs(1));
            let now = self.cpu();
            if now - used < Duration::from_millis(20) {
                return now;
            }
            used = now;
        }
    }

    /// How often its threads have slept so far.
    pub(crate) fn switches(&self) -> u64 {
        self.threads().values().map(|(_, slept)| slept).sum()
    }

    /// Its memory, in MiB: a line of `/proc/PID/status`. The program file counts as far as the kernel maps it, which it does in
    /// large pieces.
    pub(crate) fn resident(&self, which: &str) -> f64 {
        let status = self.proc("status");
        let line = status.lines().find(|line| line.starts_with(which)).expect("a line");
        line.split_whitespace().nth(1).expect("a number").parse::<f64>().expect("a number") / 1024.0
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A command with the configuration in this folder.
fn command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.arg("--config").arg(home.join("dropship.toml")).args(arguments).stdout(Stdio::null());
    command
}

/// A service for idle daemons, until it is dropped.
pub(crate) struct Service {
    child: Child,
    pub(crate) base: String,
}

impl Service {
    pub(crate) fn start() -> Self {
        let mut sandbox = Command::new(program());
        let mut child =
            sandbox.args(["sandbox", "--json"]).stdout(Stdio::piped()).spawn().expect("the sandbox starts");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines().map_while(Result::ok);
        let address =
            |line: String| line.split('"').find(|part| part.starts_with("http://")).map(str::to_owned);
        let base = lines.into_iter().find_map(address).expect("an address");
        Self { child, base }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The daemon that is measured: that of the environment variable `DROPSHIP`, or that of this build.
pub(crate) fn program() -> PathBuf {
    std::env::var_os("DROPSHIP").map_or_else(|| env!("CARGO_BIN_EXE_dropship").into(), PathBuf::from)
}

fn until(mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(120), "the daemon does not start");
        super::pause(Duration::from_millis(20));
    }
}

const CONFIGURATION: &str = r#"
[account]
tenant_id = "tenant"
client_id = "client"
client_secret_file = "secret"
[api]
endpoint = "{service}"
authority = "{service}"
[store]
path = "store"
[control]
socket = "control.sock"
[signers]
roots = ["roots.pem"]
intermediates = ["inter.pem"]
[[rule]]
name = "all"
match = { file = "*.cab" }
[rule.product]
name = "{{ file.stem }}"
test_harness = "attestation"
device_type = "internal"
requested_signatures = ["WINDOWS_v100_X64_CO_FULL"]
[rule.submission]
name = "{{ file.stem }}"
"#;
