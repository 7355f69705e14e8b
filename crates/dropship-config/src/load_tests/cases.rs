//! Operators' cases: references to folders, rules and keys that do not exist.

use std::path::Path;

use super::lines;
use crate::{Environment, load_str};

const RULE: &str = include_str!("rule.toml");

#[test]
fn references_of_cases_are_checked() {
    let text = format!(
        "{RULE}\n[[test]]\npackage = {{ folder = \"adio\", fiel = \"x.cab\" }}\nexpect = {{ rule = \"adio\", labels = 5 }}\n"
    );
    let report = load_str(Path::new("t.toml"), &text, &Environment::default()).expect_err("wrong");
    let reported: Vec<_> = report
        .problems
        .iter()
        .map(|problem| format!("{} {}", problem.message, problem.help.as_deref().unwrap_or("-")))
        .collect();
    assert_eq!(
        reported,
        [
            "`name` is missing -",
            "there is no folder `adio` did you mean `audio`?",
            "unknown key `fiel` did you mean `file`?",
            "there is no rule `adio` did you mean `audio`?",
            "expected a string, found integer `5` -",
        ]
    );
}

#[test]
fn header_of_the_wrong_kind_is_reported_with_the_right_one() {
    for (text, expected) in [
        (
            "[[account]]\ntenant_id = \"t\"",
            "1:1 expected a table, found a list [there is only one: write `[account]`]",
        ),
        ("[[api]]\nworkers = 3", "1:1 expected a table, found a list [there is only one: write `[api]`]"),
        ("[[guard]]", "1:1 expected a table, found a list [there is only one: write `[guard]`]"),
        ("[[api.poll]]", "1:1 expected a table, found a list [there is only one: write `[api.poll]`]"),
        (
            "[folder]\nname = \"x\"",
            "1:1 expected a list, found a table [there can be several: begin each with `[[folder]]`]",
        ),
        ("[ rule ]", "1:1 expected a list, found a table [there can be several: begin each with `[[rule]]`]"),
        (
            "[rule.label]\nname = \"x\"",
            "1:2 expected a list, found a table [there can be several: begin each with `[[rule]]`]",
        ),
        ("folder.path = \"x\"", "1:1 expected a list, found a table"),
        ("signers = [\"a.pem\"]", "1:11 expected a table, found a list"),
        ("guard = [\"hold\", [], 5, \"hold\"]", "1:9 expected a table, found a list"),
        ("api = { retry = [\"1s\", \"5m\"] }", "1:17 expected a table, found a list"),
    ] {
        let lines = lines(text);
        assert!(lines.contains(&expected.to_owned()), "{text}: {lines:#?}");
        assert!(
            !lines.iter().any(|line| line.contains("invalid length") || line.contains("exactly")),
            "{lines:#?}"
        );
    }
}
