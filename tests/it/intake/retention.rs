//! `outbox_keep`: old results are deleted, and no job starts again because of that.

use std::fs;
use std::path::{Path, PathBuf};

use dropship_sandbox::Quirks;

use super::{edit, receipt_of, wait_for_daemon};
use crate::harness::{TestEnv, bytes, wait_for};

#[test]
fn expired_results_are_deleted_and_foreign_files_stay() {
    let env = TestEnv::with(Quirks::none(), "");
    edit(&env, &[("outbox = \"out\"", "outbox = \"out\"\noutbox_keep = \"1s\"")]);
    let check = env.json(&["check"]);
    assert_eq!(
        (&check["ok"], check["warnings"].as_array().map(Vec::len)),
        (&true.into(), Some(0)),
        "{check:#}"
    );
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    env.drop_package("noted.cab", &bytes("cab/stored-signed.cab"));
    env.drop_package("bad.cab", &bytes("cab/unsigned.cab"));
    let folders = || -> Vec<_> {
        let items = fs::read_dir(env.path("out")).into_iter().flatten().flatten();
        items.map(|item| item.path()).collect()
    };
    let begins = |name: &str| folders().into_iter().find(|path| path.to_string_lossy().contains(name));
    let noted = wait_for("the package's folder", || begins("noted-")).expect("a folder");
    fs::write(noted.join("notes.txt"), "by hand").expect("a note");
    let results = || -> Vec<_> {
        let within = |folder: std::path::PathBuf| fs::read_dir(folder).into_iter().flatten().flatten();
        folders().into_iter().flat_map(within).map(|item| item.file_name()).collect()
    };
    let receipts_only = || {
        let mut left = results();
        left.sort();
        (left == ["notes.txt", "receipt.json", "receipt.json", "receipt.json"]).then_some(())
    };
    wait_for_ends(&env, 3);
    wait_for("results to be cleared away", receipts_only)
        .unwrap_or_else(|| panic!("{:?}\n{}", results(), env.log()));
    assert_eq!(env.created(), (2, 2, 2), "not before both have succeeded");

    // A new store learns from the receipts which files are in the drop folder.
    assert_eq!(daemon.terminate(), Some(0));
    fs::rename(env.path("store"), env.path("lost")).expect("the store is gone");
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    wait_for("the rejected one to be evaluated again", || (jobs(&env) == 3).then_some(()))
        .unwrap_or_else(|| panic!("{} jobs\n{}", jobs(&env), env.log()));
    assert_eq!(env.created(), (2, 2, 2), "nothing is sent again");

    for name in ["echo.cab", "noted.cab", "bad.cab"] {
        fs::remove_file(env.path("drop").join(name)).expect("it was in the folder");
    }
    // A restored store may need the receipts of what was sent.
    wait_for("the rejected one to be cleared away", || begins("bad-").is_none().then_some(()))
        .unwrap_or_else(|| panic!("{:?}\n{}", results(), env.log()));
    let left = || {
        let mut left = results();
        left.sort();
        left == ["notes.txt", "receipt.json", "receipt.json"]
    };
    assert!(left(), "{:?}", results());
    assert_eq!(fs::read(noted.join("notes.txt")).expect("a note"), b"by hand");
    assert_eq!(daemon.terminate(), Some(0));
    // Nothing is written there again either.
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
    assert_eq!((left(), jobs(&env), env.created()), (true, 3, (2, 2, 2)));
}

#[test]
fn renamed_file_after_a_lost_store_is_not_a_new_package() {
    let env = TestEnv::with(Quirks::none(), "");
    edit(&env, &[("outbox = \"out\"", "outbox = \"out\"\noutbox_keep = \"5s\"")]);
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let done = receipt_of(&env, "echo.cab", "succeeded");
    fs::rename(env.path("drop/echo.cab"), env.path("drop/renamed.cab")).expect("renamed");
    let folder = PathBuf::from(done["outbox"].as_str().expect("a path"));
    let cleared = || (!folder.join("signed.zip").exists()).then_some(());
    wait_for("the results to be cleared away", cleared).unwrap_or_else(|| panic!("{}", env.log()));
    clear_another(&env);
    assert!(folder.join("receipt.json").exists(), "the file is still in the folder\n{}", env.log());
    assert_eq!(daemon.terminate(), Some(0));
    fs::remove_dir_all(env.path("store")).expect("lost");
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
    assert_eq!((jobs(&env), env.created()), (1, (1, 1, 1)), "{}", env.log());
    let daemon = env.daemon(&[]);
    fs::remove_file(env.path("drop/renamed.cab")).expect("it was in the folder");
    clear_another(&env);
    assert!(folder.join("receipt.json").exists(), "a restored store may need it\n{}", env.log());
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn results_of_a_cancelled_job_stay_for_a_retry() {
    let env = TestEnv::with(Quirks::none(), "");
    edit(
        &env,
        &[
            ("outbox = \"out\"", "outbox = \"out\"\noutbox_keep = \"1s\""),
            ("destination = \"windows_update\"", "destination = \"windows_update\"\nhold = true"),
        ],
    );
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let held = receipt_of(&env, "echo.cab", "held");
    let id = held["id"].as_str().expect("an id");
    assert!(env.run(&["cancel", id]).status.success());
    receipt_of(&env, "echo.cab", "cancelled");
    clear_another(&env);
    assert!(env.run(&["retry", id]).status.success());
    let again = receipt_of(&env, "echo.cab", "held");
    assert_eq!(again["error"]["kind"], "approval", "{again:#}\n{}", env.log());
    assert!(env.run(&["approve", id]).status.success());
    receipt_of(&env, "echo.cab", "succeeded");
    assert_eq!(env.created(), (1, 1, 1));
    assert_eq!(daemon.terminate(), Some(0));
}

/// Waits until the newest results are deleted: by then all older ones have been examined too.
fn clear_another(env: &TestEnv) {
    env.drop_package("bad.cab", &bytes("cab/unsigned.cab"));
    let bad = receipt_of(env, "bad.cab", "rejected");
    fs::remove_file(env.path("drop/bad.cab")).expect("it was in the folder");
    let cleared = || (!Path::new(bad["outbox"].as_str().expect("a path")).exists()).then_some(());
    wait_for("the rejected one to be cleared away", cleared).unwrap_or_else(|| panic!("{}", env.log()));
}

fn jobs(env: &TestEnv) -> usize {
    env.json(&["jobs"]).as_array().map_or(0, Vec::len)
}

/// Waits until this many jobs have ended.
fn wait_for_ends(env: &TestEnv, count: usize) {
    let number = |state: &str| env.json(&["jobs", "--state", state]).as_array().map_or(0, Vec::len);
    let all = || (number("succeeded") + number("rejected") == count).then_some(());
    wait_for("every job to end", all).unwrap_or_else(|| panic!("{}", env.log()));
}
