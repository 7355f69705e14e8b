//! Clients of the control socket that open many connections, stall, or do not read. The attackers are another user, which
//! needs root.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::http::{is_up, on_socket};
use crate::harness::{TestDaemon, TestEnv, bytes, free_port, text, wait_for};

/// Users without a name.
const ATTACKER: u32 = 61_234;
const OTHER: u32 = 61_236;
/// A group of operators.
const OPERATORS: u32 = 61_235;

/// More connections than a user may have.
const MANY: usize = 400;

fn is_root() -> bool {
    let is_root = std::env::var_os("DROPSHIP_ROOT_TESTS").is_some();
    if !is_root {
        eprintln!("not run: it acts as other users, which needs root; set DROPSHIP_ROOT_TESTS=1");
    }
    is_root
}

fn script() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/service/client.py")
}

/// A daemon whose socket every user can open; `more` is appended to its configuration.
fn open_daemon(more: &str) -> (TestEnv, TestDaemon) {
    let env = TestEnv::with(crate::harness::usual_quirks(), more);
    let path = env.path("dropship.toml");
    let configuration = std::fs::read_to_string(&path).expect("a configuration");
    let operators = format!("socket = \"control.sock\"\noperators = [\"{OPERATORS}\"]");
    std::fs::write(&path, configuration.replace("socket = \"control.sock\"", &operators)).expect("written");
    let daemon = env.daemon(&[]);
    is_up(&env);
    let open = |path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("opened");
    open(env.folder.path().to_owned(), 0o755);
    open(env.path("control.sock"), 0o666);
    (env, daemon)
}

/// A client that keeps its connections until it is killed.
struct Flood(Child);

impl Flood {
    fn of(env: &TestEnv, user: u32, kind: &str) -> Self {
        let mut command = Command::new("python3");
        command.arg(script()).arg(env.path("control.sock")).args([kind, &MANY.to_string()]);
        command.uid(user).gid(user).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("python3 runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        assert_eq!(line, "ready\n");
        Self(child)
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn as_user(env: &TestEnv, user: u32, args: &[&str]) -> std::process::Output {
    let mut command: Command = env.command(args);
    command.uid(user).gid(user).output().expect("the command runs")
}

#[test]
fn root_flooded_socket_answers_operators_and_other_users() {
    if !is_root() {
        return;
    }
    let (env, daemon) = open_daemon("");
    std::fs::copy(crate::harness::fixture("cab/good-signed.cab"), env.path("mine.cab")).expect("a package");
    let mine = env.path("mine.cab").display().to_string();
    let mut floods = Vec::new();
    for kind in ["silent", "half", "submit", "chunked", "change", "deaf", "export", "metrics"] {
        floods.push(Flood::of(&env, ATTACKER, kind));
        let (status, page) = on_socket(&env.path("control.sock"), "/livez");
        assert_eq!(status, 200, "{kind}: {page}");
        for (user, command) in [(0, "status"), (OTHER, "jobs"), (0, "rescan")] {
            let output = as_user(&env, user, &[command]);
            assert!(output.status.success(), "{kind}: {command}: {}\n{}", text(&output.stderr), env.log());
        }
        // Connections of the attacker, beyond its limit, are refused at once, with an answer.
        let refused = as_user(&env, ATTACKER, &["status"]);
        assert!([Some(0), Some(75)].contains(&refused.status.code()), "{kind}: {refused:?}");
        floods.truncate(if kind == "export" { 0 } else { floods.len() });
    }
    floods.extend(["submit", "deaf"].map(|kind| Flood::of(&env, ATTACKER, kind)));
    let submitted = as_user(&env, OTHER, &["submit", &mine, "--wait"]);
    assert!(submitted.status.success(), "{}\n{}", text(&submitted.stderr), env.log());
    // Without a folder, the results are in the store, which only the daemon may read.
    let advice = text(&submitted.stderr);
    assert!(advice.contains("this user may not read that: `dropship wait "), "{advice}");
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    wait_for("both jobs", || {
        (env.json(&["jobs", "--state", "succeeded"]).as_array()?.len() == 2).then_some(())
    })
    .unwrap_or_else(|| panic!("{}", env.log()));
    let log = env.log();
    assert!(log.contains("this client has too many connections"), "{log}");
    assert!(log.matches("this client has too many connections").count() <= 3, "once a minute: {log}");
    // The connections of the attacker do not delay the shutdown.
    assert_eq!(daemon.terminate(), Some(0), "{}", env.log());
}

/// As many users as a build farm has, each within its own limits.
#[test]
fn root_flood_of_many_users_leaves_room_for_another() {
    if !is_root() {
        return;
    }
    let [metrics, web] = [free_port(), free_port()].map(|port| port.to_string());
    let more = format!("[metrics]\nlisten = \"127.0.0.1:{metrics}\"\n[web]\nlisten = \"127.0.0.1:{web}\"\n");
    let (env, daemon) = open_daemon(&more);
    let mut command = Command::new("python3");
    command.arg(script()).arg(env.path("control.sock")).args(["users", "40", &metrics, &web]);
    let mut flood = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3 runs");
    let mut line = String::new();
    BufReader::new(flood.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
    assert_eq!(line, "ready\n");
    let flood = Flood(flood);
    for command in ["status", "jobs", "labels"] {
        let output = as_user(&env, OTHER, &[command]);
        assert!(output.status.success(), "{command}: {}\n{}", text(&output.stderr), env.log());
    }
    // A user of the flood gets an answer, or an error with the advice to try again.
    let output = as_user(&env, 62_000, &["status"]);
    let message = text(&output.stderr);
    let is_busy = output.status.code() == Some(75) && message.contains("try again later");
    assert!(output.status.success() || is_busy, "{:?}: {message}", output.status);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    assert_eq!(env.wait_for_end()["state"], "succeeded", "{}", env.log());
    assert_eq!(as_user(&env, 0, &["rescan"]).status.code(), Some(0), "{}", env.log());
    assert!(!env.log().contains("Too many open files"), "{}", env.log());
    assert_eq!(daemon.terminate(), Some(0), "{}", env.log());
    drop(flood);
}

/// Two users whose packages take forever to arrive take all that they can.
#[test]
fn root_two_users_that_submit_slowly_leave_room_for_another() {
    if !is_root() {
        return;
    }
    let (env, daemon) = open_daemon("");
    std::fs::copy(crate::harness::fixture("cab/good-signed.cab"), env.path("mine.cab")).expect("a package");
    let mine = env.path("mine.cab").display().to_string();
    let floods = [ATTACKER, 61_240, 61_241].map(|user| Flood::of(&env, user, "trickle"));
    // Of each, as many packages arrive as one user may submit.
    let arriving = || {
        let incoming = std::fs::read_dir(env.path("store/packages/incoming")).into_iter().flatten().count();
        (incoming >= 9).then_some(())
    };
    wait_for("the packages of the flood", arriving).unwrap_or_else(|| {
        panic!("{:?}\n{}", std::fs::read_dir(env.path("store")).map(Iterator::count), env.log())
    });
    let submitted = as_user(&env, OTHER, &["submit", &mine, "--wait"]);
    assert!(submitted.status.success(), "{}\n{}", text(&submitted.stderr), env.log());
    drop(floods);
    assert_eq!(daemon.terminate(), Some(0), "{}", env.log());
}

#[test]
fn root_stalled_connections_are_closed() {
    if !is_root() {
        return;
    }
    let (env, daemon) = open_daemon("");
    for kind in ["half", "submit"] {
        let flood = Flood::of(&env, ATTACKER, kind);
        // The attacker still holds its ends, but the daemon has closed its own.
        wait_for("room for the attacker", || {
            as_user(&env, ATTACKER, &["status"]).status.success().then_some(())
        })
        .unwrap_or_else(|| panic!("{kind}: {}", env.log()));
        drop(flood);
    }
    assert_eq!(daemon.terminate(), Some(0), "{}", env.log());
}

#[test]
fn root_identity_of_a_client_is_that_of_its_connection() {
    if !is_root() {
        return;
    }
    let (env, daemon) = open_daemon("");
    for (kind, status) in [("joins", "403"), ("leaves", "200")] {
        let mut command = Command::new("python3");
        command.arg(script()).arg(env.path("control.sock")).args([kind, &OPERATORS.to_string()]);
        let output = command.output().expect("python3 runs");
        assert_eq!(text(&output.stdout).trim(), status, "{kind}: {}{}", text(&output.stderr), env.log());
    }
    assert_eq!(daemon.terminate(), Some(0), "{}", env.log());
}

#[test]
fn connections_never_use_the_descriptors_that_the_store_needs() {
    let env = TestEnv::new();
    let daemon = {
        let dropship = env.command(&["run"]);
        let mut limited = Command::new("sh");
        limited
            .args(["-c", "ulimit -n 96; exec \"$@\"", "sh"])
            .arg(dropship.get_program())
            .args(dropship.get_args());
        let log = std::fs::File::create(env.path("daemon.log")).expect("a log");
        TestDaemon { child: limited.stderr(log).spawn().expect("the daemon starts") }
    };
    is_up(&env);
    let held: Vec<_> = (0..MANY)
        .map_while(|_| std::os::unix::net::UnixStream::connect(env.path("control.sock")).ok())
        .collect();
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    assert_eq!(env.wait_for_end()["state"], "succeeded", "{}", env.log());
    wait_for("a refused connection in the log", || env.log().contains("was refused").then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
    assert!(!env.log().contains("Too many open files"), "{}", env.log());
    drop(held);
    assert_eq!(daemon.terminate(), Some(0), "{}", env.log());
}

#[test]
fn root_daemon_is_not_dumpable() {
    if !is_root() {
        return;
    }
    let env = TestEnv::new();
    let chown = Command::new("chown").args(["-R", &OTHER.to_string()]).arg(env.folder.path()).status();
    assert!(chown.expect("chown runs").success());
    let log = std::fs::File::create(env.path("daemon.log")).expect("a log");
    let daemon = env.command(&["run"]).uid(OTHER).gid(OTHER).stderr(log).spawn().expect("the daemon starts");
    let daemon = TestDaemon { child: daemon };
    is_up(&env);
    // It holds tokens, and the environment may hold the secret.
    for file in ["environ", "mem", "maps"] {
        let path = format!("/proc/{}/{file}", daemon.child.id());
        let read =
            Command::new("head").args(["-c", "1", &path]).uid(OTHER).gid(OTHER).output().expect("head runs");
        assert!(!read.status.success(), "another process of the user reads its {file}");
    }
    assert_eq!(daemon.terminate(), Some(0), "{}", env.log());
}
