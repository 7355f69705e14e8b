//! Commands that fail: the exit code, and one JSON document with `--json`.

use std::process::Stdio;

use serde_json::Value;

use crate::harness::{TestEnv, bytes, text, wait_for};

/// Runs a command with `--json`, and returns its exit code and its only document.
fn run_failing(env: &TestEnv, args: &[&str]) -> (Option<i32>, Value) {
    let output = env.run(&[&["--json"], args].concat());
    assert_eq!(text(&output.stderr), "", "{args:?}");
    let document = serde_json::from_slice(&output.stdout);
    (
        output.status.code(),
        document.unwrap_or_else(|error| panic!("{args:?}: {error}: {}", text(&output.stdout))),
    )
}

#[test]
fn failed_command_with_json_prints_one_document() {
    let env = TestEnv::new();
    std::fs::write(env.path("x.cab"), "no package").expect("a file");
    let package = env.path("x.cab").display().to_string();
    let cases: [(&[&str], i32, &str); 19] = [
        (&[], 64, "usage"),
        (&["frobnicate"], 64, "usage"),
        (&["jobs", "--state", "nonsense"], 64, "usage"),
        (&["jobs", "--since", "yesterday"], 64, "usage"),
        (&["jobs", "--package", "[a"], 64, "usage"),
        (&["show", "nonsense"], 64, "usage"),
        (&["show"], 64, "usage"),
        (&["cancel"], 64, "usage"),
        (&["retry", "1m8hbq3c7xk2sd", "--state", "failed"], 64, "usage"),
        (&["approve", "--state", "held", "--label", "x"], 64, "usage"),
        (&["log-level", "loud"], 64, "usage"),
        (&["run", "--log-level", "INFO,hyper=trace"], 64, "usage"),
        (&["api", "product", "get", "x"], 64, "usage"),
        (&["plan", &package, "--folder", "nonsense"], 64, "unknown-folder"),
        (&["jobs"], 69, "no-daemon"),
        (&["reload"], 69, "no-daemon"),
        (&["log-level", "debug"], 69, "no-daemon"),
        (&["submit", &package], 69, "no-daemon"),
        (&["plan", "no-such.cab"], 1, "failed"),
    ];
    for (args, code, kind) in cases {
        let (exit, document) = run_failing(&env, args);
        assert_eq!((exit, &document["error"]["kind"]), (Some(code), &kind.into()), "{args:?}: {document:#}");
        assert!(document["error"]["message"].as_str().is_some_and(|text| !text.is_empty()), "{document:#}");
    }
    // `--json` may stand anywhere, but not after `--`.
    let output = env.run(&["jobs", "--state", "nonsense", "--json"]);
    assert!(serde_json::from_slice::<Value>(&output.stdout).is_ok(), "{}", text(&output.stdout));
    let output = env.run(&["plan", "a", "b", "--", "--json"]);
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(64), ""));
    std::fs::write(env.path("dropship.toml"), "nonsense = 1\nmore = 2\n").expect("written");
    let (exit, document) = run_failing(&env, &["plan", &package]);
    assert_eq!((exit, &document["error"]["kind"]), (Some(78), &"configuration".into()), "{document:#}");
    assert_eq!(document["problems"].as_array().map(Vec::len), Some(2), "{document:#}");
}

#[test]
fn level_of_the_environment_is_one_of_five_words() {
    let env = TestEnv::new();
    for (level, code) in [("nonsense", 64), ("", 64), ("Info", 64), ("debug", 0)] {
        let output =
            env.command(&["run", "--until-idle"]).env("DROPSHIP_LOG", level).output().expect("it runs");
        assert_eq!(output.status.code(), Some(code), "{level}: {}", text(&output.stderr));
    }
}

#[test]
fn output_that_cannot_be_written_fails_the_command() {
    let env = TestEnv::new();
    std::fs::write(env.path("echo.cab"), bytes("cab/good-signed.cab")).expect("a package");
    let package = env.path("echo.cab").display().to_string();
    let commands: [&[&str]; 9] = [
        &["check"],
        &["config", "show"],
        &["--json", "config", "show"],
        &["plan", &package],
        &["inspect", &package],
        &["completions", "bash"],
        &["--help"],
        &["--version"],
        &["--json", "jobs", "--state", "nonsense"],
    ];
    for args in commands {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a full device");
        let output = env.command(args).stdout(full).output().expect("it runs");
        let reported = text(&output.stderr);
        assert_eq!(
            reported, "dropship: cannot write to standard output: No space left on device (os error 28)\n",
            "{args:?}"
        );
        let expected = if args.contains(&"nonsense") { 64 } else { 1 };
        assert_eq!(output.status.code(), Some(expected), "{args:?}");
        // A reader that has seen enough is no error.
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = env.command(args).stdout(writer).output().expect("it runs");
        assert_eq!(text(&output.stderr), "", "{args:?}");
    }
}

#[test]
fn file_that_is_no_regular_file_is_refused_at_once() {
    let env = TestEnv::new();
    let path = |name: &str| env.path(name).display().to_string();
    let (fifo, zero) = (path("fifo.cab"), path("zero.cab"));
    let status = std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo runs");
    assert!(status.success());
    std::os::unix::fs::symlink("/dev/zero", &zero).expect("a link");
    std::fs::create_dir(env.path("folder.cab")).expect("a folder");
    std::fs::write(env.path("echo.cab"), bytes("cab/good-signed.cab")).expect("a package");
    let (echo, folder, new) = (path("echo.cab"), path("folder.cab"), path("new.toml"));
    let daemon = env.daemon(&[]);
    wait_for("the daemon", || env.path("control.sock").exists().then_some(())).expect("a socket");
    for special in [fifo.as_str(), &zero, &folder] {
        let commands: [&[&str]; 8] = [
            &["wait", special, "--timeout", "1h"],
            &["submit", special],
            &["inspect", special],
            &["plan", special],
            &["plan", &echo, "--vars", special],
            &["plan", &echo, "--metadata", special],
            &["--config", &new, "init", special],
            &["api", "submission", "upload", "1", "2", special, "--dry-run"],
        ];
        for args in commands {
            let mut command = env.command(args);
            if args[0] == "--config" {
                command = std::process::Command::new(env!("CARGO_BIN_EXE_dropship"));
                command.args(args);
            }
            let output = command.stdin(Stdio::null()).output().expect("it runs");
            let (seen, reported) = (text(&output.stdout), text(&output.stderr));
            assert!(matches!(output.status.code(), Some(1 | 65)), "{args:?}: {reported}");
            let is_refused =
                ["not a regular file", "neither a file nor a folder", "has no driver-metadata.json"];
            assert!(
                is_refused.iter().any(|why| format!("{seen}{reported}").contains(why)),
                "{args:?}: {seen}{reported}"
            );
        }
    }
    let output = env.run(&["plan", "no-such-file"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("No such file"), "{}", text(&output.stderr));
    assert_eq!(daemon.terminate(), Some(0));
}
