//! Drop folders as build servers meet them: what says that a package is ready, floods, and folders that fare badly.

mod backlog;
mod checksums;
mod fair;
mod ignored;
mod kept;
mod polled;

use std::fs;

use serde_json::Value;

use crate::home::{Home, wait_for};

/// Changes the configuration's text.
fn edit(home: &Home, changes: &[(&str, &str)]) {
    let path = home.path("dropship.toml");
    let mut text = fs::read_to_string(&path).expect("configuration");
    for (from, to) in changes {
        assert!(text.contains(from), "{from} is not there");
        text = text.replace(from, to);
    }
    fs::write(path, text).expect("changed");
}

/// Waits for the receipt of a package that is in this state.
fn receipt_of(home: &Home, package: &str, state: &str) -> Value {
    wait_for(&format!("{package} to be {state}"), || {
        home.receipts().into_iter().find(|receipt| receipt["package"] == package && receipt["state"] == state)
    })
    .unwrap_or_else(|| panic!("{:#?}\n{}", home.receipts(), home.log()))
}

/// Waits until the daemon answers: a command without one opens the store itself.
fn listening(home: &Home) {
    let up = || {
        let socket = home.path("control.sock").exists();
        socket && crate::home::text(&home.run(&["status"]).stdout).contains(" running since ")
    };
    wait_for("the daemon", || up().then_some(())).unwrap_or_else(|| panic!("no daemon:\n{}", home.log()));
}
