//! An invalid configuration is refused as a whole, with all its errors.

use std::fs;

use crate::harness::{TestEnv, text};

#[test]
fn check_reports_every_error_with_its_place() {
    let env = TestEnv::new();
    let path = env.path("dropship.toml");
    let good = fs::read_to_string(&path).expect("configuration");
    let bad = good
        .replace("settle = \"200ms\"", "setle = \"200ms\"")
        .replace("uncertain = \"2s\"", "uncertain = \"2 parsecs\"")
        .replace("destination = \"windows_update\"", "destination = 7");
    fs::write(&path, &bad).expect("broken");
    for command in ["check", "run"] {
        let output = env.run(&[command]);
        assert_eq!(output.status.code(), Some(78), "{command}");
        let messages = text(&output.stderr);
        for (word, line) in [("setle", "setle"), ("parsecs", "uncertain"), ("destination", "destination = 7")]
        {
            let number = bad.lines().position(|text| text.contains(line)).expect("a line") + 1;
            assert!(messages.contains(word), "{command} reports {word}: {messages}");
            assert!(
                messages.contains(&format!("dropship.toml:{number}")),
                "{command} reports the line of {word}: {messages}"
            );
        }
        assert!(messages.contains("settle"), "the similar key is suggested: {messages}");
        assert!(messages.contains('^'), "{messages}");
    }
    let json = env.json(&["check"]);
    assert_eq!(json["ok"], false);
    assert_eq!(json["problems"].as_array().map(Vec::len), Some(3), "{json:#}");
}

#[test]
fn check_accepts_a_valid_file_and_reports_a_missing_one() {
    let env = TestEnv::new();
    let output = env.run(&["check", "--online"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    fs::remove_file(env.path("dropship.toml")).expect("removed");
    let output = env.run(&["check"]);
    assert_eq!(output.status.code(), Some(78), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("dropship.toml"));
}

#[test]
fn store_of_another_endpoint_is_refused() {
    let env = TestEnv::new();
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
    let path = env.path("dropship.toml");
    let config = fs::read_to_string(&path).expect("configuration");
    fs::write(&path, config.replace("client_id = \"client\"", "client_id = \"other\"")).expect("changed");
    let output = env.run(&["run", "--until-idle"]);
    assert_eq!(output.status.code(), Some(78), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("tenant/client"), "{}", text(&output.stderr));
}

#[test]
fn command_line_mistake_exits_64() {
    let env = TestEnv::new();
    assert_eq!(env.run(&["no-such-command"]).status.code(), Some(64));
    assert_eq!(env.run(&["show", "not-an-id"]).status.code(), Some(64));
    assert_eq!(env.run(&["--help"]).status.code(), Some(0));
    assert_eq!(env.run(&["jobs"]).status.code(), Some(69), "no daemon and no store");
    assert_eq!(env.run(&["submit", "x.cab"]).status.code(), Some(69), "no daemon");
}

#[test]
fn configuration_in_the_readme_is_valid() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("the README");
    let block = readme
        .split("```toml whole\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("a configuration");
    let environment = dropship_config::Environment::default();
    let config = dropship_config::load_str("README.md".as_ref(), block, &environment)
        .unwrap_or_else(|report| panic!("{report}"));
    config.ready_to_run().unwrap_or_else(|report| panic!("{report}"));
    assert_eq!((config.folders.len(), config.rules.len(), config.rules[0].labels.len()), (1, 1, 1));
    assert!(block.trim().lines().count() <= 12, "ten lines and their heading");
}
