//! Folders that are on one node only.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::server::database_of_its_own;
use super::{end_lease, environment, json_on_two, on_two, second_daemon};
use crate::harness::{TestDaemon, TestEnv, bytes, text, wait_for};
use crate::service::http::on_socket;
use crate::storm::PackageTemplate;

/// Adds a folder of the second node to the configuration of both.
pub(super) fn with_folder_of_two(env: &TestEnv) {
    fs::create_dir(env.path("drop2")).expect("a folder");
    let folder = "[[folder]]\nname = \"site\"\nnode = \"two\"\npath = \"drop2\"\noutbox = \"out2\"\nafter = \"delete\"\n\
        settle = \"200ms\"\npoll = \"1s\"\nsame_content = \"take\"\n";
    env.edit_configuration("[signers]", &format!("{folder}[signers]"));
}

pub(super) fn drop_at_two(env: &TestEnv, name: &str, bytes: &[u8]) {
    fs::write(env.path(&format!("drop2/{name}.part")), bytes).expect("written");
    let (from, to) = (env.path(&format!("drop2/{name}.part")), env.path(&format!("drop2/{name}")));
    fs::rename(from, to).expect("renamed");
}

/// The folders with results of the second node.
pub(super) fn results(env: &TestEnv) -> Vec<(PathBuf, Value)> {
    let items = fs::read_dir(env.path("out2")).into_iter().flatten().flatten();
    let receipt = |item: fs::DirEntry| {
        let text = fs::read(item.path().join("receipt.json")).ok()?;
        Some((item.path(), serde_json::from_slice(&text).expect("JSON")))
    };
    items.filter_map(receipt).collect()
}

/// Waits until the outbox of the second node has receipts of jobs in these states.
pub(super) fn wait_for_results(env: &TestEnv, states: &[&str]) -> Vec<(PathBuf, Value)> {
    let found = || {
        let results = results(env);
        let mut found: Vec<_> = results.iter().filter_map(|(_, receipt)| receipt["state"].as_str()).collect();
        found.sort_unstable();
        (found == states).then(|| results.clone())
    };
    wait_for("the results", found).unwrap_or_else(|| panic!("{:#?}\n{}", results(env), env.log()))
}

pub(super) fn wait_for_start(env: &TestEnv, socket: &str, daemon: TestDaemon) -> TestDaemon {
    let is_up = || on_socket_if_there(env, socket).then_some(());
    wait_for(socket, is_up).unwrap_or_else(|| panic!("{}", env.log()));
    daemon
}

fn on_socket_if_there(env: &TestEnv, socket: &str) -> bool {
    std::os::unix::net::UnixStream::connect(env.path(socket)).is_ok()
}

#[test]
fn folder_of_a_node_that_stands_by_is_watched_and_gets_its_results() {
    let Some(database) = database_of_its_own() else { return };
    let env = environment(&database);
    with_folder_of_two(&env);
    let one = wait_for_start(&env, "control.sock", env.daemon(&[]));
    let two = wait_for_start(&env, "control2.sock", second_daemon(&env, &[]));
    let package = bytes("cab/good-signed-ts.cab");
    drop_at_two(&env, "echo.cab", &package);
    let (folder, receipt) = wait_for_results(&env, &["succeeded"]).remove(0);
    assert_eq!(env.created(), (1, 1, 1), "{}", env.log());
    assert_eq!(receipt["outbox"], folder.display().to_string());
    assert_eq!((&receipt["folder"], &receipt["files"][0]["name"]), (&json!("site"), &json!("signed.zip")));
    let shared = env.path("shared/outbox/site").join(folder.file_name().expect("a name"));
    let signed = fs::read(folder.join("signed.zip")).expect("the result");
    assert!(!signed.is_empty() && signed == fs::read(shared.join("signed.zip")).expect("the shared result"));
    assert!(!env.path("drop2/echo.cab").exists(), "`after` was done before the receipt");
    assert_eq!(env.receipts(), Vec::<Value>::new(), "the outbox of the other folder");

    let status = json_on_two(&env, &["status"]);
    assert_eq!((&status["stands_by_for"], &status["folders"][0]["name"]), (&json!("one"), &json!("site")));
    assert_eq!(status["nodes"][0]["own_folders"], json!([]), "{status:#}");
    assert_eq!(status["nodes"][1]["own_folders"], json!(["site"]), "{status:#}");
    assert_eq!(status["nodes"][1]["folders"], json!(["in", "site"]), "{status:#}");
    assert_eq!(env.json(&["status"])["folders"].as_array().map(Vec::len), Some(1), "one does not have it");
    let metrics = on_socket(&env.path("control2.sock"), "/metrics").1;
    assert!(metrics.contains("folder=\"site\"") && !metrics.contains("dropship_jobs{"), "{metrics}");

    fs::write(env.path("copy.cab"), &package).expect("written");
    let (copy, got) = (env.path("copy.cab").display().to_string(), env.path("got").display().to_string());
    assert_eq!(on_two(&env, &["wait", &copy, "--fetch", &got]).0, Some(0));
    assert_eq!(fs::read(env.path("got/signed.zip")).expect("fetched"), signed);
    fs::write(env.path("other.cab"), bytes("cab/good-signed.cab")).expect("written");
    let other = env.path("other.cab").display().to_string();
    let refused = env.run(&["submit", &other, "--folder", "site"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("folder `site` is on node `two`"), "{}", text(&refused.stderr));
    let (code, printed) = on_two(&env, &["submit", &other, "--folder", "site", "--wait"]);
    assert_eq!(code, Some(0), "{printed}\n{}", env.log());
    assert_eq!(on_two(&env, &["rescan"]).0, Some(0));
    wait_for_results(&env, &["succeeded", "succeeded"]);
    assert_eq!(env.created(), (2, 2, 2));
    assert_eq!((two.terminate(), one.terminate()), (Some(0), Some(0)));
}

#[test]
fn results_wait_for_their_node_and_a_cancelled_job_stays_so_on_every_node() {
    let Some(database) = database_of_its_own() else { return };
    let env = environment(&database);
    with_folder_of_two(&env);
    let packages = PackageTemplate::new(&bytes("cab/good-signed.cab"));
    let one = wait_for_start(&env, "control.sock", env.daemon(&[]));
    let two = wait_for_start(&env, "control2.sock", second_daemon(&env, &[]));
    assert_eq!(env.run(&["pause"]).status.code(), Some(0));
    drop_at_two(&env, "a.cab", &packages.package(1));
    drop_at_two(&env, "b.cab", &packages.package(2));
    let jobs = || env.json(&["jobs"]).as_array().cloned().filter(|jobs| jobs.len() == 2);
    let jobs = wait_for("both jobs", jobs).unwrap_or_else(|| panic!("{}", env.log()));
    let b = jobs.iter().find(|job| job["package"] == "b.cab").expect("it is known")["id"].clone();
    assert_eq!(env.run(&["cancel", b.as_str().expect("an id")]).status.code(), Some(0));
    two.kill();
    assert_eq!(env.run(&["resume"]).status.code(), Some(0));
    let states = || {
        let jobs = env.json(&["jobs"]);
        let has = |state| jobs.as_array().expect("a list").iter().any(|job| job["state"] == state);
        (has("succeeded") && has("cancelled")).then_some(())
    };
    wait_for("the end of a", states).unwrap_or_else(|| panic!("{}", env.log()));
    assert!(results(&env).iter().all(|(_, receipt)| receipt["state"] != "succeeded"));
    assert!(env.path("drop2/a.cab").exists(), "its node has not deleted it yet");

    // A killed node is missed after 30 s, and one that is started again has another entry in the list.
    database.sql("UPDATE dropship.nodes SET seen = seen - interval '1 minute' WHERE name = 'two'");
    let is_missed = || {
        let trouble = env.json(&["status"])["trouble"].clone();
        trouble.as_array()?.iter().find(|item| item["kind"] == "node-away").cloned()
    };
    let missed = wait_for("node-away", is_missed).unwrap_or_else(|| panic!("{}", env.log()));
    assert!(missed["message"].as_str().is_some_and(|why| why.contains("its node `two`")), "{missed}");

    // A result that is not the one that the job has recorded is not delivered.
    let shared = fs::read_dir(env.path("shared/outbox/site")).expect("listed").flatten();
    let signed =
        shared.map(|item| item.path().join("signed.zip")).find(|path| path.exists()).expect("a result");
    let result = fs::read(&signed).expect("the result");
    fs::write(&signed, b"other bytes").expect("written");
    let two = wait_for_start(&env, "control2.sock", second_daemon(&env, &[]));
    let is_refused = || {
        let trouble = json_on_two(&env, &["status"])["trouble"].clone();
        trouble.as_array()?.iter().find(|item| item["kind"] == "outbox-unwritable").cloned()
    };
    let refused = wait_for("the refusal", is_refused).unwrap_or_else(|| panic!("{}", env.log()));
    assert!(refused.to_string().contains("does not have the bytes that the job has recorded"), "{refused}");
    assert!(env.path("drop2/a.cab").exists());
    fs::write(&signed, result).expect("written");
    wait_for_results(&env, &["cancelled", "succeeded"]);
    assert!(!env.path("drop2/a.cab").exists() && env.path("drop2/b.cab").exists());
    one.kill();
    end_lease(&database);
    drop_at_two(&env, "c.cab", &packages.package(3));
    wait_for_results(&env, &["cancelled", "succeeded", "succeeded"]);
    // The other node takes over again, and this one scans its folder while it stands by.
    let one = env.daemon(&[]);
    let standing_by = || (json_on_two(&env, &["status"])["nodes"][0]["state"] == "standing-by").then_some(());
    wait_for("the first node", standing_by).unwrap_or_else(|| panic!("{}", env.log()));
    assert_eq!(two.terminate(), Some(0));
    let active = || (env.json(&["status"])["stands_by_for"].is_null()).then_some(());
    wait_for("the first node", active).unwrap_or_else(|| panic!("{}", env.log()));
    let two = wait_for_start(&env, "control2.sock", second_daemon(&env, &[]));
    drop_at_two(&env, "d.cab", &packages.package(4));
    wait_for_results(&env, &["cancelled", "succeeded", "succeeded", "succeeded"]);
    assert_eq!(env.created(), (3, 3, 3), "{}", env.log());
    let findings = env.json(&["doctor"]);
    assert_eq!(findings, json!([]), "{findings}");
    assert_eq!((two.terminate(), one.terminate()), (Some(0), Some(0)));
}

#[test]
fn results_of_a_node_are_kept_as_long_as_its_folder_says() {
    let Some(database) = database_of_its_own() else { return };
    let env = environment(&database);
    with_folder_of_two(&env);
    env.edit_configuration("outbox = \"out2\"", "outbox = \"out2\"\noutbox_keep = \"2s\"");
    let _one = wait_for_start(&env, "control.sock", env.daemon(&[]));
    let _two = wait_for_start(&env, "control2.sock", second_daemon(&env, &[]));
    drop_at_two(&env, "echo.cab", &bytes("cab/good-signed-ts.cab"));
    let (folder, _) = wait_for_results(&env, &["succeeded"]).remove(0);
    let shared = env.path("shared/outbox/site").join(folder.file_name().expect("a name"));
    let are_removed = || [&folder, &shared].iter().all(|at| !at.join("signed.zip").exists()).then_some(());
    wait_for("the end of the results", are_removed).unwrap_or_else(|| panic!("{}", env.log()));
    assert_eq!(results(&env).len(), 1, "the receipt stays");
    assert!(env.log().contains("results_copied") || env.log().contains("copied 3 results"), "{}", env.log());
}

#[test]
fn two_nodes_with_a_folder_of_the_same_name_do_not_run_together() {
    let Some(database) = database_of_its_own() else { return };
    let env = environment(&database);
    let _one = wait_for_start(&env, "control.sock", env.daemon(&[]));
    super::second_node(&env);
    let second = fs::read_to_string(env.path("second.toml")).expect("a configuration");
    let second = second.replace("outbox = \"out\"", "outbox = \"out2\"\nnode = \"two\"");
    fs::write(env.path("second.toml"), second).expect("written");
    let (code, printed) = on_two(&env, &["run"]);
    assert_eq!(code, Some(78), "{printed}");
    assert!(
        printed.contains("folder `in`") && printed.contains("node `one` has a folder of this name"),
        "{printed}"
    );
}

#[test]
fn folder_on_a_node_needs_a_database_and_shared_storage() {
    let env = TestEnv::new();
    env.edit_configuration("outbox = \"out\"", "outbox = \"out\"\nnode = \"two\"");
    let refused = env.run(&["check"]);
    assert_eq!(refused.status.code(), Some(78));
    let printed = text(&refused.stdout) + &text(&refused.stderr);
    assert!(printed.contains("`node` is for jobs in a database"), "{printed}");
    env.edit_configuration(
        "path = \"store\"",
        "path = \"store\"\nurl = \"postgres://d@127.0.0.1:1/d\"\npackages = \"shared\"\nnode = \"two\"",
    );
    let shown = text(&env.run(&["config", "show"]).stdout);
    assert!(shown.contains("folder.in.node = \"two\""), "{shown}");
    let outbox = format!("folder.in.outbox = \"{}\"", env.path("out").display());
    assert!(shown.contains(&outbox), "{shown}");
    // Without `packages`, no other node would find the packages and the results.
    env.edit_configuration("packages = \"shared\"\n", "");
    let refused = env.run(&["check"]);
    let printed = text(&refused.stdout) + &text(&refused.stderr);
    assert!(refused.status.code() == Some(78) && printed.contains("or on object storage"), "{printed}");
    env.edit_configuration("node = \"two\"\n[", "packages = \"az://drivers/\"\nnode = \"two\"\n[");
    let shown = text(&env.run(&["config", "show"]).stdout);
    assert!(shown.contains(&outbox) && shown.contains("folder.in.node = \"two\""), "{shown}");
}
