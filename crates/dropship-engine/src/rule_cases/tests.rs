//! Operators' cases: the samples of `config/`, and the messages of cases that fail.

use std::path::Path;

use dropship_config::{Config, Environment, load, load_str};
use dropship_rules::rule_tests::CaseResult;
use jiff::Timestamp;

use super::outcomes;

fn config(text: &str) -> Config {
    let config = load_str(Path::new("t.toml"), text, &Environment::default());
    config.unwrap_or_else(|report| panic!("{report}"))
}

fn now() -> Timestamp {
    "2026-11-20T10:00:00Z".parse().expect("time")
}

const RULE: &str = include_str!("../../../dropship-config/src/load_tests/rule.toml");

const CONTRACT: &str = include_str!("../../../dropship-config/src/load_tests/contract.toml");

fn outcome(case: &str) -> CaseResult {
    let config = config(&format!("{RULE}\n[[test]]\nname = \"case\"\n{case}\n"));
    outcomes(&config, now()).remove(0)
}

const PACKAGE: &str = r#"package = { folder = "audio", file = "x.cab", provider = "Contoso", inf = "x.inf", version = "1.0", hardware_ids = ['PCI\A', 'USB\B'] }"#;

#[test]
fn samples_load_without_a_doubt_and_their_cases_pass() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/dropship.toml");
    let config = load(&path, &Environment::default()).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(config.warnings.to_string(), "No problems found");
    assert_eq!(config.ready_to_run(), Ok(()));
    assert_eq!(config.rules.len(), 3);
    let outcomes = outcomes(&config, now());
    assert_eq!(outcomes.len(), 17);
    for outcome in outcomes {
        assert!(outcome.passed, "{outcome}");
    }
}

#[test]
fn case_of_the_documented_configuration_passes() {
    let outcomes = outcomes(&config(CONTRACT), now());
    assert_eq!(outcomes.len(), 1);
    for outcome in outcomes {
        assert!(outcome.passed, "{outcome}");
    }
}

#[test]
fn any_field_of_the_requests_can_be_expected() {
    let good = outcome(&format!(
        "{PACKAGE}\n[test.expect]\nrule = \"audio\"\naccount = \"default\"\nrejected = false\n\
         product = {{ product_name = \"Contoso 1.?\", requested_signatures = [\"*_CO_*\", \"*\"], is_test_sign = false }}\n\
         submission = {{ name = \"Contoso 1.0\" }}\nlabels = \"1.0 ring\"\n\
         label = {{ go_live = \"+7d\", go_live_date = \"2026-11-27*\", floor = \"CO\", flooring = \"CO\", \
         audiences = [\"Test Registry Key\"], manual_acquisition = true, hardware_ids = {{ pnp_string = 'pci\\a' }} }}\n"
    ));
    assert!(good.passed, "{good}");
}

#[test]
fn failed_case_shows_expected_and_actual_values() {
    let bad = outcome(&format!(
        "{PACKAGE}\n[test.expect]\nproduct = {{ name = \"Fabrikam*\", colour = \"red\" }}\nlabels = [\"*\", \"* retail\"]\n\
         label = [{{ name = \"* retail\", floor = \"NI\" }}, {{ floor = \"NI\", pnp_string = 'usb\\b' }}]\n"
    ));
    assert_eq!(
        bad.to_string(),
        "FAILED  case (t.toml:21)\n    \
         labels\n      - \"*\", \"* retail\"\n      + `1.0 ring`\n    \
         product.colour\n      - \"red\"\n      + nothing\n    \
         product.name\n      - \"Fabrikam*\"\n      + \"Contoso 1.0\"\n    \
         label\n      - * retail\n      + `1.0 ring`\n    \
         label \"1.0 ring\".floor\n      - \"NI\"\n      + \"CO\"\n    \
         label \"1.0 ring\".pnp_string\n      - \"usb\\\\b\"\n      + \"pci\\\\a\""
    );
    let other = outcome(
        "package = { folder = \"audio\", file = \"x.cab\", provider = \"Fabrikam\", inf = \"x.inf\", version = \"1\" }\n\
         expect = { rule = \"audio\" }",
    );
    assert_eq!(
        other.to_string(),
        "FAILED  case (t.toml:21)\n    rule\n      - audio\n      + none (audio: provider \"Fabrikam\" does not fit \"Contoso*\")"
    );
}

/// A rule with this condition takes the package that has the fact, and not the one that has another.
#[track_caller]
fn assert_describable(condition: &str, kind: &str, fact: &str, other: &str) {
    let rule = RULE.replace("match = { provider = \"Contoso*\" }", &format!("match = {{ {condition} }}"));
    let harness = if kind == "cab" { "attestation" } else { "hlk" };
    let rule = rule.replace("\"attestation\"", &format!("\"{harness}\""));
    let rule = rule.replace("{{ inf.provider }} {{ inf.version }}", "{{ file.stem }}");
    let rule = rule.replace("{{ inf.version }} ring", "{{ file.stem }} ring");
    let case = |fact: &str, expect: &str| {
        format!(
            "[[test]]\nname = \"case\"\npackage = {{ folder = \"audio\", file = \"x.{kind}\", {fact} }}\nexpect = {{ {expect} }}\n"
        )
    };
    let config =
        config(&format!("{rule}{}{}", case(fact, "rule = \"audio\""), case(other, "rejected = true")));
    for outcome in outcomes(&config, now()) {
        assert!(outcome.passed, "{condition}: {outcome}");
    }
}

#[test]
fn package_of_a_case_has_a_key_for_each_key_of_match() {
    for (condition, fact, other) in [
        ("signer = \"Cont*\"", "signer = \"Contoso\"", "signer = \"Fabrikam\""),
        (
            "issuer = \"*Root*\"",
            "signer = \"x\", issuer = \"CN=Root CA\"",
            "signer = \"x\", issuer = \"CN=CA\"",
        ),
        ("issuer = \"*Root*\"", "issuer = \"CN=Root CA\"", "signer = \"CN=Root CA\""),
        ("thumbprint = \"AB*\"", "thumbprint = \"ab12\"", "thumbprint = \"12ab\""),
        ("contains = \"*.dll\"", "files = [\"a.sys\", \"b.dll\"]", "files = [\"a.sys\"]"),
        ("architecture = \"arm64\"", "architecture = \"arm64\"", "architecture = \"amd64\""),
        ("extension = false", "inf = \"x.inf\"", "inf = \"x.inf\", extension_id = \"{1}\""),
        ("primitive = true", "primitive = true", "inf = \"x.inf\", primitive = false"),
        (
            "primitive = true",
            "infs = [{ name = \"x.inf\", primitive = true }]",
            "infs = [{ name = \"x.inf\" }]",
        ),
        ("class = \"Net\"", "class = \"Net\"", "class = \"MEDIA\""),
        ("date = \">=2026-01-01\"", "date = \"2026-02-01\"", "date = \"2025-12-31\""),
        (
            "chid = \"{11111111-2222-3333-4444-555555555555}\"",
            "chid = \"{11111111-2222-3333-4444-555555555555}\"",
            "chid = \"{2}\"",
        ),
        ("manufacturer = \"C*\"", "manufacturer = \"Contoso\"", "manufacturer = \"Fabrikam\""),
        ("description = \"C*\"", "description = \"Codec\"", "description = \"Modem\""),
    ] {
        assert_describable(condition, "cab", fact, other);
    }
    for (condition, fact, other) in [
        ("kit_version = \"10.1.*\"", "kit_version = \"10.1.26100.1\"", "kit_version = \"10.0\""),
        (
            "operating_system = \"*_NI_*\"",
            "operating_systems = \"WINDOWS_v100_X64_NI_FULL\"",
            "operating_systems = \"WINDOWS_v100_X64_CO_FULL\"",
        ),
        (
            "product_type = \"Audio*\"",
            "product_types = { w = \"Audio Device\" }",
            "product_types = { w = \"Net\" }",
        ),
    ] {
        assert_describable(condition, "hlkx", fact, other);
    }
}

#[test]
fn rejections_can_be_expected() {
    let stranger = "package = { file = \"x.cab\", provider = \"Fabrikam\" }";
    assert!(outcome(&format!("{stranger}\nexpect = {{ rejected = true }}")).passed);
    assert!(
        outcome(&format!("{stranger}\nexpect = {{ rejected = true, error = \"No rule is for*\" }}")).passed
    );
    assert!(!outcome(&format!("{stranger}\nexpect = {{ rejected = true, error = \"burnt\" }}")).passed);
    assert!(!outcome(&format!("{stranger}\nexpect = {{}}")).passed);
    assert!(!outcome(&format!("{PACKAGE}\nexpect = {{ rejected = true }}")).passed);
    let two = "package = { folder = \"audio\", file = \"x.cab\", infs = [{ name = \"a.inf\", provider = \"Contoso\", \
               version = \"1\" }, { name = \"b.inf\", provider = \"Contoso\", version = \"2\" }] }";
    assert!(outcome(&format!("{two}\nexpect = {{ rule = \"audio\", error = \"*INFs differ*\" }}")).passed);
    let nothing = outcome(
        "package = { folder = \"audio\", file = \"x.cab\", provider = \"Contoso\", version = \"1\", hardware_ids = 'USB\\B' }\n\
         expect = { label = { floor = \"CO\" } }",
    );
    assert!(nothing.to_string().contains("it would target nothing"), "{nothing}");
}

#[test]
fn facts_come_from_a_file_too() {
    let home = tempfile::tempdir().expect("scratch");
    let facts = serde_json::json!([{"verdict": "accept", "findings": [], "facts": {"kind": "cab", "size": 9, "files": [],
        "architectures": ["amd64"], "signer": null, "hlkx": null, "infs": [{"path": "d/x.inf", "name": "x.inf",
        "stem": "x", "provider": "Contoso", "class": "MEDIA", "class_guid": null, "version": "3.0", "date": null,
        "catalog": null, "extension_id": null, "pnp_lockdown": true, "hardware_ids": ["PCI\\A"], "chids": [],
        "manufacturers": [], "descriptions": [], "architectures": [], "primitive": false}]}}]);
    std::fs::write(home.path().join("facts.json"), facts.to_string()).expect("facts");
    let case = "[[test]]\nname = \"c\"\npackage = { facts = \"facts.json\", folder = \"audio\", file = \"x.cab\" }\n\
                expect = { product = { name = \"Contoso 3.0\" } }\n\
                [[test]]\nname = \"d\"\npackage = { facts = \"facts.json\", folder = \"audio\", file = \"x.cab\", version = \"4.0\" }\n\
                expect = { product = { name = \"Contoso 4.0\" } }\n";
    let path = home.path().join("t.toml");
    std::fs::write(&path, format!("{RULE}\n{case}")).expect("config");
    let config = load(&path, &Environment::default()).unwrap_or_else(|report| panic!("{report}"));
    for outcome in outcomes(&config, now()) {
        assert!(outcome.passed, "{outcome}");
    }
    std::fs::write(home.path().join("facts.json"), "[]").expect("facts");
    let report = load(&path, &Environment::default()).expect_err("no facts");
    assert!(report.to_string().contains("it is a list of 0 packages"), "{report}");
}
