//! Folders without events, which are only scanned.

use std::fs;
use std::process::{Command, Stdio};

use super::{edit, receipt_of};
use crate::harness::{TestDaemon, TestEnv, bytes, wait_for};

/// Starts a daemon in a user namespace without inotify instances, so that it has to poll its folders.
fn daemon_without_events(env: &TestEnv) -> TestDaemon {
    let log = fs::File::create(env.path("daemon.log")).expect("a log");
    let run = env.command(&["run", "--log-level", "debug"]);
    let child = Command::new("unshare")
        .args(["-Ur", "sh", "-ec", "echo 0 >/proc/sys/user/max_inotify_instances; exec \"$0\" \"$@\""])
        .arg(run.get_program())
        .args(run.get_args())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("unshare runs");
    TestDaemon { child }
}

#[test]
fn root_polled_folder_rejects_nothing_that_may_still_be_written() {
    if std::env::var_os("DROPSHIP_ROOT_TESTS").is_none() {
        eprintln!("not run: it needs a user namespace; set DROPSHIP_ROOT_TESTS=1");
        return;
    }
    let env = TestEnv::new();
    edit(&env, &[("settle = \"200ms\"", "settle = \"20ms\""), ("poll = \"1s\"", "poll = \"100ms\"")]);
    let _daemon = daemon_without_events(&env);
    let logged = |what: &str| env.log().matches(what).count();
    let wait = |what: &str, count: usize| {
        wait_for(what, || (logged(what) >= count).then_some(())).unwrap_or_else(|| panic!("{}", env.log()));
    };
    wait("is polled", 1);
    let mut altered = bytes("cab/good-signed.cab");
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    env.drop_package("bad.cab", &altered);
    wait("not admitted yet", 1);
    // The time between scans is more than a hundred times `settle`.
    wait("of folder `in` took", logged("of folder `in` took") + 30);
    assert!(env.receipts().is_empty(), "{:#?}", env.receipts());
    // A positive verdict takes effect at once.
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    receipt_of(&env, "echo.cab", "succeeded");
}
