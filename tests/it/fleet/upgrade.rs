//! Nodes of two versions side by side, while the fleet is upgraded. `.ci/rolling-upgrade` runs this with the program of an earlier commit.

use std::process::Command;

use super::server::database_of_its_own;
use super::{another_node, daemon_of, environment, json_on_two, on_two, second_node};
use crate::harness::{TestDaemon, TestEnv, bytes, wait_for};

/// Starts the node of a configuration with the program of an earlier version.
fn older_daemon(env: &TestEnv, file: &str) -> TestDaemon {
    let older =
        std::env::var_os("DROPSHIP_OLDER").expect("$DROPSHIP_OLDER is the program of an earlier version");
    let log = std::fs::File::options().create(true).append(true).open(env.path("daemon.log")).expect("a log");
    let mut command = Command::new(older);
    command.arg("--config").arg(env.path(file)).args(["run", "--log-level", "trace"]);
    command.env_remove("STATE_DIRECTORY").env_remove("RUNTIME_DIRECTORY");
    TestDaemon { child: command.stderr(log).spawn().expect("the daemon starts") }
}

fn wait_for_standbys(env: &TestEnv, count: usize) {
    wait_for("a standby", || (env.log().matches("this node stands by").count() >= count).then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
}

/// Waits until this many jobs are in a state.
fn jobs_on_two(env: &TestEnv, count: usize, state: &str) {
    let jobs = || json_on_two(env, &["jobs"]);
    let are =
        || jobs().as_array()?.iter().filter(|job| job["state"] == state).count().eq(&count).then_some(());
    wait_for(state, are).unwrap_or_else(|| panic!("{:#}\n{}", jobs(), env.log()));
}

#[test]
#[ignore = "needs the program of an earlier version: .ci/rolling-upgrade COMMIT"]
fn fleet_is_upgraded_node_by_node() {
    let database = database_of_its_own().expect("$DROPSHIP_POSTGRES");
    let env = environment(&database);
    // Jobs of both versions wait, and are continued by the other.
    env.edit_configuration(
        "audiences = [\"Test Registry Key\"]",
        "audiences = [\"Test Registry Key\"]\nhold = true",
    );
    second_node(&env);
    another_node(&env, "third.toml", "3", "three");
    let one = older_daemon(&env, "dropship.toml");
    wait_for("the first node", || env.log().contains(" is ready: ").then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
    let two = older_daemon(&env, "second.toml");
    let three = older_daemon(&env, "third.toml");
    wait_for_standbys(&env, 2);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    jobs_on_two(&env, 1, "held");

    // The nodes that stand by are upgraded first; the active one works on with the tables of the new version.
    assert_eq!(two.terminate(), Some(0), "{}", env.log());
    let two = daemon_of(&env, "second.toml", &[]);
    wait_for_standbys(&env, 3);
    env.drop_package("other.cab", &bytes("cab/good-signed.cab"));
    jobs_on_two(&env, 2, "held");
    let nodes = json_on_two(&env, &["status"])["nodes"].clone();
    assert_eq!(nodes.as_array().map(Vec::len), Some(3), "{nodes:#}");
    assert_eq!(on_two(&env, &["approve", "--folder", "in"]).0, Some(0), "a node of the new version answers");

    // Whichever version takes over continues all jobs.
    assert_eq!(one.terminate(), Some(0), "{}", env.log());
    jobs_on_two(&env, 2, "succeeded");
    assert_eq!(three.terminate(), Some(0), "{}", env.log());
    wait_for("the second node", || json_on_two(&env, &["status"])["stands_by_for"].is_null().then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
    let three = daemon_of(&env, "third.toml", &[]);
    let one = daemon_of(&env, "dropship.toml", &[]);
    wait_for_standbys(&env, 5);
    env.drop_package("third.cab", &bytes("cab/stored-signed.cab"));
    jobs_on_two(&env, 1, "held");
    assert_eq!(on_two(&env, &["approve", "--folder", "in"]).0, Some(0));
    jobs_on_two(&env, 3, "succeeded");
    assert_eq!(env.created(), (3, 3, 3), "nothing is sent twice");
    assert_eq!((one.terminate(), two.terminate(), three.terminate()), (Some(0), Some(0), Some(0)));
    assert_eq!(json_on_two(&env, &["doctor"]), serde_json::json!([]));
    assert!(!env.log().contains("internal error"), "{}", env.log());
}
