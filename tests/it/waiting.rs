//! `dropship wait` and `submit --wait`: transitions, holds, restarts, timeouts, explanations and results.

use std::fs;
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use crate::harness::{TestDaemon, TestEnv, bytes, text, usual_quirks, wait_for};

fn start_daemon(env: &TestEnv) -> TestDaemon {
    let daemon = env.daemon(&[]);
    let answers = || std::os::unix::net::UnixStream::connect(env.path("control.sock")).ok();
    wait_for("a daemon that answers", answers).unwrap_or_else(|| panic!("{}", env.log()));
    daemon
}

/// A command in the background; its standard error is in the file `stderr`.
fn spawn(env: &TestEnv, args: &[&str]) -> Child {
    let stderr = fs::File::create(env.path("stderr")).expect("a file");
    let command = env.command(args).stdout(Stdio::piped()).stderr(stderr).spawn();
    command.expect("the command starts")
}

fn wait_for_output(env: &TestEnv, what: &str) {
    let read = || fs::read_to_string(env.path("stderr")).unwrap_or_default();
    let printed = wait_for(what, || read().contains(what).then_some(()));
    assert!(printed.is_some(), "`{what}` is not in: {}\n{}", read(), env.log());
}

fn path(env: &TestEnv, name: &str) -> String {
    env.path(name).to_str().expect("UTF-8").to_owned()
}

const HOLD: &str = "[[rule.label]]\nname = \"later\"\nhold = true\ndestination = \"windows_update\"\naudiences = [\"Test Registry Key\"]\n[rule.label.hardware_ids]\ninclude = [\"pci\\\\*\"]\n";

#[test]
fn wait_reports_transitions_and_holds_and_survives_restarts_of_the_daemon() {
    let env = TestEnv::with(usual_quirks(), HOLD);
    let daemon = start_daemon(&env);
    env.fault(
        &json!({"operation": "create_product", "times": 0, "action": {"kind": "status", "status": 503}}),
    );
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let file = path(&env, "drop/echo.cab");
    let waiting = spawn(&env, &["--json", "wait", &file]);
    wait_for_output(&env, ": product,");
    assert_eq!(daemon.terminate(), Some(0));
    wait_for_output(&env, "the daemon does not answer; waiting for it");
    env.no_faults();
    let daemon = start_daemon(&env);
    wait_for_output(&env, "the daemon answers again");
    wait_for_output(&env, "held: ");
    let failing = env.run(&["wait", &file, "--held", "fail"]);
    assert_eq!(failing.status.code(), Some(65), "{}", text(&failing.stderr));
    let fetched =
        env.run(&["wait", &file, "--for", "signed", "--held", "fail", "--fetch", &path(&env, "results")]);
    assert_eq!(fetched.status.code(), Some(0), "{}", text(&fetched.stderr));
    let job = env.json(&["jobs"])[0].clone();
    for file in job["files"].as_array().expect("files") {
        let name = file["name"].as_str().expect("a name");
        let copy = fs::read(env.path("results").join(name)).expect("a copy");
        assert_eq!(Some(copy.len() as u64), file["size"].as_u64(), "{name}");
    }
    assert!(env.path("results/receipt.json").is_file());
    assert!(env.run(&["approve", job["id"].as_str().expect("an id")]).status.success());
    let output = waiting.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}\n{}", text(&output.stdout), env.log());
    let document: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    assert_eq!(document["state"], "succeeded");
    let lines = fs::read_to_string(env.path("stderr")).expect("lines");
    assert!(lines.lines().count() > 6 && !lines.contains("waited"), "{lines}");
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn results_are_copied_completely_or_not_at_all_and_never_through_links() {
    let env = TestEnv::new();
    let daemon = start_daemon(&env);
    fs::write(env.path("echo.cab"), bytes("cab/good-signed-ts.cab")).expect("a package");
    fs::create_dir(env.path("results")).expect("a folder");
    fs::write(env.path("precious"), "precious").expect("a file");
    std::os::unix::fs::symlink(env.path("precious"), env.path("results/signed.zip")).expect("a link");
    let submitted = env.run(&[
        "--json",
        "submit",
        &path(&env, "echo.cab"),
        "--folder",
        "in",
        "--wait",
        "--timeout",
        "5m",
        "--fetch",
        &path(&env, "results"),
    ]);
    assert_eq!(submitted.status.code(), Some(0), "{}\n{}", text(&submitted.stderr), env.log());
    assert_eq!(fs::read(env.path("precious")).expect("the target"), b"precious");
    assert!(fs::symlink_metadata(env.path("results/signed.zip")).expect("a copy").is_file());
    let job: Value = serde_json::from_slice(&submitted.stdout).expect("JSON");
    let (id, outbox) = (job["id"].as_str().expect("an id"), job["outbox"].as_str().expect("a path"));
    // A job that has ended is answered, however short the time is.
    let ended = env.run(&["wait", id, "--timeout", "0s"]);
    assert_eq!(ended.status.code(), Some(0), "{}", text(&ended.stderr));
    // A result that was replaced in the outbox is not copied, nor is any other.
    let signed = std::path::Path::new(outbox).join("signed.zip");
    fs::remove_file(&signed).expect("removed");
    std::os::unix::fs::symlink(env.path("precious"), &signed).expect("a link");
    let refused = env.run(&["wait", id, "--fetch", &path(&env, "other")]);
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused.stderr));
    assert_eq!(fs::read_dir(env.path("other")).map_or(0, Iterator::count), 0, "{}", text(&refused.stderr));
    let usage = env.run(&["submit", &path(&env, "echo.cab"), "--fetch", "x"]);
    assert_eq!(usage.status.code(), Some(64));
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn wait_explains_a_file_that_is_not_taken_and_prints_the_job_when_it_times_out() {
    let env = TestEnv::new();
    let daemon = start_daemon(&env);
    let package = bytes("cab/good-signed-ts.cab");
    let timed_out = |file: &str, why: &str| {
        // On a slow machine, the daemon evaluates the file later.
        let is_explained = ["1s", "10s", "60s"].into_iter().any(|timeout| {
            let output = env.run(&["wait", file, "--timeout", timeout]);
            assert_eq!(output.status.code(), Some(75), "{file}: {}", text(&output.stderr));
            text(&output.stderr).contains(why)
        });
        assert!(is_explained, "{file}: no {why:?}: {}", env.log());
    };
    fs::write(env.path("echo.cab"), &package).expect("a package");
    timed_out(&path(&env, "echo.cab"), "no folder contains ");
    fs::write(env.path("drop/echo - Copy.cab"), &package).expect("a package");
    timed_out(&path(&env, "drop/echo - Copy.cab"), "`* - Copy*`");
    fs::write(env.path("drop/echo.txt"), &package).expect("a package");
    timed_out(&path(&env, "drop/echo.txt"), "`include` of folder `in`");
    fs::create_dir(env.path("drop/sub")).expect("a folder");
    fs::write(env.path("drop/sub/echo.cab"), &package).expect("a package");
    timed_out(&path(&env, "drop/sub/echo.cab"), "subfolders");
    fs::write(env.path("drop/half.cab"), &package[..package.len() / 2]).expect("half a package");
    timed_out(&path(&env, "drop/half.cab"), "it is incomplete, with ");
    env.fault(
        &json!({"operation": "create_product", "times": 0, "action": {"kind": "status", "status": 503}}),
    );
    env.drop_package("echo.cab", &package);
    let job = || env.json(&["jobs"]).as_array().is_some_and(|jobs| !jobs.is_empty()).then_some(());
    wait_for("the job", job).unwrap_or_else(|| panic!("{}", env.log()));
    let output = env.run(&["--json", "wait", &path(&env, "drop/echo.cab"), "--timeout", "2s"]);
    assert_eq!(output.status.code(), Some(75), "{}", text(&output.stderr));
    let job: Value = serde_json::from_slice(&output.stdout).expect("the job as JSON");
    assert_eq!(job["package"], "echo.cab", "{job:#}");
    env.no_faults();
    assert_eq!(daemon.terminate(), Some(0));
    let stopped = env.run(&["wait", &path(&env, "drop/echo.cab")]);
    assert_eq!(stopped.status.code(), Some(69), "{}", text(&stopped.stderr));
}

#[test]
fn package_that_is_dropped_again_is_not_answered_with_its_old_rejection() {
    let env = TestEnv::new();
    let toml = fs::read_to_string(env.path("dropship.toml")).expect("the configuration");
    let other = toml.replace("match = { file = \"*.cab\" }", "match = { file = \"other*.cab\" }");
    fs::write(env.path("dropship.toml"), other).expect("changed");
    let daemon = start_daemon(&env);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let file = path(&env, "drop/echo.cab");
    assert_eq!(env.run(&["wait", &file]).status.code(), Some(65));
    fs::write(env.path("dropship.toml"), toml).expect("changed");
    assert!(env.run(&["reload"]).status.success());
    fs::remove_file(&file).expect("removed");
    assert!(env.run(&["rescan"]).status.success());
    let forgotten = wait_for("the file to be forgotten", || {
        let lines = text(&env.run(&["export"]).stdout);
        (!lines.contains("\"known_file\"")).then_some(())
    });
    assert!(forgotten.is_some(), "{}", env.log());
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let output = env.run(&["wait", &file]);
    assert_eq!(output.status.code(), Some(0), "{}\n{}", text(&output.stderr), env.log());
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn wait_for_a_file_is_not_answered_with_a_package_that_was_submitted() {
    let env = TestEnv::new();
    env.edit_configuration("same_content = \"take\"", "same_content = \"take\"\nbacklog = \"hold\"");
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let daemon = start_daemon(&env);
    let file = path(&env, "drop/echo.cab");
    let held = || (env.json(&["jobs"])[0]["state"] == "held").then_some(());
    wait_for("the held job of the file", held).unwrap_or_else(|| panic!("{}", env.log()));
    let submitted = env.run(&["submit", &file, "--wait"]);
    assert_eq!(submitted.status.code(), Some(0), "{}\n{}", text(&submitted.stderr), env.log());
    let output = env.run(&["--json", "wait", &file, "--held", "fail"]);
    assert_eq!(output.status.code(), Some(65), "{}", text(&output.stderr));
    let job: Value = serde_json::from_slice(&output.stdout).expect("the job as JSON");
    assert_eq!((&job["folder"], &job["state"]), (&json!("in"), &json!("held")), "{job:#}");
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn wait_for_a_file_that_is_too_large_ends() {
    let env = TestEnv::new();
    env.edit_configuration("path = \"store\"", "path = \"store\"\nmax_package = \"10KiB\"");
    let daemon = start_daemon(&env);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let output = env.run(&["--json", "wait", &path(&env, "drop/echo.cab"), "--timeout", "2m"]);
    assert_eq!(output.status.code(), Some(65), "{}\n{}", text(&output.stderr), env.log());
    let job: Value = serde_json::from_slice(&output.stdout).expect("the job as JSON");
    assert_eq!(job["error"]["kind"], "too-large", "{job:#}");
    assert_eq!(daemon.terminate(), Some(0));
}
