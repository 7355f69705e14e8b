//! Commands for a running daemon, while its configuration on disk cannot be read.

use std::fs;
use std::process::Command;

use crate::harness::{TestEnv, text, wait_for};

#[test]
fn broken_configuration_leads_to_its_own_daemon_or_to_none() {
    let env = TestEnv::new();
    let daemon = env.daemon(&[]);
    wait_for("a daemon", || env.json(&["status"])["running"].as_bool().filter(|is_running| *is_running))
        .unwrap_or_else(|| panic!("{}", env.log()));
    // A mistake elsewhere in the file.
    env.edit_configuration("[signers]", "[signers\n[signers]");
    let paused = env.run(&["pause"]);
    assert_eq!(paused.status.code(), Some(0), "{}", text(&paused.stderr));
    assert!(env.run(&["resume"]).status.success());
    // Another configuration, whose mistake hides its socket: the default socket is that of the first daemon.
    let runtime = env.path("");
    let staging = env.path("staging.toml");
    let mistakes = [
        "[control]\nsocket = \"staging.sock\n",
        "[control]\nsocket = staging.sock\"\n",
        "control]\nsocket = \"staging.sock\"\n",
    ];
    for mistake in mistakes {
        fs::write(&staging, mistake).expect("written");
        for command in ["pause", "status", "reload"] {
            let mut refused = Command::new(env!("CARGO_BIN_EXE_dropship"));
            refused.arg("--config").arg(&staging).arg(command).env("RUNTIME_DIRECTORY", &runtime);
            let refused = refused.output().expect("it runs");
            assert_eq!(refused.status.code(), Some(78), "{command}: {}", text(&refused.stderr));
        }
    }
    assert_eq!(env.json(&["status"])["paused"], serde_json::json!([]));
    assert_eq!(daemon.terminate(), Some(0));
}
