//! The attacked environment: a daemon that runs as a user of its own, as the unit does, and a folder that is not attacked.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::{SECRET, TestDaemon, TestEnv, bytes, text, usual_quirks, wait_for};

/// A uid and gid without a user: the daemon.
pub(super) const DAEMON: u32 = 61_237;

/// Longer files are not searched for secrets: the attacks make huge ones.
const MAX_SEARCHED: u64 = 64 << 20;

/// An environment in which the build job may write to the drop folder `in` and add names to its outbox. The folder `quiet` is not
/// attacked. `settings` are more keys of `in`, `more` is appended to the configuration.
pub(super) fn attacked_env(settings: &str, more: &str) -> TestEnv {
    let quiet = "[[folder]]\nname = \"quiet\"\npath = \"quiet\"\noutbox = \"quiet-out\"\nsame_content = \"take\"\nsettle = \"200ms\"\npoll = \"1s\"\n";
    let env = TestEnv::with(usual_quirks(), &format!("{quiet}{more}"));
    configure(&env, "outbox = \"out\"\n", &format!("outbox = \"out\"\n{settings}\n"));
    for (name, mode, owner) in [
        ("", 0o755, DAEMON),
        ("drop", 0o777, 0),
        ("out", 0o1777, DAEMON),
        ("quiet", 0o755, DAEMON),
        ("store", 0o750, DAEMON),
        ("outside", 0o777, 0),
    ] {
        fs::create_dir_all(env.path(name)).expect("a folder");
        fs::set_permissions(env.path(name), fs::Permissions::from_mode(mode)).expect("a mode");
        chown(env.path(name), Some(owner), Some(owner)).expect("an owner");
    }
    chown(env.path("secret"), Some(DAEMON), Some(DAEMON)).expect("an owner");
    fs::write(env.path("outside/file"), "untouched").expect("a file");
    fs::set_permissions(env.path("outside/file"), fs::Permissions::from_mode(0o666)).expect("a mode");
    // The daemon's user may not search the folder of the build.
    let binary = env!("CARGO_BIN_EXE_dropship");
    if fs::hard_link(binary, env.path("dropship")).is_err() {
        fs::copy(binary, env.path("dropship")).expect("a copy");
    }
    env
}

/// Replaces a text of the configuration.
pub(super) fn configure(env: &TestEnv, text: &str, by: &str) {
    let configuration = fs::read_to_string(env.path("dropship.toml")).expect("a configuration");
    assert!(configuration.contains(text), "{configuration}");
    fs::write(env.path("dropship.toml"), configuration.replacen(text, by, 1)).expect("written");
}

/// Starts the daemon as its user, with the umask of the unit. It logs at this level.
pub(super) fn start(env: &TestEnv, level: &str) -> TestDaemon {
    start_after(env, level, "true")
}

/// The same, after a command of the shell that starts it.
pub(super) fn start_after(env: &TestEnv, level: &str, first: &str) -> TestDaemon {
    let log = fs::OpenOptions::new().create(true).append(true).open(env.path("daemon.log")).expect("a log");
    let script =
        format!("{first}; umask 0077; exec ./dropship --config dropship.toml run --log-level {level}");
    let mut command = Command::new("sh");
    command.args(["-c", &script]).current_dir(env.folder.path()).uid(DAEMON).gid(DAEMON);
    for variable in ["STATE_DIRECTORY", "RUNTIME_DIRECTORY", "WATCHDOG_USEC", "WATCHDOG_PID", "NOTIFY_SOCKET"]
    {
        command.env_remove(variable);
    }
    TestDaemon { child: command.stdout(Stdio::null()).stderr(log).spawn().expect("the daemon starts") }
}

/// Waits until the daemon answers on its socket.
pub(super) fn is_up(env: &TestEnv) {
    let answers = || env.run(&["status"]).status.success().then_some(());
    wait_for("the daemon", answers).unwrap_or_else(|| panic!("{}", env.log()));
}

fn jobs(env: &TestEnv) -> Option<Vec<Value>> {
    let output = env.run(&["--json", "jobs"]);
    let jobs: Value = serde_json::from_slice(&output.stdout).ok()?;
    jobs.as_array().cloned()
}

/// The job of the package with this name.
pub(super) fn job(env: &TestEnv, package: &str) -> Option<Value> {
    jobs(env)?.into_iter().find(|job| job["package"] == package)
}

/// The job with this id.
pub(super) fn job_of(env: &TestEnv, id: &Value) -> Option<Value> {
    jobs(env)?.into_iter().find(|job| job["id"] == *id)
}

pub(super) fn wait_for_state(env: &TestEnv, package: &str, state: &str) -> Value {
    wait_for(&format!("{package} to be {state}"), || job(env, package).filter(|job| job["state"] == state))
        .unwrap_or_else(|| panic!("{package}: {:?}\n{}", job(env, package), env.log()))
}

/// The folder that is not attacked is served, no secret is visible, nothing outside has changed, and the daemon obeys SIGTERM.
pub(super) fn nothing_else_happened(env: &TestEnv, daemon: TestDaemon) {
    quiet_folder_is_served(env);
    let mut answers = Vec::new();
    for args in
        [&["status"][..], &["jobs"], &["labels"], &["--json", "status"], &["--json", "jobs"], &["doctor"]]
    {
        let output = env.run(args);
        answers.push((format!("{args:?}"), output.stdout));
        answers.push((format!("{args:?}"), output.stderr));
    }
    for job in jobs(env).unwrap_or_default().iter().filter(|job| job["state"] == "succeeded") {
        let id = job["id"].as_str().expect("an id");
        answers.push((format!("show {id}"), env.run(&["--json", "show", id]).stdout));
    }
    ends_well(env, daemon);
    search_for_secrets(env, answers);
}

/// Nothing outside has changed, and the daemon obeys SIGTERM.
pub(super) fn ends_well(env: &TestEnv, daemon: TestDaemon) {
    assert_eq!(daemon.terminate(), Some(0), "{}", env.log());
    assert_eq!(fs::read(env.path("outside/file")).expect("it is there"), b"untouched");
    let outside = fs::read_dir(env.path("outside")).expect("listed").count();
    assert_eq!(outside, 1, "nothing was created outside");
}

/// A package in the folder that is not attacked succeeds. Each call uses another name.
pub(super) fn quiet_folder_is_served(env: &TestEnv) {
    let number = fs::read_dir(env.path("quiet")).expect("listed").count();
    let name = format!("quiet{number}.cab");
    let fixtures = ["cab/good-signed-ts.cab", "cab/good-signed.cab", "cab/good-signed-ec384.cab"];
    let fixture = fixtures.get(number).expect("a fixture for each call");
    fs::write(env.path("quiet/new.part"), bytes(fixture)).expect("written");
    fs::rename(env.path("quiet/new.part"), env.path("quiet").join(&name)).expect("renamed");
    wait_for_state(env, &name, "succeeded");
}

fn search_for_secrets(env: &TestEnv, answers: Vec<(String, Vec<u8>)>) {
    let mut found = answers;
    found.push(("the log".to_owned(), env.log().into_bytes()));
    for folder in ["store", "out", "quiet-out", "outside"] {
        files(&env.path(folder), &mut found);
    }
    assert!(found.len() > 16, "there is something to search: {}", found.len());
    for (name, content) in &found {
        let content = text(content);
        assert!(!content.contains(SECRET), "{name} has the client secret");
        assert!(!content.contains("eyJ"), "{name} has a token");
        for (at, found) in content.match_indices("sig=") {
            let value = &content[at + found.len()..];
            assert!(value.starts_with("***"), "{name} has a signature: sig={value:.20}");
        }
    }
}

/// The regular files below a folder, which may contain everything that the build job has made.
fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for item in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = item.path();
        let Ok(meta) = fs::symlink_metadata(&path) else { continue };
        // Packages are compressed, and may contain any three letters.
        let is_package = path.extension().is_some_and(|end| end == "zip" || end == "cab");
        if meta.is_dir() {
            files(&path, found);
        } else if meta.is_file() && meta.len() < MAX_SEARCHED && !is_package {
            found.push((path.display().to_string(), fs::read(&path).unwrap_or_default()));
        }
    }
}

/// A mount that ends when this is dropped.
pub(super) struct Mount(PathBuf);

/// Mounts an empty file system in memory, which belongs to the daemon.
pub(super) fn mount(env: &TestEnv, folder: &str, size: &str) -> Mount {
    fs::create_dir_all(env.path(folder)).expect("a folder");
    let options = format!("size={size},uid={DAEMON},gid={DAEMON},mode=0755");
    let mut command = Command::new("mount");
    command.args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(env.path(folder));
    Mount::run(&mut command, &env.path(folder))
}

impl Mount {
    /// Runs a command that mounts something at `path`.
    pub(super) fn run(command: &mut Command, path: &Path) -> Self {
        let output = command.output().expect("mount runs");
        assert!(output.status.success(), "{}", text(&output.stderr));
        Self(path.to_owned())
    }

    /// Ends a file system that does not respond.
    pub(super) fn force(&self) {
        drop(Command::new("umount").args(["-f", "-l"]).arg(&self.0).stderr(Stdio::null()).status());
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).stderr(Stdio::null()).status());
    }
}
