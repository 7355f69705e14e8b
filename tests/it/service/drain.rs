//! Shutdown: during a transfer, during a create, and with a second signal.

use serde_json::json;

use super::manager::Manager;
use crate::harness::{TestDaemon, TestEnv, bytes, wait_for};

/// Sends a signal.
pub(super) fn signal(daemon: &TestDaemon, signal: &str) {
    let id = daemon.child.id().to_string();
    let sent = std::process::Command::new("kill").args(["-s", signal, &id]).status();
    assert!(sent.expect("kill runs").success());
}

/// Waits until the sandbox has received a request for this operation.
fn wait_for_request(env: &TestEnv, operation: &str) {
    wait_for("a request", || {
        let page = env.sandbox_page("requests");
        let requests = page.as_array()?;
        requests.iter().any(|request| request["operation"] == operation).then_some(())
    })
    .unwrap_or_else(|| panic!("no {operation}: {:#}\n{}", env.sandbox_page("requests"), env.log()));
}

/// A daemon with a package that a fault stops at this operation.
fn stopped_at(operation: &str, fault: &serde_json::Value) -> (TestEnv, Manager, TestDaemon) {
    let env = TestEnv::new();
    env.fault(fault);
    let mut manager = Manager::of(&env);
    let daemon = manager.start(&env, None);
    manager.expect(|line| line == "READY=1");
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    wait_for_request(&env, operation);
    (env, manager, daemon)
}

/// Starts another daemon: the job succeeds, and each object exists once.
fn next_daemon_finishes(env: &TestEnv) {
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
    assert_eq!(env.wait_for_end()["state"], "succeeded", "{}", env.log());
    assert_eq!(env.created(), (1, 1, 1));
}

#[test]
fn shutdown_interrupts_an_upload_and_the_next_start_resumes_it() {
    let (env, mut manager, daemon) =
        stopped_at("blob", &json!({ "operation": "blob", "method": "PUT", "action": { "kind": "hang" } }));
    assert_eq!(daemon.terminate(), Some(0), "{}", env.log());
    assert!(
        !env.log().contains("did not end their calls in time"),
        "it waited for the upload: {}",
        env.log()
    );
    manager.expect(|line| line == "STOPPING=1");
    assert!(env.log().contains("dropship has stopped"), "{}", env.log());
    next_daemon_finishes(&env);
}

#[test]
fn shutdown_waits_for_a_running_create() {
    let (env, mut manager, daemon) = stopped_at(
        "create_product",
        &json!({ "operation": "create_product", "action": { "kind": "delay", "ms": 1500 } }),
    );
    signal(&daemon, "TERM");
    manager.expect(|line| line == "STOPPING=1");
    manager.expect(|line| line.starts_with("EXTEND_TIMEOUT_USEC="));
    assert_eq!(daemon.wait(), Some(0));
    let job = &env.json(&["jobs"])[0];
    assert!(job["product_id"].is_string(), "its answer was waited for: {job:#}");
    next_daemon_finishes(&env);
    assert!(!env.log().contains("checking whether it took effect"), "nothing was in doubt: {}", env.log());
}

#[test]
fn second_signal_ends_the_daemon_at_once_without_loss() {
    let (env, mut manager, daemon) = stopped_at(
        "create_product",
        &json!({ "operation": "create_product", "action": { "kind": "late", "ms": 500 } }),
    );
    signal(&daemon, "TERM");
    manager.expect(|line| line == "STOPPING=1");
    signal(&daemon, "INT");
    assert_eq!(daemon.wait(), Some(0), "{}", env.log());
    assert!(env.log().contains("stops immediately"), "{}", env.log());
    next_daemon_finishes(&env);
}
