//! Two places that run under the name of one node.

use super::server::database_of_its_own;
use super::{end_lease, environment, second_daemon, second_node};
use crate::harness::{TestEnv, wait_for};

fn wait_for_start(env: &TestEnv, socket: &str) {
    let is_up = || std::os::unix::net::UnixStream::connect(env.path(socket)).ok();
    wait_for(socket, is_up).unwrap_or_else(|| panic!("{}", env.log()));
}

/// Waits for the second start of the first node.
fn started_again(env: &TestEnv) {
    wait_for("the second start", || (env.log().matches(" is ready: ").count() == 2).then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
}

fn wait_for_log(env: &TestEnv, text: &str) {
    wait_for(text, || env.log().contains(text).then_some(())).unwrap_or_else(|| panic!("{}", env.log()));
}

#[test]
fn second_machine_of_one_name_does_not_start_while_the_first_lives() {
    let Some(database) = database_of_its_own() else { return };
    let env = environment(&database);
    let first = env.daemon(&[]);
    wait_for_start(&env, "control.sock");
    // To the second node, this looks like a process of another machine.
    database.sql("UPDATE dropship.nodes SET host = 'build-9', place = 'copy/another-boot'");
    second_node(&env);
    env.edit_configuration_of("second.toml", "node = \"two\"", "node = \"one\"");
    let second = super::daemon_of(&env, "second.toml", &[]);
    assert_eq!(second.wait(), Some(78), "{}", env.log());
    let log = env.log();
    for part in [
        "host `build-9` (boot id another-boot)",
        "runs as node `one` too",
        "give each node a name of its own",
    ] {
        assert!(log.contains(part), "no {part} in {log}");
    }
    assert!(!env.path("control2.sock").exists() && !log.contains("this node stands by"), "{log}");
    let running = "SELECT count(*) FROM dropship.nodes WHERE host <> 'build-9' AND NOT ended";
    assert_eq!(database.sql(running), "0", "the second one has left");

    // Its last sign of life is as young as that of one that runs.
    first.kill();
    database
        .sql("UPDATE dropship.nodes SET seen = clock_timestamp() - interval '25 seconds' WHERE NOT ended");
    end_lease(&database);
    let second = super::daemon_of(&env, "second.toml", &["--until-idle"]);
    assert_eq!(second.wait(), Some(0), "{}", env.log());
}

#[test]
fn machine_that_is_killed_starts_again_at_once_under_its_name() {
    let Some(database) = database_of_its_own() else { return };
    let env = environment(&database);
    let one = env.daemon(&[]);
    wait_for_start(&env, "control.sock");
    let two = second_daemon(&env, &[]);
    wait_for_start(&env, "control2.sock");
    for daemon in [one, two] {
        daemon.kill();
    }
    let one = env.daemon(&[]);
    started_again(&env);
    let two = second_daemon(&env, &[]);
    wait_for("a standby", || (env.log().matches("this node stands by").count() == 2).then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
    assert!(!env.log().contains("runs as node"), "{}", env.log());
    assert_eq!((two.terminate(), one.terminate()), (Some(0), Some(0)));
}

#[test]
fn second_folder_on_one_machine_is_reported() {
    let Some(database) = database_of_its_own() else { return };
    let env = environment(&database);
    let _first = env.daemon(&[]);
    wait_for_start(&env, "control.sock");
    second_node(&env);
    env.edit_configuration_of("second.toml", "node = \"two\"", "node = \"one\"");
    let second = super::daemon_of(&env, "second.toml", &[]);
    wait_for_log(&env, "a daemon with another [store] path on this machine runs as node `one` too");
    assert_eq!(second.wait(), Some(78), "{}", env.log());
}

#[test]
fn copied_folder_of_a_node_does_not_take_its_lease_on_the_same_machine() {
    let Some(database) = database_of_its_own() else { return };
    let env = environment(&database);
    let one = env.daemon(&[]);
    wait_for_start(&env, "control.sock");
    assert_eq!(one.terminate(), Some(0));
    let copied =
        std::process::Command::new("cp").args(["-a", "store", "store2"]).current_dir(env.path("")).status();
    assert!(copied.expect("cp runs").success());
    let one = env.daemon(&[]);
    started_again(&env);
    let two = second_daemon(&env, &[]);
    wait_for_log(&env, "this node stands by");
    assert!(!env.log().contains("has taken over"), "{}", env.log());
    assert_eq!((two.terminate(), one.terminate()), (Some(0), Some(0)), "{}", env.log());
}
