//! `dropship log-level`.

use crate::harness::{TestDaemon, TestEnv, bytes, text, wait_for};

/// Starts a daemon that logs errors only.
fn silent_daemon(env: &TestEnv) -> TestDaemon {
    let log = std::fs::File::create(env.path("daemon.log")).expect("a log");
    let child = env.command(&["run", "--log-level", "error"]).stderr(log).spawn().expect("it starts");
    TestDaemon { child }
}

#[test]
fn log_level_changes_the_running_daemon_until_it_restarts() {
    let env = TestEnv::new();
    let daemon = silent_daemon(&env);
    wait_for("the daemon", || env.run(&["rescan"]).status.success().then_some(())).expect("an answer");
    assert_eq!(env.log(), "", "nothing below an error");
    let answer = env.json(&["log-level", "debug"]);
    assert_eq!((&answer["level"], &answer["previous"]), (&"debug".into(), &"error".into()), "{answer:#}");
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    env.wait_for_end();
    let log = env.log();
    assert!(log.contains("changed the log level from error to debug"), "{log}");
    assert!(log.contains("accepted") && log.contains(" debug "), "{log}");
    // Libraries that log complete URLs stay at their maximum level.
    assert!(!log.contains("sig="), "{log}");
    assert!(env.run(&["log-level", "error"]).status.success());
    let before = env.log();
    env.drop_package("other.cab", &bytes("cab/good-signed.cab"));
    wait_for("the second job", || (env.receipts().len() == 2).then_some(())).expect("a receipt");
    assert_eq!(env.log(), before, "the log is silent again");
    let wrong = env.run(&["log-level", "loud"]);
    assert_eq!(wrong.status.code(), Some(64));
    assert!(text(&wrong.stderr).contains("error, warn, info, debug, trace"), "{}", text(&wrong.stderr));
    assert_eq!(daemon.terminate(), Some(0));
    let daemon = silent_daemon(&env);
    wait_for("the daemon", || env.run(&["rescan"]).status.success().then_some(())).expect("an answer");
    assert_eq!(env.log(), "", "the level of the command line applies again");
    drop(daemon);
}
