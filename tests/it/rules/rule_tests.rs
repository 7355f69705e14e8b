//! `dropship test`: the test cases of a configuration, without a network.

use std::fs;

use crate::harness::rules::{LABEL, RULE, RuleFixture};
use crate::harness::{fixture, text};

const CASE: &str = r#"
[[test]]
name = "a cab goes to the ring"
package = { folder = "in", file = "x.cab", provider = "Contoso", inf = "x.inf", version = "1.2.0.0", hardware_ids = 'PCI\VEN_1414&DEV_0001' }
[test.expect]
rule = "ring"
product = { name = "Contoso x 1.2.0.0" }
submission = { name = "x" }
labels = ["x 1.2.0.0 ring"]
label = { audiences = ["Test Registry Key"], manual_acquisition = true }
"#;

#[test]
fn rule_tests_of_the_samples_pass() {
    let rules_env = RuleFixture::new(&format!("{RULE}{LABEL}{CASE}"));
    let (code, json) = rules_env.json(&["test"]);
    assert_eq!((code, &json["ok"], &json["passed"]), (Some(0), &true.into(), &1.into()), "{json:#}");
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/config/dropship.toml");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_dropship"))
        .args(["--config", config, "--json", "test"])
        .output()
        .expect("it runs");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(output.status.code(), Some(0), "{json:#}");
    assert!(json["passed"].as_u64() >= Some(5), "{json:#}");
    assert_eq!(json["without_test"], serde_json::json!([]), "each sample has a test");
}

#[test]
fn failed_rule_test_shows_the_difference_and_exits_1() {
    let wrong = CASE
        .replace("Contoso x 1.2.0.0", "Contoso x 9")
        .replace("\"x 1.2.0.0 ring\"", "\"* retail\"")
        .replace("manual_acquisition = true", "manual_acquisition = false")
        .replace("submission = { name = \"x\" }", "submission = { name = \"y\" }");
    let rules_env =
        RuleFixture::new(&format!("{RULE}{LABEL}{CASE}{}", wrong.replace("a cab goes", "no cab goes")));
    let output = rules_env.run(&["test"]);
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    for part in [
        "FAILED  no cab goes to the ring",
        "product.name\n      - \"Contoso x 9\"\n      + \"Contoso x 1.2.0.0\"",
        "submission.name\n      - \"y\"\n      + \"x\"",
        "labels\n      - \"* retail\"\n      + `x 1.2.0.0 ring`",
        "manual_acquisition\n      - false\n      + true",
        "1 passed, 1 FAILED",
        "dropship.toml:",
    ] {
        assert!(printed.contains(part), "{part:?} in {printed}");
    }
    let (code, json) = rules_env.json(&["test"]);
    assert_eq!((code, &json["failed"]), (Some(1), &1.into()));
    assert_eq!(json["cases"][1]["differences"].as_array().map(Vec::len), Some(4), "{json:#}");
    // One case by name, and a name without a case.
    assert_eq!(rules_env.run(&["test", "A CAB*"]).status.code(), Some(0));
    assert_eq!(rules_env.run(&["test", "zebra"]).status.code(), Some(64));
}

#[test]
fn rule_test_with_invalid_configuration_exits_78() {
    let rules_env =
        RuleFixture::new(&format!("{RULE}{LABEL}{}", CASE.replace("rule = \"ring\"", "rule = \"rung\"")));
    let output = rules_env.run(&["test"]);
    assert_eq!(output.status.code(), Some(78));
    assert!(text(&output.stderr).contains("did you mean `ring`?"), "{}", text(&output.stderr));
}

#[test]
fn rule_test_reads_facts_from_a_file_of_inspect() {
    let case = r#"
[[test]]
name = "the package of the last build"
package = { facts = "facts.json", folder = "in", file = "echo.cab" }
expect = { rule = "ring", labels = ["echo * ring"], label = { pnp_string = 'pci\*' } }
"#;
    let rules_env = RuleFixture::new(&format!(
        "{RULE}{LABEL}hardware_ids = {{ include = ['pci\\*'], operating_systems = \"*_CO_*\" }}\n{case}"
    ));
    rules_env.write("facts.json", "{}");
    let cab = fixture("cab/good-signed-ts.cab");
    // `inspect` does not need valid tests: it reads the configuration without the rules.
    let plain = RuleFixture::new(RULE);
    for command in ["inspect", "plan"] {
        let printed = plain.run(&["--json", command, cab.to_str().expect("a path")]);
        rules_env.write("facts.json", &text(&printed.stdout));
        let (code, json) = rules_env.json(&["test"]);
        assert_eq!(code, Some(0), "{command}: {json:#}");
    }
}

#[test]
fn rule_test_at_a_given_day_applies_offsets_and_blackouts() {
    let label = format!("{LABEL}go_live = \"next_working_day\"\nblackout = [\"2026-12-24..2026-12-31\"]\n");
    let case = CASE.replace("manual_acquisition = true", "go_live = \"2027-01-01*\"");
    let rules_env = RuleFixture::new(&format!("{RULE}{label}{case}"));
    assert_eq!(rules_env.run(&["test", "--at", "2026-12-23T12:00:00Z"]).status.code(), Some(0));
    assert_eq!(rules_env.run(&["test", "--at", "2026-12-21T12:00:00Z"]).status.code(), Some(1));
}

/// `cargo bench --bench pieces` measures how long this takes.
#[test]
fn check_and_test_of_500_rules_and_5000_tests_pass() {
    let mut text = String::new();
    for rule in 0..500 {
        let own = RULE.replace("\"ring\"", &format!("\"rule {rule}\"")).replace(
            "{ file = \"*.cab\" }",
            &format!("{{ file = \"p{rule}-*.cab\", provider = \"Contoso*\" }}"),
        );
        text.push_str(&own);
        text.push_str(LABEL);
    }
    for case in 0..5000 {
        let rule = case % 500;
        let own = CASE
            .replace("a cab goes", &format!("{case} goes"))
            .replace("x.cab", &format!("p{rule}-{case}.cab"))
            .replace("rule = \"ring\"", &format!("rule = \"rule {rule}\""))
            .replace("Contoso x ", "Contoso p* ")
            .replace("name = \"x\"", "name = \"p*\"")
            .replace("x 1.2", "p* 1.2");
        text.push_str(&own);
    }
    let rules_env = RuleFixture::new(&text);
    for command in ["check", "test"] {
        let (code, json) = rules_env.json(&[command]);
        assert_eq!((code, &json["ok"]), (Some(0), &true.into()), "{command}");
        match command {
            "check" => assert_eq!((&json["rules"], &json["tests"]), (&500.into(), &5000.into())),
            _ => assert_eq!(json["passed"], 5000),
        }
    }
    let size = fs::metadata(rules_env.path("dropship.toml")).expect("a file").len();
    assert!(size > 2_000_000, "{size}");
}
