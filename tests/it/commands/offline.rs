//! Commands without a daemon, and names of folders that do not exist.

use crate::harness::{TestEnv, bytes, text, wait_for};

#[test]
fn lists_without_a_daemon_are_printed_and_exit_69() {
    let env = TestEnv::new();
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
    for command in ["jobs", "status", "labels"] {
        let output = env.run(&[command]);
        assert_eq!(output.status.code(), Some(69), "{command}: {}", text(&output.stderr));
        assert!(!output.stdout.is_empty(), "{command} prints the store");
    }
    assert_eq!(env.json(&["jobs"])[0]["package"], "echo.cab");
    assert_eq!(env.json(&["status"])["running"], false);
    let labels = env.json(&["labels"]);
    assert_eq!(labels[0]["name"], "echo test ring", "{labels:#}");
    assert_eq!((&labels[0]["state"], &labels[0]["hold"]), (&"published".into(), &false.into()), "{labels:#}");
    assert_eq!(labels[0]["audiences"][0], "Test Registry Key");
    assert!(labels[0]["id"].is_string() && labels[0]["job"].is_string(), "{labels:#}");
    let job = labels[0]["job"].as_str().expect("an id").to_owned();
    assert_eq!(env.run(&["show", &job]).status.code(), Some(0));
    assert_eq!(env.json(&["labels", "--upcoming"]), serde_json::json!([]));
}

#[test]
fn unknown_folder_exits_64_with_and_without_a_daemon() {
    let env = TestEnv::new();
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let daemon = env.daemon(&[]);
    env.wait_for_end();
    let package = env.path("drop/echo.cab").display().to_string();
    let with_store: [&[&str]; 6] = [
        &["pause", "inn"],
        &["resume", "inn"],
        &["jobs", "--folder", "inn"],
        &["cancel", "--folder", "inn"],
        &["labels", "--folder", "inn"],
        &["plan", &package, "--folder", "inn"],
    ];
    let with_daemon: [&[&str]; 3] = [
        &["rescan", "inn"],
        &["submit", &package, "--folder", "inn"],
        &["submit", &package, "--rule", "rinng"],
    ];
    for args in with_store.iter().chain(&with_daemon) {
        let output = env.run(args);
        assert_eq!(output.status.code(), Some(64), "{args:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains("did you mean `"), "{args:?}: {}", text(&output.stderr));
    }
    assert_eq!(daemon.terminate(), Some(0));
    for args in with_store {
        assert_eq!(env.run(args).status.code(), Some(64), "{args:?} without a daemon");
    }
    // A folder that was paused and then removed can be resumed, and its jobs can be listed.
    assert!(env.run(&["pause", "in"]).status.success());
    let path = env.path("dropship.toml");
    let configuration = std::fs::read_to_string(&path).expect("a configuration");
    std::fs::write(&path, configuration.replace("name = \"in\"", "name = \"renamed\"")).expect("written");
    let daemon = env.daemon(&[]);
    wait_for("the daemon", || env.run(&["rescan"]).status.success().then_some(())).expect("an answer");
    assert_eq!(env.run(&["jobs", "--folder", "in", "--state", "failed"]).status.code(), Some(0));
    assert_eq!(env.run(&["resume", "in"]).status.code(), Some(0));
    assert_eq!(env.run(&["resume", "in"]).status.code(), Some(64), "no longer paused");
    drop(daemon);
}
