//! Drop folders: when packages are ready, many files at once, and degraded folders.

mod after;
mod backlog;
mod checksums;
mod fairness;
mod final_jobs;
mod ignored;
mod names;
mod polled;
mod renamed_folder;
mod retention;
mod same_content;

use std::fs;

use serde_json::Value;

use crate::harness::{TestEnv, wait_for};

/// Replaces texts in the configuration.
fn edit(env: &TestEnv, changes: &[(&str, &str)]) {
    let path = env.path("dropship.toml");
    let mut text = fs::read_to_string(&path).expect("configuration");
    for (from, to) in changes {
        assert!(text.contains(from), "{from} is not there");
        text = text.replace(from, to);
    }
    fs::write(path, text).expect("changed");
}

/// Waits for the receipt of a package that is in this state.
fn receipt_of(env: &TestEnv, package: &str, state: &str) -> Value {
    wait_for(&format!("{package} to be {state}"), || {
        env.receipts().into_iter().find(|receipt| receipt["package"] == package && receipt["state"] == state)
    })
    .unwrap_or_else(|| panic!("{:#?}\n{}", env.receipts(), env.log()))
}

/// Waits until the daemon answers: a command without one opens the store itself.
fn wait_for_daemon(env: &TestEnv) {
    let up = || {
        let socket = env.path("control.sock").exists();
        socket && crate::harness::text(&env.run(&["status"]).stdout).contains(" running since ")
    };
    wait_for("the daemon", || up().then_some(())).unwrap_or_else(|| panic!("no daemon:\n{}", env.log()));
}
