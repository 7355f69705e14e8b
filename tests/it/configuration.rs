//! A configuration is refused as a whole, with everything that is wrong with it.

use std::fs;

use crate::home::{Home, text};

#[test]
fn every_error_is_told_at_once_with_its_place() {
    let home = Home::new();
    let path = home.path("dropship.toml");
    let good = fs::read_to_string(&path).expect("configuration");
    let bad = good
        .replace("settle = \"200ms\"", "setle = \"200ms\"")
        .replace("uncertain = \"2s\"", "uncertain = \"2 parsecs\"")
        .replace("destination = \"windows_update\"", "destination = 7");
    fs::write(&path, &bad).expect("broken");
    for command in ["check", "run"] {
        let output = home.run(&[command]);
        assert_eq!(output.status.code(), Some(78), "{command}");
        let told = text(&output.stderr);
        for (word, line) in [("setle", "setle"), ("parsecs", "uncertain"), ("destination", "destination = 7")]
        {
            let number = bad.lines().position(|text| text.contains(line)).expect("a line") + 1;
            assert!(told.contains(word), "{command} tells of {word}: {told}");
            assert!(
                told.contains(&format!("dropship.toml:{number}")),
                "{command} tells the line of {word}: {told}"
            );
        }
        assert!(told.contains("settle"), "and what was meant: {told}");
        assert!(told.contains('^'), "{told}");
    }
    let json = home.json(&["check"]);
    assert_eq!(json["ok"], false);
    assert_eq!(json["problems"].as_array().map(Vec::len), Some(3), "{json:#}");
}

#[test]
fn a_good_one_is_good_and_a_missing_one_is_told() {
    let home = Home::new();
    let output = home.run(&["check", "--online"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    fs::remove_file(home.path("dropship.toml")).expect("removed");
    let output = home.run(&["check"]);
    assert_eq!(output.status.code(), Some(78), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("dropship.toml"));
}

#[test]
fn a_store_of_one_service_is_not_used_for_another() {
    let home = Home::new();
    assert_eq!(home.daemon(&["--until-idle"]).wait(), Some(0), "{}", home.log());
    let path = home.path("dropship.toml");
    let config = fs::read_to_string(&path).expect("configuration");
    fs::write(&path, config.replace("client_id = \"client\"", "client_id = \"other\"")).expect("changed");
    let output = home.run(&["run", "--until-idle"]);
    assert_eq!(output.status.code(), Some(78), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("tenant/client"), "{}", text(&output.stderr));
}

#[test]
fn wrong_use_of_the_command_line_is_told_apart() {
    let home = Home::new();
    assert_eq!(home.run(&["no-such-command"]).status.code(), Some(64));
    assert_eq!(home.run(&["show", "not-an-id"]).status.code(), Some(64));
    assert_eq!(home.run(&["--help"]).status.code(), Some(0));
    assert_eq!(home.run(&["jobs"]).status.code(), Some(69), "no daemon and no store");
    assert_eq!(home.run(&["submit", "x.cab"]).status.code(), Some(69), "no daemon");
}

#[test]
fn the_configuration_of_the_readme_is_taken_as_it_stands() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("the README");
    let block =
        readme.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).expect("a configuration");
    let environment = dropship::config::Environment::default();
    let config = dropship::config::load_str("README.md".as_ref(), block, &environment)
        .unwrap_or_else(|report| panic!("{report}"));
    config.ready_to_run().unwrap_or_else(|report| panic!("{report}"));
    assert_eq!((config.folders.len(), config.rules.len(), config.rules[0].labels.len()), (1, 1, 1));
    assert!(block.trim().lines().count() <= 12, "ten lines and their heading");
}
