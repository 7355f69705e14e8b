//! Commands that act on a job of an older store without a daemon: the receipt is the only record of what was sent.

use std::fs;

use super::{copy_folder, run_until_idle};
use crate::harness::{TestEnv, bytes, text, wait_for};

#[test]
fn command_without_a_daemon_does_not_replace_a_newer_receipt() {
    let env = TestEnv::new();
    env.edit_configuration("same_content = \"take\"", "same_content = \"take\"\nbacklog = \"hold\"");
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let daemon = env.daemon(&[]);
    let held = || (env.receipts().pop()?["state"] == "held").then_some(());
    wait_for("a held job", held).unwrap_or_else(|| panic!("{}", env.log()));
    assert_eq!(daemon.terminate(), Some(0));
    copy_folder(&env.path("store"), &env.path("backup"));
    let id = env.json(&["jobs"])[0]["id"].as_str().expect("an id").to_owned();
    assert!(env.run(&["approve", &id]).status.success());
    run_until_idle(&env, "the approved job");
    assert_eq!((env.wait_for_end()["state"].as_str(), env.created()), (Some("succeeded"), (1, 1, 1)));
    fs::remove_dir_all(env.path("store")).expect("removed");
    copy_folder(&env.path("backup"), &env.path("store"));
    for command in ["approve", "cancel"] {
        let refused = env.run(&[command, &id]);
        let message = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{command}: {message}");
        assert!(message.contains("shows more than the store"), "{command}: {message}");
        assert_eq!(env.wait_for_end()["state"], "succeeded", "{command} replaced the receipt");
    }
    run_until_idle(&env, "the restored store");
    assert_eq!(env.json(&["jobs"])[0]["state"], "succeeded");
    assert_eq!(env.created(), (1, 1, 1), "{}", env.log());
}
