//! `dropship store copy` between a folder and PostgreSQL. `.ci/postgres` runs these with the feature `postgres`.

use std::fs;
use std::process::Stdio;

use dropship_store::{Commit, DiskStore, Entry, Store};
use serde_json::{Value, json};

use crate::fleet::server::{Database, database_of_its_own};
use crate::harness::{TestEnv, bytes, text, wait_for};

/// Copies, and returns the document of the command.
fn copy(env: &TestEnv, from: &str, to: &str, more: &[&str]) -> Value {
    let output = env.run(&[&["--json", "store", "copy", from, to], more].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout) + &text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The message of a copy that is refused.
fn refuse_copy(env: &TestEnv, from: &str, to: &str, code: i32) -> String {
    let output = env.run(&["store", "copy", from, to]);
    let printed = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{printed}");
    printed
}

fn path(env: &TestEnv, name: &str) -> String {
    env.path(name).display().to_string()
}

/// Runs a daemon until it has nothing to do; all its jobs have succeeded then.
fn all_succeed(env: &TestEnv, jobs: usize) {
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
    let states: Vec<_> = env.receipts().iter().map(|receipt| receipt["state"].clone()).collect();
    assert_eq!(states, vec![json!("succeeded"); jobs], "{}", env.log());
    assert_eq!(env.created(), (jobs, jobs, jobs), "{}", env.log());
}

/// All jobs with their histories, as commands without a daemon show them.
fn histories(env: &TestEnv) -> Vec<Value> {
    let jobs = env.json(&["jobs"]);
    let ids =
        jobs.as_array().expect("a list").iter().map(|job| job["id"].as_str().expect("an id").to_owned());
    ids.map(|id| env.json(&["show", &id, "--events"])).collect()
}

/// A daemon is refused, and `check` reports it.
fn assert_refused(env: &TestEnv, why: &str) {
    for command in ["run", "check"] {
        let output = env.run(&[command]);
        let printed = text(&output.stderr) + &text(&output.stdout);
        assert!(output.status.code() == Some(78) && printed.contains(why), "{command}: {printed}");
    }
}

fn in_database(database: &Database) -> String {
    format!("path = \"node\"\nurl = \"{}\"\npackages = \"shared\"\nnode = \"one\"", database.url())
}

#[test]
fn store_moves_into_a_database_and_back_and_sends_nothing_twice() {
    let Some(database) = database_of_its_own() else { return };
    let (env, url) = (TestEnv::new(), database.url());
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    all_succeed(&env, 1);
    // The second job is under way: its submission is committed, and the service does not respond any more.
    env.fault(
        &json!({"operation": "get_submission", "times": 0, "action": {"kind": "status", "status": 503}}),
    );
    env.drop_package("other.cab", &bytes("cab/good-signed.cab"));
    let daemon = env.daemon(&[]);
    let waits = || env.receipts().into_iter().find(|receipt| !receipt["error"].is_null());
    wait_for("the second job to wait", waits).unwrap_or_else(|| panic!("{}", env.log()));
    let printed = refuse_copy(&env, &path(&env, "store"), &url, 1);
    assert!(printed.contains("in use") && printed.contains("stopped"), "{printed}");
    daemon.kill();
    let before = histories(&env);

    let done = copy(&env, &path(&env, "store"), &url, &["--packages", &path(&env, "shared")]);
    assert_eq!(done["content"]["jobs"], 2, "{done}");
    assert_eq!(done["copied"], done["content"]["entries"], "{done}");
    assert!(done["packages"]["files"].as_u64() > Some(2), "{done}");
    let again = copy(&env, &path(&env, "store"), &url, &["--packages", &path(&env, "shared")]);
    assert_eq!((&again["copied"], &again["packages"]["copied"]), (&json!(0), &json!(0)), "{again}");
    assert_refused(&env, "moved to postgres://");
    let cancelled = env.run(&["pause"]);
    assert_eq!(cancelled.status.code(), Some(78), "{}", text(&cancelled.stderr));

    env.edit_configuration("path = \"store\"", &in_database(&database));
    fs::rename(env.path("store"), env.path("old")).expect("out of the way");
    env.no_faults();
    all_succeed(&env, 2);
    let since = histories(&env);
    for (old, new) in before.iter().zip(&since) {
        let events = |job: &Value| job["events"].as_array().cloned().unwrap_or_default();
        assert!(events(new).starts_with(&events(old)) && !events(old).is_empty(), "{old:#}\n{new:#}");
    }
    // The old folder is not a beginning of the database, and the database is none of it.
    let printed = refuse_copy(&env, &url, &path(&env, "old"), 1);
    assert!(printed.contains("other content"), "{printed}");

    let done = copy(&env, &url, &path(&env, "back"), &[]);
    assert_eq!(done["content"]["jobs"], 2, "{done}");
    assert_refused_by_a_node(&env);
    env.edit_configuration(&in_database(&database), "path = \"back\"");
    assert_eq!(histories(&env), since);
    assert_eq!(env.json(&["doctor"]), json!([]));
    env.drop_package("third.cab", &bytes("cab/stored-signed.cab"));
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
    assert_eq!(env.receipts().len(), 3);
    let (products, ..) = env.created();
    assert!(products <= 3, "{}", env.log());
}

fn assert_refused_by_a_node(env: &TestEnv) {
    let output = env.run(&["run"]);
    let printed = text(&output.stderr);
    assert!(output.status.code() == Some(78) && printed.contains("moved to /"), "{printed}");
}

#[test]
fn copy_that_was_killed_is_continued() {
    const ENTRIES: u64 = 12_000;
    let Some(database) = database_of_its_own() else { return };
    let (env, url) = (TestEnv::new(), database.url());
    let home = env.path("store");
    fs::create_dir(&home).expect("a folder");
    let (store, _) = DiskStore::open(&home).expect("a new store");
    let setting =
        |number: u64| Entry::Setting { key: format!("k/{number:05}"), value: Some("x".repeat(100)) };
    let commits: Vec<_> =
        (0..ENTRIES).map(|number| store.commit(Commit::unsynced(vec![setting(number)]))).collect();
    commits.into_iter().for_each(|commit| drop(commit.wait().expect("committed")));
    drop(store);
    let expected = env.run(&["export"]).stdout;

    // The tables exist before the command looks for them.
    drop(database.journal());
    let lines =
        || database.sql("SELECT coalesce(max(seq), 0) FROM dropship.lines").parse::<u64>().expect("a number");
    for count in [1, ENTRIES / 2] {
        let mut copying = env.command(&["store", "copy", &path(&env, "store"), &url]);
        let mut copying = copying.stderr(Stdio::null()).spawn().expect("it starts");
        wait_for("some lines", || (lines() > count).then_some(())).expect("lines are copied");
        copying.kill().expect("killed");
        copying.wait().expect("gone");
    }
    env.edit_configuration("path = \"store\"", &in_database(&database));
    database.sql("UPDATE dropship.lease SET deadline = NULL");
    let output = env.run(&["run"]);
    let printed = text(&output.stderr);
    assert!(output.status.code() == Some(78) && printed.contains("unfinished copy"), "{printed}");
    env.edit_configuration(&in_database(&database), "path = \"store\"");

    let done = copy(&env, &path(&env, "store"), &url, &[]);
    assert_eq!(done["content"]["entries"], ENTRIES);
    assert!(done["copied"].as_u64().is_some_and(|copied| copied < ENTRIES / 2), "{done}");
    assert!(!env.path("store/copying").exists());
    let done = copy(&env, &url, &path(&env, "back"), &[]);
    assert_eq!(done["content"]["entries"], ENTRIES);
    env.edit_configuration("path = \"store\"", "path = \"back\"");
    assert!(env.run(&["export"]).stdout == expected, "the same export");
}
