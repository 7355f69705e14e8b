//! The errors that `check` finds in a configuration.

use crate::harness::rules::{LABEL, RULE, RuleFixture};
use crate::harness::text;

/// A rule like the usual one, with another name and for other packages.
fn rule(name: &str, matching: &str) -> String {
    RULE.replace("\"ring\"", &format!("\"{name}\"")).replace("{ file = \"*.cab\" }", matching)
}

#[test]
fn check_reports_every_rule_mistake_with_its_place() {
    let label = |from: &str, to: &str| {
        assert!(LABEL.contains(from), "{from}");
        format!("{RULE}{}", LABEL.replace(from, to))
    };
    let ring = "audiences = [\"Test Registry Key\"]";
    let hlkx = |name: &str| {
        rule("h", "{ kind = \"hlkx\" }")
            .replace("attestation", "hlk")
            .replace("{{ inf.provider }} {{ file.stem }} {{ inf.version }}", name)
    };
    let cases: Vec<(String, &[&str])> = vec![
        (
            format!("{RULE}{}", rule("twin", "{ file = \"*.cab\" }")),
            &["`ring` and `twin` match the same packages"],
        ),
        (
            format!("{RULE}{}", rule("late", "{ file = \"echo*.cab\" }")),
            &["`late` can never match", "takes every package before it"],
        ),
        (rule("x", "{ kind = \"hlkx\" }"), &["`x` can never match", "attestation takes a .cab"]),
        (rule("x", "{ kind = \"cab\", file = \"*.hlkx\" }"), &["exclude each other"]),
        (
            hlkx("{{ file.stem }}").replace("kind = \"hlkx\"", "kind = \"hlkx\", provider = \"C*\""),
            &["`match.provider` is never known of an .hlkx"],
        ),
        (hlkx("{{ inf.version }}"), &["`inf.version` is never known of an .hlkx"]),
        (RULE.replace("inf.version", "inf.versoin"), &["inf.versoin", "did you mean `version`?"]),
        (RULE.replace("{{ inf.version }}", "{{ inf.version | nope }}"), &["nope"]),
        (RULE.replace("test_harness", "test_harnes"), &["test_harnes", "did you mean `test_harness`?"]),
        (RULE.replace("X64_NI_FULL", "X64_NL_FULL"), &["WINDOWS_v100_X64_NL_FULL", "did you mean"]),
        (format!("{RULE}{LABEL}{LABEL}"), &["two labels of this rule are named"]),
        (
            RULE.replace(" {{ file.stem }} {{ inf.version }}", ""),
            &["warning", "this can render the same name for two packages"],
        ),
        (label(ring, ""), &["attestation", "Test Registry Key"]),
        (label(ring, &format!("{ring}\nauto_install_during_os_upgrade = true")), &["approval"]),
        (label(ring, &format!("{ring}\nfloor = \"NI\"\nfloor_build = 22621")), &["floor"]),
        (
            label(ring, &format!("{ring}\nhardware_ids = {{ include = [] }}")),
            &["`include` is an empty list: nothing fits it"],
        ),
        (label(ring, &format!("{ring}\nchids = [\"not-a-guid\"]")), &["a CHID is a GUID"]),
        (
            label(
                ring,
                &format!(
                    "{ring}\nchids = [\"2f3d3eb7-0ed5-4f28-8e06-5b3e5e7d1a11\"]\nhardware_ids = {{ operating_systems = [\"WINDOWS_v63_X64\"] }}"
                ),
            ),
            &["CHIDs are allowed only for Windows 10 and later, but the label targets WINDOWS_v63_X64"],
        ),
        (
            label(
                ring,
                &format!(
                    "{ring}\nhardware_ids = {{ operating_systems = [\"WINDOWS_v63_X64\", \"WINDOWS_v100_X64_NI_FULL\"] }}"
                ),
            ),
            &["warning", "the label mixes WINDOWS_v63_X64 with WINDOWS_v100_X64_NI_FULL", "Other policies"],
        ),
        (label(ring, &format!("{ring}\nafter = \"* nowhere\"")), &["has no label `* nowhere`"]),
        (
            label(ring, &format!("{ring}\nsoak = \"3d\"")),
            &["`soak` counts from the label that `after` names"],
        ),
        (label("windows_update", "another_partner"), &["names none", "add `partners"]),
        (label(ring, &format!("{ring}\npartners = [1]")), &["`partners` is for labels for partners"]),
        (
            format!("{RULE}[rule.vars.ring]\nallowed = [\"a\"]\ndefault = \"b\"\n"),
            &["`b` is not among the `allowed` values"],
        ),
        (
            RULE.replace("file = \"*.cab\"", "file = \"*.cab\", date = \"01/31/2026\""),
            &["`01/31/2026` is not a date; write it as yyyy-mm-dd"],
        ),
        (
            RULE.replace("file = \"*.cab\"", "file = \"*.cab\", not = { version = [] }"),
            &["`version` is an empty list: nothing fits it"],
        ),
        (
            hlkx("{{ file.stem }}")
                .replace("kind = \"hlkx\"", "kind = \"hlkx\", not = { provider = \"C*\" }"),
            &["`not.provider` never excludes anything", "unknown for a .hlkx"],
        ),
        (
            hlkx("{{ file.stem }}").replace("kind = \"hlkx\"", "not = { hardware_id = 'pci\\*' }"),
            &["`not.hardware_id` never excludes anything"],
        ),
        (
            RULE.replace(
                "file = \"*.cab\"",
                "not = [{ file = \"x*\" }, { operating_system = \"WINDOWS_7*\" }]",
            ),
            &["`not.operating_system` never excludes anything", "unknown for a .cab"],
        ),
        (
            format!(
                "defaults = {{ label = {{ audiences = [\"Ring\"] }} }}\n{RULE}{}",
                LABEL.replace(ring, "audiences = []")
            ),
            &["`audiences = []` would remove the restriction of [defaults.label]"],
        ),
        (
            format!(
                "defaults = {{ label = {{ hardware_ids = {{ exclude = [\"pci*\"] }} }} }}\n{RULE}{LABEL}hardware_ids = {{ exclude = [] }}\n"
            ),
            &["`exclude = []` would remove the restriction of [defaults.label]"],
        ),
        (
            format!(
                "{RULE}{}",
                LABEL.replace("windows_update", "another_partner").replace(ring, "partners = [1, \"1\"]")
            ),
            &["the partner 1 is named twice"],
        ),
        (
            RULE.replace("WINDOWS_v100_X64_NI_FULL", "WINDOWS_2003"),
            &["attestation for the server system `WINDOWS_2003` always fails"],
        ),
        (
            RULE.replace("{{ file.stem }} {{ inf.version }}", "{{ inf.version }} \u{202e}bac"),
            &["the invisible character U+202E, which changes the direction of text"],
        ),
        (RULE.replace("{{ inf.version }}", "{{ vars.branch }}"), &["the rule declares no `vars.branch`"]),
        (format!("{RULE}include = [\"more.toml\"]\n"), &["include"]),
    ];
    let mut missing = Vec::new();
    for (rules, expected) in cases {
        let messages = RuleFixture::new(&rules).check();
        let lacks = |part: &&&str| !messages.contains(**part);
        if let Some(part) = expected.iter().chain(&["dropship.toml:", "^"]).find(lacks) {
            missing.push(format!("{part:?} in {messages}"));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n\n"));
    assert_eq!(
        RuleFixture::new(&format!("{RULE}{LABEL}")).check(),
        "",
        "a valid configuration has no messages"
    );
}

#[test]
fn optional_rule_keys_have_an_effect() {
    let rules_env = RuleFixture::new(&format!(
        "{}{LABEL}supersede = true\n[rule.vars.branch]\nallowed = [\"main\", \"rel-*\"]\ndefault = \"main\"\n",
        RULE.replace("{{ inf.version }}", "{{ inf.version }} {{ vars.branch }}")
    ));
    assert_eq!(rules_env.check(), "");
}

#[test]
fn plan_shows_the_decision_and_why_other_rules_were_skipped() {
    let rules = format!(
        "{}{RULE}{LABEL}supersede = true\nhardware_ids = {{ include = ['pci\\*'], operating_systems = \"*_CO_*\" }}\n{}",
        rule("fabrikam", "{ provider = \"Fabrikam*\", file = \"*.cab\" }"),
        rule("all", "{ provider = \"Example*\" }"),
    );
    let rules_env = RuleFixture::new(&rules);
    let (code, plan) = rules_env.plan("cab/good-signed-ts.cab", "echo.cab");
    assert_eq!((code, &plan["rule"], &plan["folder"]), (Some(0), &"ring".into(), &"in".into()), "{plan:#}");
    let passed = &plan["passed_over"];
    assert!(passed[0]["reasons"][0].as_str().is_some_and(|why| why.contains("Fabrikam")), "{passed:#}");
    assert_eq!(passed[1]["reasons"][0], "it matches too, but `ring` comes before it");
    let label = &plan["labels"][0];
    assert_eq!((&label["name"], &label["supersede"]), (&"echo 1.2.3.4 ring".into(), &true.into()));
    let rows = label["foreseen"]["request"]["targeting"]["hardwareIds"].as_array().expect("rows");
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["operatingSystemCode"], "WINDOWS_v100_X64_CO_FULL");

    let shown = rules_env.run(&["plan", rules_env.path("drop/echo.cab").to_str().expect("a path")]);
    let messages = text(&shown.stdout);
    for part in [
        "removed from labels that dropship created",
        "echo.inf WINDOWS_v100_X64_CO_FULL pci\\ven_1234",
        "as soon as it is certified",
        "it matches too",
    ] {
        assert!(messages.contains(part), "{part} in {messages}");
    }

    // An empty selection is an error, never "all".
    let rules_env = RuleFixture::new(&rules.replace("'pci\\*'", "'usb\\*'"));
    let (code, plan) = rules_env.plan("cab/good-signed-ts.cab", "echo.cab");
    assert_eq!(
        (code, &plan["error"]),
        (Some(65), &serde_json::Value::Null),
        "accepted by the checks, but no success"
    );
    let problems = plan["labels"][0]["foreseen"]["problems"].to_string();
    assert!(problems.contains("it would target nothing"), "{plan:#}");
    // Without a matching rule the package is rejected, and the closest rules are listed.
    let rules_env = RuleFixture::new(&rule("fabrikam", "{ provider = \"Fabrikam*\" }"));
    let (code, plan) = rules_env.plan("cab/good-signed-ts.cab", "echo.cab");
    assert_eq!(code, Some(65));
    assert!(plan["error"]["message"].as_str().is_some_and(|why| why.contains("rule `fabrikam`")), "{plan:#}");
}
