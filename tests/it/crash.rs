//! Wherever the daemon is killed, the job ends with one product, one submission and one label.

use crate::harness::{TestEnv, bytes, wait_for};

/// Kills the daemon once the sandbox has answered this many requests, then lets another daemon finish.
fn killed_after(requests: usize) {
    let env = TestEnv::new();
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let daemon = env.daemon(&[]);
    wait_for("requests", || {
        let seen = env.sandbox_page("requests").as_array().map_or(0, Vec::len);
        (seen >= requests || !env.receipts().is_empty() && env.receipts()[0]["state"] == "succeeded")
            .then_some(())
    })
    .expect("requests");
    daemon.kill();
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
    let receipt = env.wait_for_end();
    assert_eq!(receipt["state"], "succeeded", "killed after {requests} requests: {receipt:#}\n{}", env.log());
    assert_eq!(env.created(), (1, 1, 1), "killed after {requests} requests");
    assert_eq!(env.json(&["jobs"]).as_array().map(Vec::len), Some(1));
}

#[test]
fn daemon_killed_early_finishes_the_job_after_restart() {
    for requests in [1, 2, 3, 4] {
        killed_after(requests);
    }
}

#[test]
fn daemon_killed_midway_finishes_the_job_after_restart() {
    for requests in [5, 6, 7, 8, 10] {
        killed_after(requests);
    }
}

#[test]
fn daemon_killed_late_finishes_the_job_after_restart() {
    for requests in [12, 16, 20, 24] {
        killed_after(requests);
    }
}
