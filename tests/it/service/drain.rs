//! Stopping: in the middle of a transfer, of a create, and twice.

use serde_json::json;

use super::manager::Manager;
use crate::home::{Daemon, Home, bytes, wait_for};

/// Sends a signal.
fn signal(daemon: &Daemon, signal: &str) {
    let id = daemon.child.id().to_string();
    let sent = std::process::Command::new("kill").args(["-s", signal, &id]).status();
    assert!(sent.expect("kill runs").success());
}

/// Waits until the sandbox has been asked for this.
fn asked(home: &Home, operation: &str) {
    wait_for("a request", || {
        let page = home.sandbox_page("requests");
        let requests = page.as_array()?;
        requests.iter().any(|request| request["operation"] == operation).then_some(())
    })
    .unwrap_or_else(|| panic!("no {operation}: {:#}\n{}", home.sandbox_page("requests"), home.log()));
}

/// A package whose way is stopped by a fault, with the daemon that works on it.
fn stopped_at(operation: &str, fault: &serde_json::Value) -> (Home, Manager, Daemon) {
    let home = Home::new();
    home.fault(fault);
    let mut manager = Manager::of(&home);
    let daemon = manager.start(&home, None);
    manager.expect(|line| line == "READY=1");
    home.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    asked(&home, operation);
    (home, manager, daemon)
}

/// Another daemon brings the job to its end, and everything exists once.
fn goes_on(home: &Home) {
    assert_eq!(home.daemon(&["--until-idle"]).wait(), Some(0), "{}", home.log());
    assert_eq!(home.ended()["state"], "succeeded", "{}", home.log());
    assert_eq!(home.created(), (1, 1, 1));
}

#[test]
fn an_upload_is_put_down_at_once_and_taken_up_again() {
    let (home, mut manager, daemon) =
        stopped_at("blob", &json!({ "operation": "blob", "method": "PUT", "action": { "kind": "hang" } }));
    let began = std::time::Instant::now();
    assert_eq!(daemon.terminate(), Some(0), "{}", home.log());
    assert!(began.elapsed().as_secs() < 10, "it waited for an upload that hangs");
    manager.expect(|line| line == "STOPPING=1");
    assert!(home.log().contains("dropship has ended"), "{}", home.log());
    goes_on(&home);
}

#[test]
fn a_create_under_way_may_end() {
    let (home, mut manager, daemon) = stopped_at(
        "create_product",
        &json!({ "operation": "create_product", "action": { "kind": "delay", "ms": 1500 } }),
    );
    signal(&daemon, "TERM");
    manager.expect(|line| line == "STOPPING=1");
    manager.expect(|line| line.starts_with("EXTEND_TIMEOUT_USEC="));
    assert_eq!(daemon.wait(), Some(0));
    let job = &home.json(&["jobs"])[0];
    assert!(job["product_id"].is_string(), "its answer was waited for: {job:#}");
    goes_on(&home);
    assert!(!home.log().contains("it is looked for"), "nothing was in doubt: {}", home.log());
}

#[test]
fn a_second_signal_of_another_kind_ends_it_at_once_and_loses_nothing() {
    let (home, mut manager, daemon) = stopped_at(
        "create_product",
        &json!({ "operation": "create_product", "action": { "kind": "late", "ms": 500 } }),
    );
    signal(&daemon, "TERM");
    manager.expect(|line| line == "STOPPING=1");
    signal(&daemon, "INT");
    assert_eq!(daemon.wait(), Some(0), "{}", home.log());
    assert!(home.log().contains("ends at once"), "{}", home.log());
    goes_on(&home);
}
