//! Who may do what on the control socket. Another user is needed, so that these run as root alone.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output};

use dropship_sandbox::Quirks;

use crate::home::{Home, bytes, text, wait_for};

/// A uid and a gid that are nobody's.
const STRANGER: u32 = 61_234;
const OPERATORS: u32 = 61_235;

/// Runs a command of dropship as somebody else.
fn as_user(home: &Home, gid: u32, args: &[&str]) -> Output {
    let mut command: Command = home.command(args);
    command.uid(STRANGER).gid(gid).output().expect("the command runs")
}

#[test]
fn strangers_look_and_submit_and_operators_change_things() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("not run: it acts as other users, which needs root");
        return;
    }
    let home = Home::with(Quirks::all(), "");
    let configuration = std::fs::read_to_string(home.path("dropship.toml")).expect("a configuration");
    let with_operators = configuration.replace(
        "socket = \"control.sock\"",
        &format!("socket = \"control.sock\"\noperators = [\"{OPERATORS}\"]"),
    );
    std::fs::write(home.path("dropship.toml"), with_operators).expect("written");
    let daemon = home.daemon(&[]);
    wait_for("the socket", || home.path("control.sock").exists().then_some(())).expect("the socket");
    wait_for("the daemon", || home.log().contains("is ready").then_some(())).expect("ready");
    std::fs::set_permissions(home.folder.path(), std::fs::Permissions::from_mode(0o755)).expect("opened");
    std::fs::set_permissions(home.path("control.sock"), std::fs::Permissions::from_mode(0o666))
        .expect("opened");
    let package = home.path("mine.cab");
    std::fs::write(&package, bytes("cab/good-signed-ts.cab")).expect("a package");

    assert!(as_user(&home, STRANGER, &["status"]).status.success());
    for verb in ["pause", "resume", "rescan"] {
        let refused = as_user(&home, STRANGER, &[verb]);
        assert_eq!(refused.status.code(), Some(77), "{verb}: {}", text(&refused.stderr));
    }
    let submitted = as_user(&home, STRANGER, &["submit", &package.display().to_string(), "--wait"]);
    assert!(submitted.status.success(), "{}{}", text(&submitted.stderr), home.log());

    assert!(as_user(&home, OPERATORS, &["pause"]).status.success());
    assert!(as_user(&home, OPERATORS, &["resume"]).status.success());
    let log = home.log();
    assert!(log.contains(&format!("/v1/pause refused to uid {STRANGER}")), "{log}");
    assert!(log.contains(&format!("/v1/pause asked for by uid {STRANGER}")), "{log}");
    assert_eq!(daemon.terminate(), Some(0));
}
