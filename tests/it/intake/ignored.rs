//! Copies that synchronisers leave next to a file.

use std::fs;

use super::wait_for_daemon;
use crate::harness::{TestEnv, bytes, text, wait_for};

#[test]
fn copies_of_synchronisers_are_ignored_and_status_counts_and_names_them() {
    let env = TestEnv::new();
    let good = bytes("cab/good-signed-ts.cab");
    for name in [
        "echo.sync-conflict-20261128-101500-ABCDEFG.cab",
        "echo (Ann's conflicted copy 2026-11-28).cab",
        "echo - Copy.cab",
        "echo \u{1b}[31m - copy (2).CAB",
        "notes - Copy.txt",
    ] {
        fs::write(env.path(&format!("drop/{name}")), &good).expect("a copy");
    }
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    let folder = || env.json(&["status"])["folders"][0].clone();
    let counts = |count: u64| {
        wait_for(&format!("{count} ignored files"), || (folder()["ignored"] == count).then_some(()))
            .unwrap_or_else(|| panic!("{:#}\n{}", folder(), env.log()));
    };
    counts(4);
    let names = folder()["last_ignored"].as_array().expect("names").clone();
    assert!(names.len() == 4 && names.iter().all(|name| name != "notes - Copy.txt"), "{names:?}");
    // Neither a later scan nor another event counts one of them twice. The newest comes first.
    fs::write(env.path("drop/echo - Copy.cab"), &good).expect("written again");
    assert!(env.run(&["rescan"]).status.success());
    fs::write(env.path("drop/late - Copy.cab"), &good).expect("a copy");
    counts(5);
    assert_eq!(folder()["last_ignored"][0], "late - Copy.cab");
    let shown = text(&env.run(&["status"]).stdout);
    assert!(shown.contains("5 files ignored (`exclude`), last: late - Copy.cab, "), "{shown}");
    assert!(shown.contains("\\u{1b}[31m") && !shown.contains('\u{1b}'), "{shown:?}");
    fs::remove_file(env.path("drop/late - Copy.cab")).expect("removed");
    counts(4);
    env.drop_package("echo.cab", &good);
    assert_eq!(env.wait_for_end()["package"], "echo.cab");
    assert_eq!(env.json(&["jobs"]).as_array().map(Vec::len), Some(1));
    assert_eq!(daemon.terminate(), Some(0));
}
