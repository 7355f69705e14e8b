//! A full disk of the store.

use std::fs;
use std::process::Command;

use super::build_job::is_not_root;
use super::environment::{attacked_env, mount, nothing_else_happened, start, wait_for_state};
use crate::harness::{bytes, text, wait_for};

#[test]
fn root_daemon_starts_and_ends_on_a_full_disk() {
    if is_not_root() {
        return;
    }
    let env = attacked_env("", "");
    let disk = mount(&env, "store", "400m");
    let fill = || {
        // Stored bytes: zeros could stay holes.
        let script = "head -c 500M /dev/urandom > store/fill 2>/dev/null; head -c 64k /dev/urandom >> store/fill2 2>/dev/null; true";
        let filled = Command::new("sh").args(["-c", script]).current_dir(env.folder.path()).status();
        assert!(filled.expect("a shell").success());
    };
    let free = || ["store/fill", "store/fill2"].map(|file| fs::remove_file(env.path(file)).ok());
    let ready = |times: usize| {
        wait_for("the daemon", || (env.log().matches("is ready").count() == times).then_some(()))
            .unwrap_or_else(|| panic!("{}", env.log()));
    };
    // A first start finds no space at all: it says so, or waits for space.
    fill();
    let daemon = start(&env, "trace");
    let ended = wait_for("the daemon to end or to be ready", || {
        let log = env.log();
        (log.contains("is ready") || log.to_lowercase().contains("no space")).then_some(())
    });
    ended.unwrap_or_else(|| panic!("{}", env.log()));
    let first_was_ready = usize::from(env.log().contains("is ready"));
    // It may have ended because there is no space.
    daemon.terminate();
    free();
    let daemon = start(&env, "trace");
    ready(first_was_ready + 1);
    assert_eq!(daemon.terminate(), Some(0), "{}", env.log());
    fill();
    let daemon = start(&env, "trace");
    ready(first_was_ready + 2);
    let good = bytes("cab/good-signed-ts.cab");
    env.drop_package("echo.cab", &good);
    wait_for("the full disk to be shown", || {
        text(&env.run(&["status"]).stdout).contains("space").then_some(())
    })
    .unwrap_or_else(|| panic!("{}\n{}", text(&env.run(&["status"]).stdout), env.log()));
    assert_eq!(daemon.terminate(), Some(0), "{}", env.log());
    let daemon = start(&env, "trace");
    ready(first_was_ready + 3);
    free();
    wait_for_state(&env, "echo.cab", "succeeded");
    nothing_else_happened(&env, daemon);
    drop(disk);
}
