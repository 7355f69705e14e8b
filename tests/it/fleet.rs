//! Daemons whose jobs are in PostgreSQL, on a real server. `.ci/postgres` runs these with the feature `postgres`.

mod encrypted;
mod names;
mod namespaces;
mod network;
mod networks;
mod nodes;
mod own_folders;
mod own_folders_objects;
mod pages;
mod proxy;
mod replication;
mod reports;
mod restored;
mod retried;
mod rounds;
mod unit;
mod upgrade;

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::{TestDaemon, TestEnv, bytes, text, wait_for};
use crate::outage::learnt_limit;
use crate::service::http::on_socket;
use server::{Database, database_of_its_own};

#[path = "../../crates/dropship-postgres/tests/it/server.rs"]
#[expect(dead_code, reason = "the tests of the crate use other parts of it")]
pub(crate) mod server;

/// An environment whose store is in a database.
fn environment(database: &Database) -> TestEnv {
    environment_at(&database.url())
}

/// An environment whose store is in the database with this address.
fn environment_at(url: &str) -> TestEnv {
    let env = TestEnv::new();
    let store = format!("path = \"store\"\nurl = \"{url}\"\npackages = \"shared\"\nnode = \"one\"");
    env.edit_configuration("path = \"store\"", &store);
    env
}

/// Writes the configuration of the second node of the same environment.
fn second_node(env: &TestEnv) {
    another_node(env, "second.toml", "2", "two");
}

/// Writes the configuration of another node to a file; its paths end with a suffix.
fn another_node(env: &TestEnv, file: &str, suffix: &str, name: &str) {
    let first = std::fs::read_to_string(env.path("dropship.toml")).expect("a configuration");
    let other = first
        .replace("path = \"store\"", &format!("path = \"store{suffix}\""))
        .replace("control.sock", &format!("control{suffix}.sock"))
        .replace("node = \"one\"", &format!("node = \"{name}\""));
    std::fs::write(env.path(file), other).expect("written");
}

/// Starts the second node, with the configuration that the first one has now.
fn second_daemon(env: &TestEnv, args: &[&str]) -> TestDaemon {
    second_node(env);
    daemon_of(env, "second.toml", args)
}

/// Starts the node of a configuration.
fn daemon_of(env: &TestEnv, file: &str, args: &[&str]) -> TestDaemon {
    let log = std::fs::File::options().create(true).append(true).open(env.path("daemon.log")).expect("a log");
    let mut command = Command::new(env!("CARGO_BIN_EXE_dropship"));
    command.arg("--config").arg(env.path(file)).args(["run", "--log-level", "trace"]).args(args);
    command.env_remove("STATE_DIRECTORY").env_remove("RUNTIME_DIRECTORY");
    TestDaemon { child: command.stderr(log).spawn().expect("the daemon starts") }
}

/// Whether the test can do this as root; otherwise says that it is not run.
fn is_root(what: &str) -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        eprintln!("NOT RUN: {what}, which needs root; .ci/postgres runs it as root");
    }
    is_root
}

fn signal(daemon: &TestDaemon, signal: &str) {
    let id = daemon.child.id().to_string();
    assert!(Command::new("kill").args([signal, &id]).status().expect("kill runs").success());
}

fn read_readiness(env: &TestEnv) -> (u16, Value) {
    let (status, page) = on_socket(&env.path("control.sock"), "/readyz");
    (status, serde_json::from_str(&page).expect("JSON"))
}

fn end_lease(database: &Database) {
    database.sql("UPDATE dropship.lease SET deadline = clock_timestamp() - interval '1 second'");
}

/// Waits until the sandbox has answered this many requests.
fn wait_for_requests(env: &TestEnv, count: usize) {
    wait_for("requests", || {
        (env.sandbox_page("requests").as_array().map_or(0, Vec::len) >= count).then_some(())
    })
    .unwrap_or_else(|| panic!("{}", env.log()));
}

#[test]
fn jobs_in_a_database_survive_restarts_of_both() {
    let Some(database) = database_of_its_own() else { return };
    let env = environment(&database);
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let receipt = env.wait_for_end();
    assert_eq!(receipt["state"], "succeeded", "{receipt:#}\n{}", env.log());
    assert_eq!(daemon.terminate(), Some(0));
    // Without a daemon, commands read the database.
    let jobs = env.json(&["jobs"]);
    assert_eq!(jobs[0]["state"], "succeeded", "{jobs}");
    let daemon = env.daemon(&[]);
    wait_for("readiness", || {
        (env.path("control.sock").exists() && read_readiness(&env).0 == 200).then_some(())
    })
    .unwrap_or_else(|| panic!("{}", env.log()));
    assert_eq!(env.created(), (1, 1, 1), "a restart sends nothing again");

    database.server.stop("QUIT");
    let page = wait_for("the outage", || Some(read_readiness(&env)).filter(|(status, _)| *status == 503));
    let (_, page) = page.unwrap_or_else(|| panic!("{}", env.log()));
    assert_eq!(page["reasons"], serde_json::json!(["database-away"]), "{page}");
    assert_eq!(env.json(&["jobs"]).as_array().map(Vec::len), Some(1), "queries are answered");
    let refused = env.run(&["pause"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("nothing was changed"), "{}", text(&refused.stderr));
    // A command that waits keeps waiting.
    let log = std::fs::File::create(env.path("wait.log")).expect("a file");
    let mut wait = env.command(&["wait", receipt["id"].as_str().expect("an id")]);
    let mut wait = wait.stdout(Stdio::null()).stderr(log).spawn().expect("it starts");
    let notes = || std::fs::read_to_string(env.path("wait.log")).expect("a file");
    wait_for("the note", || notes().contains("the database does not answer; waiting for it").then_some(()))
        .unwrap_or_else(|| panic!("{}", notes()));
    env.drop_package("other.cab", &bytes("cab/good-signed.cab"));
    database.server.run();
    assert!(wait.wait().expect("it ends").success(), "{}", notes());
    assert!(notes().contains("the database answers again"), "{}", notes());
    let both = || {
        let receipts = env.receipts();
        let done = receipts.iter().filter(|receipt| receipt["state"] == "succeeded").count();
        (done == 2).then_some(())
    };
    wait_for("both jobs", both).unwrap_or_else(|| panic!("{:?}\n{}", env.receipts(), env.log()));
    assert_eq!(env.created(), (2, 2, 2));
    assert_eq!(read_readiness(&env).0, 200);
    let findings = env.json(&["doctor"]);
    assert_eq!(findings, serde_json::json!([]), "{findings}");
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn node_takes_over_from_one_that_was_killed() {
    let Some(database) = database_of_its_own() else { return };
    for count in [3, 6, 12] {
        database.sql("DROP SCHEMA IF EXISTS dropship CASCADE");
        let env = environment(&database);
        let one = env.daemon(&[]);
        wait_for("the first node", || env.path("control.sock").exists().then_some(())).expect("it starts");
        env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
        let two = second_daemon(&env, &["--until-idle"]);
        wait_for("a standby", || env.log().contains("this node stands by").then_some(()))
            .unwrap_or_else(|| panic!("{}", env.log()));
        wait_for_requests(&env, count);
        one.kill();
        end_lease(&database);
        assert_eq!(two.wait(), Some(0), "{}", env.log());
        let receipt = env.wait_for_end();
        assert_eq!(receipt["state"], "succeeded", "killed after {count}: {receipt:#}\n{}", env.log());
        assert_eq!(env.created(), (1, 1, 1), "killed after {count} requests\n{}", env.log());
    }
}

#[test]
fn node_that_takes_over_knows_the_learnt_limit_of_calls() {
    let Some(database) = database_of_its_own() else { return };
    let env = environment(&database);
    let one = env.daemon(&[]);
    let limit = learnt_limit(&env);
    let key = "SELECT count(*) FROM dropship.lines WHERE line LIKE '%call-limit/%'";
    wait_for("the limit in the database", || (database.sql(key) != "0").then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
    one.kill();
    end_lease(&database);
    let two = second_daemon(&env, &["--until-idle"]);
    assert_eq!(two.wait(), Some(0), "{}", env.log());
    assert!(env.log().contains(&format!("calls start at {limit} a minute")), "{}", env.log());
    assert_eq!(env.wait_for_end()["state"], "succeeded", "{}", env.log());
    assert_eq!(env.created(), (1, 1, 1));
}

#[test]
fn node_that_was_frozen_beyond_its_lease_sends_nothing_and_ends() {
    let Some(database) = database_of_its_own() else { return };
    for count in [4, 8] {
        database.sql("DROP SCHEMA IF EXISTS dropship CASCADE");
        let env = environment(&database);
        let one = env.daemon(&[]);
        wait_for("the first node", || env.path("control.sock").exists().then_some(())).expect("it starts");
        env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
        wait_for_requests(&env, count);
        signal(&one, "-STOP");
        end_lease(&database);
        let two = second_daemon(&env, &["--until-idle"]);
        assert_eq!(two.wait(), Some(0), "{}", env.log());
        signal(&one, "-CONT");
        assert_eq!(one.wait(), Some(1), "{}", env.log());
        assert!(env.log().contains("another node has taken over"), "{}", env.log());
        let receipt = env.wait_for_end();
        assert_eq!(receipt["state"], "succeeded", "frozen after {count}: {receipt:#}\n{}", env.log());
        assert_eq!(env.created(), (1, 1, 1), "frozen after {count} requests\n{}", env.log());
    }
}

/// Runs a command on the second node.
fn on_two(env: &TestEnv, args: &[&str]) -> (Option<i32>, String) {
    on_node(env, "second.toml", args)
}

/// Runs a command on the node of a configuration.
fn on_node(env: &TestEnv, file: &str, args: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dropship"));
    command.arg("--config").arg(env.path(file)).args(args);
    command.env_remove("STATE_DIRECTORY").env_remove("RUNTIME_DIRECTORY");
    let done = command.output().expect("the command runs");
    (done.status.code(), text(&done.stdout) + &text(&done.stderr))
}

fn json_on_two(env: &TestEnv, args: &[&str]) -> Value {
    let (_, printed) = on_two(env, &[&["--json"], args].concat());
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
}

/// Waits until the second node shows its only job in this state.
fn state_on_two(env: &TestEnv, state: &str) -> Value {
    let shown = || json_on_two(env, &["jobs"]).as_array()?.iter().find(|job| job["state"] == state).cloned();
    wait_for(state, shown).unwrap_or_else(|| panic!("{}\n{}", json_on_two(env, &["jobs"]), env.log()))
}

#[test]
fn node_that_stands_by_answers_and_changes_jobs_for_the_active_one() {
    let Some(database) = database_of_its_own() else { return };
    let env = environment(&database);
    env.edit_configuration(
        "audiences = [\"Test Registry Key\"]",
        "audiences = [\"Test Registry Key\"]\nhold = true",
    );
    let one = env.daemon(&[]);
    wait_for("the first node", || env.path("control.sock").exists().then_some(())).expect("it starts");
    let two = second_daemon(&env, &[]);
    wait_for("a standby", || env.path("control2.sock").exists().then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let job = state_on_two(&env, "held")["id"].as_str().expect("an id").to_owned();

    let status = json_on_two(&env, &["status"]);
    assert_eq!((&status["node"], &status["stands_by_for"]), (&"two".into(), &"one".into()), "{status:#}");
    for status in [status, env.json(&["status"])] {
        let nodes = status["nodes"].as_array().expect("a list");
        let found: Vec<_> = nodes.iter().map(|node| (&node["name"], &node["state"])).collect();
        let expected = [(&"one".into(), &"active".into()), (&"two".into(), &"standing-by".into())];
        assert_eq!(found, expected, "{status:#}");
        assert!(nodes[0]["lease_until"].is_string() && nodes[1]["lease_until"].is_null(), "{status:#}");
        assert_eq!(nodes[1]["folders"], serde_json::json!(["in"]), "{status:#}");
        assert_eq!(status["jobs"]["held"], 1, "{status:#}");
    }
    let (code, shown) = on_two(&env, &["status"]);
    assert!(code == Some(0) && shown.contains("node `one` processes the jobs"), "{shown}");
    let (code, page) = on_socket(&env.path("control2.sock"), "/readyz");
    let page: Value = serde_json::from_str(&page).expect("JSON");
    assert_eq!((code, &page["reasons"]), (503, &serde_json::json!(["standing-by"])), "{page}");
    assert_eq!(on_socket(&env.path("control2.sock"), "/livez").0, 200);
    let metrics = on_socket(&env.path("control2.sock"), "/metrics").1;
    assert!(metrics.contains("dropship_node_active 0") && !metrics.contains("dropship_jobs"), "{metrics}");
    assert!(on_socket(&env.path("control.sock"), "/metrics").1.contains("dropship_node_active 1"));

    let dropped = env.path("drop/echo.cab").display().to_string();
    for args in [&["reload"][..], &["rescan"], &["submit", &dropped], &["adopt", "1", "2"]] {
        let (code, message) = on_two(&env, args);
        assert!(
            code == Some(1) && message.contains("node `two` stands by") && message.contains("node `one`"),
            "{message}"
        );
    }

    let (code, message) = on_two(&env, &["pause"]);
    assert_eq!(code, Some(0), "{message}");
    assert_eq!(env.json(&["status"])["paused"], serde_json::json!(["*"]));
    let (code, message) = on_two(&env, &["approve", &job, "--note", "from two"]);
    assert_eq!(code, Some(0), "{message}");
    state_on_two(&env, "waiting");
    assert_eq!(env.created().2, 0, "nothing is sent while everything is paused");
    assert_eq!(on_two(&env, &["resume"]).0, Some(0));
    state_on_two(&env, "succeeded");
    assert_eq!(env.created(), (1, 1, 1));
    let history = json_on_two(&env, &["show", &job]).to_string();
    assert!(history.contains("from two"), "{history}");
    // The active node writes the receipt of a job that another one ended.
    env.drop_package("other.cab", &bytes("cab/good-signed.cab"));
    let other = state_on_two(&env, "held")["id"].as_str().expect("an id").to_owned();
    assert_eq!(on_two(&env, &["cancel", &other]).0, Some(0));
    let cancelled = || env.receipts().into_iter().find(|receipt| receipt["state"] == "cancelled");
    wait_for("the receipt", cancelled).unwrap_or_else(|| panic!("{:?}\n{}", env.receipts(), env.log()));

    one.terminate();
    let active = || (env.log().matches(" is ready: ").count() == 2).then_some(());
    wait_for("the second node", active).unwrap_or_else(|| panic!("{}", env.log()));
    let nodes = json_on_two(&env, &["status"])["nodes"].clone();
    assert_eq!((&nodes[0]["state"], &nodes[1]["state"]), (&"ended".into(), &"active".into()), "{nodes:#}");
    assert_eq!(two.terminate(), Some(0));
    assert!(!env.path("control2.sock").exists());
}

#[test]
fn address_of_a_database_is_checked_like_other_keys() {
    let env = TestEnv::new();
    env.edit_configuration("path = \"store\"", "path = \"store\"\nurl = \"postgres://d:hush@db/d\"");
    for command in ["check", "run"] {
        let refused = env.run(&[command]);
        assert_eq!(refused.status.code(), Some(78), "{}", text(&refused.stderr));
        let message = text(&refused.stderr) + &text(&refused.stdout);
        assert!(message.contains("password_file") && !message.contains("hush"), "{message}");
    }
}
