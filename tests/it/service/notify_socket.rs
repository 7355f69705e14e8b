//! READY, STATUS, WATCHDOG, STOPPING as systemd hears them.

use std::time::Duration;

use super::manager::{Frozen, Manager};
use crate::home::{Home, bytes, wait_for};

const WATCHDOG: Duration = Duration::from_secs(2);

#[test]
fn it_is_ready_when_it_answers_and_its_status_line_tells_what_it_does() {
    let home = Home::new();
    let mut manager = Manager::of(&home);
    let daemon = manager.start(&home, None);
    manager.expect(|line| line == "READY=1");
    assert_eq!(home.json(&["status"])["running"], true, "{}", home.log());
    assert!(manager.heard.concat().contains("STATUS=Watching 1 folder, no jobs open"), "{:?}", manager.heard);

    home.json(&["pause"]);
    manager.expect(|line| line.contains("PAUSED"));
    home.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    manager.expect(|line| line.starts_with("STATUS=") && line.contains("1 job "));
    home.json(&["resume"]);
    home.ended();
    manager.expect(|line| line == "STATUS=Watching 1 folder, no jobs open");

    assert_eq!(daemon.terminate(), Some(0));
    manager.expect(|line| line == "STOPPING=1");
    manager.expect(|line| line.starts_with("EXTEND_TIMEOUT_USEC="));
}

/// Freezes threads of the daemon: the watchdog goes hungry, the culprit is named, and thawed it is fed again.
fn starves(thread: &str, culprit: &str) {
    let home = Home::new();
    let mut manager = Manager::of(&home);
    let daemon = manager.start(&home, Some(WATCHDOG));
    manager.expect(|line| line == "READY=1");
    manager.expect(|line| line == "WATCHDOG=1");
    let frozen = Frozen::threads(&daemon, thread);
    wait_for("the culprit to be named", || {
        home.log().lines().any(|line| line.contains("A part hangs") && line.contains(culprit)).then_some(())
    })
    .unwrap_or_else(|| panic!("{culprit} is not named: {}", home.log()));
    manager.catch_up();
    assert!(!manager.told_within("WATCHDOG=1", WATCHDOG), "fed while {culprit} hangs");
    drop(frozen);
    assert!(manager.told_within("WATCHDOG=1", WATCHDOG * 5), "not fed though all goes on");
    assert_eq!(daemon.terminate(), Some(0), "{}", home.log());
}

#[test]
fn a_store_that_hangs_starves_the_watchdog() {
    starves("store", "store");
}

#[test]
fn a_runtime_that_hangs_starves_the_watchdog() {
    starves("tokio-rt-worker", "control socket");
}
