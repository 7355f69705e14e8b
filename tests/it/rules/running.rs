//! Helpers for tests of rules with a running daemon.

use std::fs;

use serde_json::Value;

use crate::harness::{TestEnv, wait_for};

/// Replaces texts in the configuration; each must exist.
pub(super) fn edit(env: &TestEnv, changes: &[(&str, &str)]) {
    let path = env.path("dropship.toml");
    let mut text = fs::read_to_string(&path).expect("a configuration");
    for (from, to) in changes {
        assert!(text.contains(from), "{from:?} stands in {text}");
        text = text.replace(from, to);
    }
    fs::write(path, text).expect("written");
}

/// Waits until the daemon answers.
pub(super) fn wait_for_daemon(env: &TestEnv) {
    // Without a daemon, a command opens the store itself and says so. While the daemon starts, the store is locked.
    let status =
        || serde_json::from_slice::<Value>(&env.run(&["--json", "status"]).stdout).unwrap_or_default();
    wait_for("the daemon", || (status()["running"] == true).then_some(()))
        .unwrap_or_else(|| panic!("no daemon:\n{}", env.log()));
}

/// An id or another text of a JSON document.
pub(super) fn id(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// Waits until the receipt of the one job fits.
pub(super) fn receipt_when(env: &TestEnv, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
    wait_for(what, || env.receipts().pop().filter(&fits))
        .unwrap_or_else(|| panic!("{what}: {:#?}\n{}", env.receipts(), env.log()))
}

/// Waits until the receipt of the package shows this state.
pub(super) fn receipt_of(env: &TestEnv, package: &str, state: &str) -> Value {
    let mut last = Value::Null;
    wait_for(&format!("{package} to be {state}"), || {
        last = env.receipts().into_iter().find(|receipt| receipt["package"] == package)?;
        (last["state"] == state).then_some(())
    })
    .unwrap_or_else(|| panic!("{package} is not {state}: {last:#}\n{}", env.log()));
    last
}

/// The bodies of the requests for an operation that the sandbox received.
pub(super) fn bodies(env: &TestEnv, operation: &str) -> Vec<Value> {
    let requests = env.sandbox.control().requests();
    let matching = requests.iter().filter(|entry| entry.operation == operation);
    matching.map(|entry| serde_json::to_value(&entry.body).expect("JSON")).collect()
}
