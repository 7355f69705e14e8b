//! Questions at the control socket about files in a drop folder (`dropship wait FILE`), which every user of the socket may ask.

use std::fs;

use serde_json::Value;

use super::build_job::{Repeated, attack, is_not_root};
use super::environment::{attacked_env, is_up, nothing_else_happened, start};
use crate::harness::{TestEnv, bytes};
use crate::service::http::on_socket;

/// The answer about a path below the environment, without the path itself.
fn answer(env: &TestEnv, path: &str) -> String {
    let path = env.path(path).display().to_string();
    let (status, page) = on_socket(&env.path("control.sock"), &format!("/v1/files?path={path}"));
    assert_eq!(status, 200, "{path}: {page}");
    let answer: Value = serde_json::from_str(&page).expect("JSON");
    format!("{} {}", answer["is_awaited"], answer["why"]).replace(&path, "")
}

#[test]
fn root_question_about_a_file_shows_nothing_outside_and_waits_for_no_fifo() {
    if is_not_root() {
        return;
    }
    let env = attacked_env("recursive = true", "");
    fs::write(env.path("outside/real.cab"), &bytes("cab/good-signed.cab")[..100]).expect("written");
    let daemon = start(&env, "trace");
    is_up(&env);
    attack(
        &env,
        "cd drop; ln -s ../outside sub; mkdir below; mkfifo below/fifo.cab; ln -s ../outside/real.cab link.cab",
    );
    for (there, absent) in [
        ("drop/../outside/real.cab", "drop/../outside/absent.cab"),
        ("drop/sub/real.cab", "drop/sub/absent.cab"),
        ("drop/below/../../outside/real.cab", "drop/below/../../outside/absent.cab"),
    ] {
        assert_eq!(answer(&env, there), answer(&env, absent), "{there}");
    }
    for path in ["drop/link.cab", "drop/below/fifo.cab", "drop/below", "drop"] {
        assert!(answer(&env, path).starts_with("false"), "{path}: {}", answer(&env, path));
    }
    let swap = "echo MSCF > drop/x; mv -T drop/x drop/raced.cab; mkfifo drop/x; mv -T drop/x drop/raced.cab; \
                ln -s ../outside/real.cab drop/x; mv -T drop/x drop/raced.cab";
    let swapper = Repeated::start(&env, swap);
    for _ in 0..300 {
        let answer = answer(&env, "drop/raced.cab");
        // The file outside has 100 bytes; those in the folder have 5.
        assert!(!answer.contains("100"), "{answer}");
    }
    drop(swapper);
    fs::remove_file(env.path("outside/real.cab")).expect("removed");
    nothing_else_happened(&env, daemon);
}
