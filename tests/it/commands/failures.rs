//! Commands that fail: the exit code, and one JSON document with `--json`.

use serde_json::Value;

use crate::harness::{TestEnv, text};

/// Runs a command with `--json`, and returns its exit code and its only document.
fn failed(env: &TestEnv, args: &[&str]) -> (Option<i32>, Value) {
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
        let (exit, document) = failed(&env, args);
        assert_eq!((exit, &document["error"]["kind"]), (Some(code), &kind.into()), "{args:?}: {document:#}");
        assert!(document["error"]["message"].as_str().is_some_and(|text| !text.is_empty()), "{document:#}");
    }
    // `--json` may stand anywhere, but not after `--`.
    let output = env.run(&["jobs", "--state", "nonsense", "--json"]);
    assert!(serde_json::from_slice::<Value>(&output.stdout).is_ok(), "{}", text(&output.stdout));
    let output = env.run(&["plan", "a", "b", "--", "--json"]);
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(64), ""));
    std::fs::write(env.path("dropship.toml"), "nonsense = 1\nmore = 2\n").expect("written");
    let (exit, document) = failed(&env, &["plan", &package]);
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
