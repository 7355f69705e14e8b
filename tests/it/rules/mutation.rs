//! `dropship test --mutate`: which changes of the rules no case notices.

use std::fs;

use serde_json::{Value, json};

use crate::harness::rules::RuleFixture;
use crate::harness::text;

/// Two rules with every key that a mutant can change.
pub(super) const RULES: &str = r#"
[[rule]]
name = "narrow"
folders = ["in"]
submission = { name = "{{ file.stem }}" }
[rule.match]
file = "*.cab"
provider = "Contoso*"
version = ">=1.2, <2"
date = ">=2026-01-01"
not = [
    { class = "Printer" },
    { inf = "bad*" },
]
[rule.product]
name = "{{ file.stem }}"
test_harness = "attestation"
device_type = "internal"
requested_signatures = ["WINDOWS_v100_X64_CO_FULL", "WINDOWS_v100_X64_NI_FULL"]
[[rule.label]]
name = "{{ file.stem }} ring"
destination = "windows_update"
audiences = ["Test Registry Key"]
disclosure_restricted = true
floor = "CO"
ceiling = "NI"
approval = { business_justification = "x" }
chids = ["2f3d3eb7-0000-0000-0000-000000000001"]
[rule.label.hardware_ids]
include = ['pci\*', 'usb\*']
exclude = ['*subsys_dead*']
operating_systems = ["*_CO_*"]
[[rule.label]]
name = "{{ file.stem }} next"
destination = "windows_update"
audiences = ["Test Registry Key"]
after = "* ring"
soak = "2d"
hold = 2
go_live = "+1d"
blackout = ["2026-12-24"]

[[rule]]
name = "wide"
folders = ["in"]
match = { file = "*.cab" }
submission = { name = "{{ file.stem }}" }
product = { name = "{{ file.stem }} wide", test_harness = "attestation", device_type = "internal", requested_signatures = ["WINDOWS_v100_X64_CO_FULL"] }
"#;

/// A package of the rule `narrow`.
const PACKAGE: &str = r#"folder = "in", file = "x.cab", provider = "Contoso", inf = "x.inf", class = "Net", version = "1.5", date = "2026-02-01""#;

/// Cases that notice every change of [`RULES`].
fn strong_cases() -> String {
    let ids = r"hardware_ids = ['PCI\A', 'USB\B', 'PCI\C&SUBSYS_DEAD', 'HID\D']";
    let mut cases = format!(
        r#"
[[test]]
name = "a package of the rule"
package = {{ {PACKAGE}, {ids} }}
at = "2026-12-21T09:00:00Z"
[test.expect]
rule = "narrow"
labels = ["x ring", "x next"]
[[test.expect.label]]
name = "* ring"
audiences = "Test Registry Key"
disclosure_restricted = true
floor = "CO"
ceiling = "NI"
chids = [{{ chid = "*" }}]
hardware_ids = [{{ operating_system_code = "*_CO_*", pnp_string = "pci\\a" }}, {{ operating_system_code = "*_CO_*", pnp_string = "usb\\b" }}]
[[test.expect.label]]
name = "* next"
audiences = "Test Registry Key"
[[test.step]]
at = "+0s"
expect = {{ requested = ["* ring"], held = [] }}
[[test.step]]
at = "+0s"
published = "* ring"
[[test.step]]
at = "+47h"
expect = {{ requested = ["* ring"], held = [] }}
[[test.step]]
at = "+2d"
expect = {{ held = ["* next"] }}
[[test.step]]
at = "+2d"
approved = "* next"
expect = {{ held = ["* next"] }}
[[test.step]]
at = "+2d"
approved = "* next"
expect = {{ requested = ["* ring", "* next"], label = {{ name = "* next", go_live = "2026-12-25*" }} }}
"#
    );
    let others = [
        (r#"provider = "Contoso""#, r#"provider = "Fabrikam""#),
        (r#"version = "1.5""#, r#"version = "1.1""#),
        (r#"version = "1.5""#, r#"version = "2.5""#),
        (r#"date = "2026-02-01""#, r#"date = "2025-02-01""#),
        (r#"class = "Net""#, r#"class = "Printer""#),
        (r#"inf = "x.inf""#, r#"inf = "bad.inf""#),
    ];
    for (index, (from, to)) in others.iter().enumerate() {
        cases.push_str(&format!(
            "[[test]]\nname = \"other {index}\"\npackage = {{ {} }}\nexpect = {{ rule = \"wide\" }}\n",
            PACKAGE.replace(from, to)
        ));
    }
    for (index, (from, to)) in
        [("x.cab", "x.zip"), ("folder = \"in\"", "folder = \"other\"")].iter().enumerate()
    {
        cases.push_str(&format!(
            "[[test]]\nname = \"none {index}\"\npackage = {{ {} }}\nexpect = {{ rejected = true }}\n",
            PACKAGE.replace(from, to)
        ));
    }
    cases
}

/// A case that selects the rule and expects nothing else.
pub(super) fn weak_case() -> String {
    format!("[[test]]\nname = \"weak\"\npackage = {{ {PACKAGE} }}\nexpect = {{ rule = \"narrow\" }}\n")
}

pub(super) fn line_of(rules_env: &RuleFixture, text: &str) -> u64 {
    let file = fs::read_to_string(rules_env.path("dropship.toml")).expect("a configuration");
    let index = file.lines().position(|line| line.starts_with(text)).unwrap_or_else(|| panic!("no {text}"));
    u64::try_from(index).expect("a number") + 1
}

#[test]
fn mutation_with_weak_case_lists_every_change_worst_first_with_its_place() {
    let rules_env = RuleFixture::new(&format!("{RULES}{}", weak_case()));
    let (code, json) = rules_env.json(&["test", "--mutate"]);
    let mutation = &json["mutation"];
    let survivors = mutation["survivors"].as_array().expect("survivors");
    let of = |effect: &str| -> Vec<&str> {
        let all = survivors.iter().filter(|survivor| survivor["effect"] == effect);
        all.map(|survivor| survivor["change"].as_str().expect("a text")).collect()
    };
    assert_eq!((code, &json["ok"], &json["failed"]), (Some(1), &false.into(), &0.into()), "{json:#}");
    assert_eq!(
        of("more-machines"),
        [
            "without `exclude` \"*subsys_dead*\"",
            "`include` \"*\" instead of \"pci\\*\"",
            "`include` \"*\" instead of \"usb\\*\"",
            "without `operating_systems`",
            "without `audiences`: everybody",
            "without `floor`",
            "without `ceiling`",
            "without `chids`: all computers",
            "without `disclosure_restricted`",
            "without `audiences`: everybody",
        ]
    );
    assert_eq!(
        of("more-packages"),
        [
            "without `folders`: the rule is for all folders",
            "without `match.file = \"*.cab\"`",
            "without `match.provider = \"Contoso*\"`",
            "without `match.version = \">=1.2, <2\"`",
            "`match.version` without the bound `>=1.2`",
            "`match.version` without the bound `<2`",
            "without `match.date = \">=2026-01-01\"`",
            "without `not` (class \"Printer\")",
            "without `not` (inf \"bad*\")",
            "without `folders`: the rule is for all folders",
            "without `match.file = \"*.cab\"`",
        ]
    );
    assert_eq!(
        of("sooner"),
        [
            "without `hold`",
            "`hold` with one operator",
            "without `after`",
            "without `soak`",
            "without `go_live`",
            "without `blackout` \"2026-12-24\""
        ]
    );
    let effects: Vec<_> = survivors.iter().map(|survivor| survivor["effect"].as_str()).collect();
    let mut worst_first = effects.clone();
    worst_first.dedup();
    assert_eq!(worst_first, ["more-machines", "more-packages", "sooner", "other"].map(Some), "{effects:?}");
    assert!(survivors.iter().all(|survivor| survivor["widens"] == json!(survivor["effect"] != "other")));
    for (change, start) in [
        ("without `exclude`", "exclude ="),
        ("without `not` (inf", "    { inf = \"bad*\" }"),
        ("without `match.version", "version = \">="),
        ("without `soak`", "soak ="),
    ] {
        let found =
            survivors.iter().find(|one| one["change"].as_str().is_some_and(|text| text.starts_with(change)));
        let found = found.unwrap_or_else(|| panic!("no {change}"));
        assert_eq!(found["line"], line_of(&rules_env, start), "{found:#}");
        assert!(found["file"].as_str().is_some_and(|file| file.ends_with("dropship.toml")), "{found:#}");
        assert_eq!(found["rule"], "narrow");
    }
    let printed = text(&rules_env.run(&["test", "--mutate"]).stdout);
    let place = format!(
        "dropship.toml:{}: rule `narrow`, label `{{{{ file.stem }}}} ring`: without `floor`",
        line_of(&rules_env, "floor")
    );
    assert!(printed.contains(&place) && printed.contains("a label would reach more machines:"), "{printed}");
}

#[test]
fn mutation_and_coverage_with_strong_cases_find_nothing() {
    let rules_env = RuleFixture::new(&format!("{RULES}{}", strong_cases()));
    let (code, json) = rules_env.json(&["test", "--coverage", "--min", "100", "--mutate"]);
    assert_eq!((code, &json["ok"]), (Some(0), &true.into()), "{json:#}");
    let (coverage, mutation) = (&json["coverage"], &json["mutation"]);
    assert_eq!(coverage["percent"], 100.0);
    assert_eq!(mutation["survivors"], json!([]));
    assert_eq!(mutation["noticed"], mutation["mutants"]);
    // The swap of both rules is among them.
    assert!(mutation["mutants"].as_u64() >= Some(30), "{mutation:#}");
    let printed = text(&rules_env.run(&["test", "--coverage", "--mutate"]).stdout);
    assert!(printed.contains(" 100 %") && printed.contains("all noticed"), "{printed}");
}

#[test]
fn mutation_with_failing_case_tries_nothing() {
    let failing = weak_case().replace("rule = \"narrow\"", "rule = \"wide\"");
    let rules_env = RuleFixture::new(&format!("{RULES}{failing}"));
    let (code, json) = rules_env.json(&["test", "--mutate"]);
    assert_eq!((code, &json["mutation"], &json["failed"]), (Some(1), &Value::Null, &1.into()));
    let printed = text(&rules_env.run(&["test", "--mutate"]).stdout);
    assert!(printed.contains("no changes were tried, because a case fails"), "{printed}");
}

/// Two rules without labels, with these folders and conditions.
fn two_rules(first: (&str, &str), second: (&str, &str)) -> String {
    let rule = |name: &str, (folder, conditions): (&str, &str)| {
        format!(
            "[[rule]]\nname = \"{name}\"\nfolders = [\"{folder}\"]\nmatch = {{ {conditions} }}\nsubmission = {{ name = \"x\" }}\n\
             product = {{ name = \"{name} {{{{ file.stem }}}}\", test_harness = \"attestation\", device_type = \"internal\", \
             requested_signatures = [\"WINDOWS_v100_X64_CO_FULL\"] }}\n"
        )
    };
    format!("{}{}", rule("first", first), rule("second", second))
}

#[test]
fn mutation_swaps_only_rules_that_can_match_the_same_package() {
    let contoso = ("in", "file = \"*.cab\", provider = \"Contoso*\"");
    for (second, swaps) in [
        (("in", "file = \"a*\", class = \"Net\""), 1),
        (("in", "provider = \"*soft\""), 1),
        (("other", "file = \"a*\", class = \"Net\""), 0),
        (("in", "file = \"*.zip\", class = \"Net\""), 0),
        (("in", "provider = \"Fabrikam*\""), 0),
    ] {
        let rules_env = RuleFixture::new(&two_rules(contoso, second));
        let (_, json) = rules_env.json(&["test", "--mutate"]);
        let survivors = json["mutation"]["survivors"].as_array().unwrap_or_else(|| panic!("{json:#}"));
        let is_swap = |one: &&Value| one["change"] == "after `second`, the next rule";
        assert_eq!(survivors.iter().filter(is_swap).count(), swaps, "{second:?}: {json:#}");
    }
    // A package of both rules notices it.
    let case = "[[test]]\nname = \"both\"\npackage = { folder = \"in\", file = \"a.cab\", provider = \"Contoso\", class = \"Net\" }\n\
                expect = { rule = \"first\" }\n";
    let rules_env =
        RuleFixture::new(&format!("{}{case}", two_rules(contoso, ("in", "file = \"a*\", class = \"Net\""))));
    let printed = text(&rules_env.run(&["test", "--mutate"]).stdout);
    assert!(!printed.contains("the next rule"), "{printed}");
}

#[test]
fn mutation_of_a_label_for_partners_changes_no_key_of_windows_update() {
    let rules = "[defaults.label]\naudiences = [\"Ring\"]\ndisclosure_restricted = true\ngo_live = \"+1d\"\n\
                 hardware_ids = { exclude = ['*dead*'] }\n\
                 [[rule]]\nname = \"share\"\nsubmission = { name = \"x\" }\n\
                 product = { name = \"{{ file.stem }}\", test_harness = \"hlk\", device_type = \"internal\", requested_signatures = \"from_package\" }\n\
                 [[rule.label]]\nname = \"{{ partner }}\"\ndestination = \"another_partner\"\npartners = [\"27691110\"]\n\
                 [[test]]\nname = \"share\"\npackage = { folder = \"in\", file = \"x.hlkx\", operating_systems = \"WINDOWS_v100_X64_CO_FULL\" }\n\
                 expect = { rule = \"share\" }\n";
    let rules_env = RuleFixture::new(rules);
    let (_, json) = rules_env.json(&["test", "--mutate"]);
    let survivors = json["mutation"]["survivors"].as_array().unwrap_or_else(|| panic!("{json:#}"));
    let changes: Vec<_> =
        survivors.iter().map(|survivor| survivor["change"].as_str().expect("a text")).collect();
    assert_eq!(changes, ["without `exclude` \"*dead*\"", "removed"]);
    // The key is written in the defaults.
    assert_eq!(survivors[0]["line"], line_of(&rules_env, "hardware_ids"));
}
