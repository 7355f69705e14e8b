//! The READY, STATUS, WATCHDOG and STOPPING notifications to systemd.

use std::time::Duration;

use super::drain::signal;
use super::http::on_socket;
use super::manager::{Frozen, Manager};
use crate::harness::{TestDaemon, TestEnv, bytes, wait_for};

const WATCHDOG: Duration = Duration::from_secs(2);

#[test]
fn daemon_reports_ready_and_its_status_line_to_systemd() {
    let env = TestEnv::new();
    let mut manager = Manager::of(&env);
    let daemon = manager.start(&env, None);
    manager.expect(|line| line == "READY=1");
    assert_eq!(env.json(&["status"])["running"], true, "{}", env.log());
    assert!(
        manager.received.concat().contains("STATUS=Watching 1 folder, no jobs open"),
        "{:?}",
        manager.received
    );

    env.json(&["pause"]);
    manager.expect(|line| line.contains("PAUSED"));
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    manager.expect(|line| line.starts_with("STATUS=") && line.contains("1 job "));
    env.json(&["resume"]);
    env.wait_for_end();
    manager.expect(|line| line == "STATUS=Watching 1 folder, no jobs open");

    assert_eq!(daemon.terminate(), Some(0));
    manager.expect(|line| line == "STOPPING=1");
    manager.expect(|line| line.starts_with("EXTEND_TIMEOUT_USEC="));
}

/// Runs `reload`; returns its exit code and the messages to systemd from start to end.
fn reload(env: &TestEnv, manager: &mut Manager) -> (Option<i32>, String) {
    manager.catch_up();
    manager.received.clear();
    let code = env.run(&["reload"]).status.code();
    manager.expect(|line| line == "READY=1");
    (code, manager.received.concat())
}

#[test]
fn systemd_that_does_not_read_delays_no_command() {
    let env = TestEnv::new();
    let mut manager = Manager::of(&env);
    let daemon = manager.start(&env, None);
    manager.expect(|line| line == "READY=1");
    // The kernel keeps net.unix.max_dgram_qlen messages; each reload sends two.
    let length = std::fs::read_to_string("/proc/sys/net/unix/max_dgram_qlen").expect("the limit");
    for _ in 0..length.trim().parse::<usize>().expect("a number") {
        assert_eq!(env.run(&["reload"]).status.code(), Some(0), "{}", env.log());
    }
    manager.received.clear();
    env.json(&["pause"]);
    manager.expect(|line| line.contains("PAUSED"));
    let messages = manager.received.concat();
    let last = (messages.rfind("RELOADING=1"), messages.rfind("READY=1"));
    assert!(last.0 < last.1, "ready after each reload: {messages}");
    assert_eq!(daemon.terminate(), Some(0));
}

/// Waits until the status line is this one.
fn shows(manager: &mut Manager, is_expected: impl Fn(&str) -> bool) {
    let mut lines = manager.received.iter().rev().flat_map(|message| message.lines());
    let shown = lines.find(|line| line.starts_with("STATUS="));
    if !shown.is_some_and(&is_expected) {
        manager.expect(is_expected);
    }
}

/// The clock that systemd compares `MONOTONIC_USEC` with.
fn monotonic_microseconds() -> u128 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::try_from(now).expect("a time").as_micros()
}

#[test]
fn reload_notifies_systemd_and_ends_ready_in_any_case() {
    let env = TestEnv::new();
    let mut manager = Manager::of(&env);
    let daemon = manager.start(&env, None);
    manager.expect(|line| line == "READY=1");
    let before = monotonic_microseconds();
    let (code, messages) = reload(&env, &mut manager);
    assert_eq!(code, Some(0), "{}", env.log());
    let since = messages.split_once("RELOADING=1\nMONOTONIC_USEC=").expect("both at once").1;
    let digits: String = since.chars().take_while(char::is_ascii_digit).collect();
    let (reported, after) = (digits.parse::<u128>().expect("microseconds"), monotonic_microseconds());
    // The time of another clock, or in another unit, is not between the two.
    assert!((before..=after).contains(&reported), "{before} {reported} {after}");

    let path = env.path("dropship.toml");
    let good = std::fs::read_to_string(&path).expect("a configuration");
    std::fs::write(&path, good.replace("test_harness", "test_harnes")).expect("written");
    let (code, messages) = reload(&env, &mut manager);
    assert_eq!(code, Some(78), "{}", env.log());
    assert!(messages.contains("RELOADING=1"), "{messages}");
    shows(&mut manager, |line| {
        line.starts_with("STATUS=Watching 1 folder") && line.contains("needs attention: reload-refused")
    });
    std::fs::write(&path, good).expect("written");
    assert_eq!(reload(&env, &mut manager).0, Some(0));
    shows(&mut manager, |line| line == "STATUS=Watching 1 folder, no jobs open");
    assert_eq!(daemon.terminate(), Some(0));
}

/// How often the thread of this name has waited for something, as the kernel counts it.
fn waits_of(daemon: &TestDaemon, thread: &str) -> u64 {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", daemon.child.id())).expect("its threads");
    let statuses =
        tasks.flatten().filter_map(|task| std::fs::read_to_string(task.path().join("status")).ok());
    let name = format!("Name:\t{thread}\n");
    let status = statuses.into_iter().find(|status| status.starts_with(&name)).expect("the thread");
    let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    count.and_then(|count| count.trim().parse().ok()).expect("a count")
}

/// Freezes threads of the daemon: the watchdog is not fed, the log names the component, and after thawing it is fed again.
fn frozen_thread_stops_the_watchdog(thread: &str, component: &str) {
    if !Frozen::is_permitted() {
        return;
    }
    let env = TestEnv::new();
    let mut manager = Manager::of(&env);
    let daemon = manager.start(&env, Some(WATCHDOG));
    manager.expect(|line| line == "READY=1");
    manager.expect(|line| line == "WATCHDOG=1");
    let frozen = Frozen::threads(&daemon, thread);
    wait_for("the stalled component in the log", || {
        env.log().lines().any(|line| line.contains("stalled:") && line.contains(component)).then_some(())
    })
    .unwrap_or_else(|| panic!("{component} is not named: {}", env.log()));
    if component != "control socket" {
        let (status, page) = on_socket(&env.path("control.sock"), "/livez");
        assert_eq!(status, 503, "{page}");
        assert!(page.contains(&format!("{component} has stalled")), "{page}");
        let (_, page) = on_socket(&env.path("control.sock"), "/readyz");
        assert!(page.contains("stalled"), "{page}");
    }
    manager.catch_up();
    manager.received.clear();
    // In each round, the thread of the watchdog waits for an answer of the control socket, decides, and waits for the next round.
    // So it decides several times here. A thread that ignored the stall would feed the watchdog.
    let waits = waits_of(&daemon, "watchdog");
    wait_for("the next rounds", || (waits_of(&daemon, "watchdog") >= waits + 6).then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
    manager.catch_up();
    let is_fed = manager.received.iter().any(|message| message.lines().any(|line| line == "WATCHDOG=1"));
    assert!(!is_fed, "the watchdog was fed while {component} hangs");
    drop(frozen);
    manager.expect(|line| line == "WATCHDOG=1");
    assert_eq!(daemon.terminate(), Some(0), "{}", env.log());
}

/// Freezes threads, and sends signals: the process ends although the threads do not, with this line in its log.
fn frozen_thread_does_not_keep_the_daemon(thread: &str, signals: &[&str], logged: &[&str]) {
    if !Frozen::is_permitted() {
        return;
    }
    let env = TestEnv::new();
    let mut manager = Manager::of(&env);
    let daemon = manager.start(&env, None);
    manager.expect(|line| line == "READY=1");
    let frozen = Frozen::threads(&daemon, thread);
    for name in signals {
        signal(&daemon, name);
        // Two signals at once are one to the process.
        wait_for("the first signal", || env.log().contains("is stopping").then_some(()));
    }
    assert_eq!(frozen.ended_with(daemon), Some(0), "{}", env.log());
    let log = env.log();
    let is_logged = |line: &str| logged.iter().all(|part| line.contains(part));
    // A store that has nothing to write does not keep the daemon.
    assert!(log.lines().any(is_logged) || (thread == "store" && log.contains("has stopped")), "{log}");
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
    assert_eq!(env.wait_for_end()["state"], "succeeded", "{}", env.log());
}

#[test]
fn hanging_store_does_not_survive_a_signal() {
    frozen_thread_does_not_keep_the_daemon(
        "store",
        &["TERM"],
        &["dropship exits although", "store (no sign of life"],
    );
}

#[test]
fn hanging_runtime_does_not_survive_a_second_signal() {
    frozen_thread_does_not_keep_the_daemon("tokio-rt-worker", &["TERM", "TERM"], &["stops immediately"]);
}

#[test]
fn hanging_store_stops_the_watchdog() {
    frozen_thread_stops_the_watchdog("store", "store");
}

#[test]
fn hanging_runtime_stops_the_watchdog() {
    frozen_thread_stops_the_watchdog("tokio-rt-worker", "dispatcher");
}

#[test]
fn hanging_control_threads_stop_the_watchdog() {
    frozen_thread_stops_the_watchdog("control", "control socket");
}
