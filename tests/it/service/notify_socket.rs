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

/// Asks for a reload; gives its exit code and what systemd heard from its beginning to its end.
fn reload(home: &Home, manager: &mut Manager) -> (Option<i32>, String) {
    manager.catch_up();
    manager.heard.clear();
    let code = home.run(&["reload"]).status.code();
    manager.expect(|line| line == "READY=1");
    (code, manager.heard.concat())
}

/// Waits until the line that is shown is this one.
fn shows(manager: &mut Manager, wanted: impl Fn(&str) -> bool) {
    let mut lines = manager.heard.iter().rev().flat_map(|said| said.lines());
    let shown = lines.find(|line| line.starts_with("STATUS="));
    if !shown.is_some_and(&wanted) {
        manager.expect(wanted);
    }
}

#[test]
fn a_reload_is_told_with_its_time_and_ends_ready_whatever_came_of_it() {
    let home = Home::new();
    let mut manager = Manager::of(&home);
    let daemon = manager.start(&home, None);
    manager.expect(|line| line == "READY=1");
    let (code, told) = reload(&home, &mut manager);
    assert_eq!(code, Some(0), "{}", home.log());
    let since = told.split_once("RELOADING=1\nMONOTONIC_USEC=").expect("both at once").1;
    let digits: String = since.chars().take_while(char::is_ascii_digit).collect();
    let uptime = std::fs::read_to_string("/proc/uptime").expect("the uptime");
    let now: f64 = uptime.split(' ').next().and_then(|seconds| seconds.parse().ok()).expect("seconds");
    let age = now - digits.parse::<f64>().expect("microseconds") / 1e6;
    assert!((-1.0..40.0).contains(&age), "the clock of {digits} is systemd's: {uptime}");

    let path = home.path("dropship.toml");
    let good = std::fs::read_to_string(&path).expect("a configuration");
    std::fs::write(&path, good.replace("test_harness", "test_harnes")).expect("written");
    let (code, told) = reload(&home, &mut manager);
    assert_eq!(code, Some(78), "{}", home.log());
    assert!(told.contains("RELOADING=1"), "{told}");
    shows(&mut manager, |line| line.starts_with("STATUS=Watching 1 folder") && line.contains("was refused"));
    std::fs::write(&path, good).expect("written");
    assert_eq!(reload(&home, &mut manager).0, Some(0));
    shows(&mut manager, |line| line == "STATUS=Watching 1 folder, no jobs open");
    assert_eq!(daemon.terminate(), Some(0));
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
