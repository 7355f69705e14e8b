//! Files that are overwritten or removed before dropship has taken them are logged and counted.

use std::fs;

use super::http::{is_up, on_socket};
use crate::harness::{TestEnv, bytes, text, wait_for};

#[test]
fn file_that_is_lost_before_it_is_taken_is_logged_and_counted() {
    let env = TestEnv::new();
    let daemon = env.daemon(&[]);
    is_up(&env);
    let counted = |how: &str, count: usize| {
        let line = format!("dropship_files_lost_total{{folder=\"in\",how=\"{how}\"}} {count}\n");
        let page = || on_socket(&env.path("control.sock"), "/metrics").1;
        let found = wait_for(&line, || page().contains(&line).then_some(()));
        assert!(found.is_some(), "{line} is not in: {}\n{}", page(), env.log());
    };
    counted("overwritten", 0);
    counted("vanished", 0);
    // Two builds write the same name, and a third one takes its file back. None of the files is complete.
    let package = bytes("cab/good-signed-ts.cab");
    let put = |name: &str, size: usize| {
        fs::write(env.path("staged"), &package[..size]).expect("written");
        fs::rename(env.path("staged"), env.path("drop").join(name)).expect("renamed");
    };
    let waiting = |count: usize| {
        let is_seen = || env.json(&["status"])["folders"][0]["candidates"] == count;
        assert!(wait_for("candidates", || is_seen().then_some(())).is_some(), "{}", env.log());
    };
    put("driver.cab", package.len() / 2);
    put("other.cab", package.len() / 2);
    waiting(2);
    put("driver.cab", package.len() / 3);
    counted("overwritten", 1);
    fs::remove_file(env.path("drop/other.cab")).expect("removed");
    counted("vanished", 1);
    let log = env.log();
    for (name, what) in [("driver.cab", "was overwritten"), ("other.cab", "was removed or renamed")] {
        let line = log.lines().find(|line| line.contains(name) && line.contains(what));
        assert!(line.is_some_and(|line| line.contains("a name of its own")), "{name} {what}: {log}");
    }
    // A file that becomes complete later is accepted, and is not a loss.
    put("driver.cab", package.len());
    let output = env.run(&["wait", env.path("drop/driver.cab").to_str().expect("UTF-8")]);
    assert_eq!(output.status.code(), Some(0), "{}\n{}", text(&output.stderr), env.log());
    counted("overwritten", 2);
    assert_eq!(daemon.terminate(), Some(0));
}
