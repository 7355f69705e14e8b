//! Two daemons with one control socket: commands would reach only one of them.

use super::http::is_up;
use crate::harness::{TestEnv, text};

#[test]
fn socket_of_a_running_daemon_is_not_taken_over() {
    let env = TestEnv::new();
    let daemon = env.daemon(&[]);
    is_up(&env);
    let other = std::fs::read_to_string(env.path("dropship.toml")).expect("a configuration");
    let other = other
        .replace("path = \"store\"", "path = \"other\"")
        .replace("path = \"drop\"", "path = \"other-drop\"");
    std::fs::write(env.path("other.toml"), other).expect("written");
    std::fs::create_dir(env.path("other-drop")).expect("a folder");
    let other = env.path("other.toml").display().to_string();
    for args in [&["run", "--until-idle", "--sandbox"][..], &["--config", &other, "run", "--until-idle"]] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_dropship"));
        if args[0] == "run" {
            command.arg("--config").arg(env.path("dropship.toml"));
        }
        let output = command.args(args).output().expect("it runs");
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(78), "{args:?}: {message}");
        assert!(message.contains("another daemon serves"), "{args:?}: {message}");
        assert!(!env.path("store/sandbox").exists() && !env.path("other").exists(), "{args:?}");
        assert_eq!(env.json(&["status"])["running"], true);
    }
    assert_eq!(daemon.terminate(), Some(0));
}
