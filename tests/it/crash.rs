//! Killed at any instant, a job ends with one product, one submission and one label.

use crate::home::{Home, bytes, wait_for};

/// Kills the daemon once the sandbox has answered so many requests; then lets another one finish.
fn killed_after(requests: usize) {
    let home = Home::new();
    home.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let daemon = home.daemon(&[]);
    wait_for("requests", || {
        let seen = home.sandbox_page("requests").as_array().map_or(0, Vec::len);
        (seen >= requests || !home.receipts().is_empty() && home.receipts()[0]["state"] == "succeeded")
            .then_some(())
    })
    .expect("requests");
    daemon.kill();
    assert_eq!(home.daemon(&["--until-idle"]).wait(), Some(0), "{}", home.log());
    let receipt = home.ended();
    assert_eq!(
        receipt["state"],
        "succeeded",
        "killed after {requests} requests: {receipt:#}\n{}",
        home.log()
    );
    assert_eq!(home.created(), (1, 1, 1), "killed after {requests} requests");
    assert_eq!(home.json(&["jobs"]).as_array().map(Vec::len), Some(1));
}

#[test]
fn killed_early_it_goes_on() {
    for requests in [1, 2, 3, 4] {
        killed_after(requests);
    }
}

#[test]
fn killed_in_the_middle_it_goes_on() {
    for requests in [5, 6, 7, 8, 10] {
        killed_after(requests);
    }
}

#[test]
fn killed_late_it_goes_on() {
    for requests in [12, 16, 20, 24] {
        killed_after(requests);
    }
}
