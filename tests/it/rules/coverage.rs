//! `dropship test --coverage`: which parts of the rules no case exercises.

use super::mutation::{RULES, line_of, weak_case};
use crate::harness::rules::RuleFixture;
use crate::harness::text;

#[test]
fn coverage_names_what_no_case_shows_and_compares_with_the_minimum() {
    let rules_env = RuleFixture::new(&format!("{RULES}{}", weak_case()));
    let (code, json) = rules_env.json(&["test", "--coverage"]);
    assert_eq!((code, &json["ok"]), (Some(0), &true.into()), "{json:#}");
    let coverage = &json["coverage"];
    let parts = coverage["parts"].as_array().expect("parts");
    let shown: Vec<_> = parts
        .iter()
        .map(|part| {
            let missing = part["missing"].as_str().unwrap_or("-");
            format!(
                "{} {}: {missing}",
                part["rule"].as_str().expect("a rule"),
                part["part"].as_str().expect("a part")
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            "narrow rule: -",
            "narrow match.file: no case has a package that does not fit it",
            "narrow match.provider: no case has a package that does not fit it",
            "narrow match.version: no case has a package that does not fit it",
            "narrow match.date: no case has a package that does not fit it",
            "narrow match.not[0]: no case has a package that it excludes",
            "narrow match.not[1]: no case has a package that it excludes",
            "narrow label `{{ file.stem }} ring`: no case expects anything of it",
            "narrow label `{{ file.stem }} ring`: include \"pci\\*\": it matches no target of any case",
            "narrow label `{{ file.stem }} ring`: include \"usb\\*\": it matches no target of any case",
            "narrow label `{{ file.stem }} ring`: exclude \"*subsys_dead*\": it matches no target of any case",
            "narrow label `{{ file.stem }} ring`: operating_systems \"*_CO_*\": it matches no target of any case",
            "narrow label `{{ file.stem }} next`: no case expects anything of it",
            "narrow label `{{ file.stem }} next`: after: no step expects the label to wait",
            "wide rule: no case selects the rule",
            "wide match.file: no case has a package that fits it",
        ]
    );
    assert_eq!(
        (&coverage["covered"], &coverage["total"], &coverage["percent"]),
        (&1.into(), &16.into(), &6.2.into())
    );
    let after = parts.iter().find(|part| part["part"].as_str().is_some_and(|part| part.ends_with("after")));
    assert_eq!(after.expect("after")["line"], line_of(&rules_env, "after ="));
    for (min, code) in [("6", 0), ("7", 1), ("0", 0), ("100", 1)] {
        assert_eq!(rules_env.run(&["test", "--coverage", "--min", min]).status.code(), Some(code), "{min}");
    }
    let printed = text(&rules_env.run(&["test", "--coverage", "--min", "90"]).stdout);
    assert!(
        printed.contains("coverage: 1 of 16 parts of the rules, 6.2 %, below the minimum of 90 %"),
        "{printed}"
    );
    assert!(printed.contains(": match.file: no case has a package that does not fit it"), "{printed}");
    for args in [
        &["test", "--min", "90"][..],
        &["test", "--coverage", "--min", "101"],
        &["test", "--coverage", "--min", "x"],
    ] {
        assert_eq!(rules_env.run(args).status.code(), Some(64), "{args:?}");
    }
}
