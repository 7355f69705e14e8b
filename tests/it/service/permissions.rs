//! Permissions on the control socket. The tests need a second user, so they run only as root.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output};

use crate::harness::{TestEnv, bytes, text, wait_for};

/// A uid and a gid without a user.
const STRANGER: u32 = 61_234;
const OPERATORS: u32 = 61_235;

/// Runs a command of dropship as another user.
fn as_user(env: &TestEnv, gid: u32, args: &[&str]) -> Output {
    let mut command: Command = env.command(args);
    command.uid(STRANGER).gid(gid).output().expect("the command runs")
}

#[test]
fn non_operators_can_read_and_submit_but_not_change() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("not run: it acts as other users, which needs root");
        return;
    }
    let env = TestEnv::with(crate::harness::usual_quirks(), "");
    let configuration = std::fs::read_to_string(env.path("dropship.toml")).expect("a configuration");
    let with_operators = configuration.replace(
        "socket = \"control.sock\"",
        &format!("socket = \"control.sock\"\noperators = [\"{OPERATORS}\"]"),
    );
    std::fs::write(env.path("dropship.toml"), with_operators).expect("written");
    let daemon = env.daemon(&[]);
    wait_for("the socket", || env.path("control.sock").exists().then_some(())).expect("the socket");
    wait_for("the daemon", || env.log().contains("is ready").then_some(())).expect("ready");
    std::fs::set_permissions(env.folder.path(), std::fs::Permissions::from_mode(0o755)).expect("opened");
    std::fs::set_permissions(env.path("control.sock"), std::fs::Permissions::from_mode(0o666))
        .expect("opened");
    let package = env.path("mine.cab");
    std::fs::write(&package, bytes("cab/good-signed-ts.cab")).expect("a package");

    assert!(as_user(&env, STRANGER, &["status"]).status.success());
    for verb in ["pause", "resume", "rescan"] {
        let refused = as_user(&env, STRANGER, &[verb]);
        assert_eq!(refused.status.code(), Some(77), "{verb}: {}", text(&refused.stderr));
    }
    let submitted = as_user(&env, STRANGER, &["submit", &package.display().to_string(), "--wait"]);
    assert!(submitted.status.success(), "{}{}", text(&submitted.stderr), env.log());

    assert!(as_user(&env, OPERATORS, &["pause"]).status.success());
    assert!(as_user(&env, OPERATORS, &["resume"]).status.success());
    let log = env.log();
    assert!(log.contains(&format!("/v1/pause refused to uid {STRANGER}")), "{log}");
    assert!(log.contains(&format!("/v1/pause requested by uid {STRANGER}")), "{log}");
    assert_eq!(daemon.terminate(), Some(0));
}
