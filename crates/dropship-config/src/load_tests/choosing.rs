//! Choosing rules, and the reasons for skipped ones.

use std::collections::BTreeSet;
use std::path::Path;

use dropship_rules::{MatchInput, Rule, choose};

use crate::{Environment, load_str};
use dropship_package::facts::{InfFacts, SignerFacts};
use dropship_package::{Facts, Kind};

/// A rule with what does not matter here.
fn rule(name: &str, head: &str) -> String {
    format!(
        "[[rule]]\nname = \"{name}\"\n{head}\n[rule.product]\nname = \"{{{{ inf.version }}}}\"\n\
         test_harness = \"notset\"\ndevice_type = \"internal\"\nrequested_signatures = [\"WINDOWS_v100_X64_CO_FULL\"]\n"
    )
}

fn rules(parts: &[String]) -> Vec<Rule> {
    let text = format!(
        "[[folder]]\nname = \"audio\"\npath = \"/a\"\n[[folder]]\nname = \"net\"\npath = \"/n\"\n{}",
        parts.concat()
    );
    let config = load_str(Path::new("t.toml"), &text, &Environment::default());
    config.unwrap_or_else(|report| panic!("{report}")).rules
}

fn reported(parts: &[String]) -> Vec<String> {
    let report = load_str(Path::new("t.toml"), &parts.concat(), &Environment::default()).expect_err("wrong");
    report.problems.iter().map(|problem| problem.message.clone()).collect()
}

fn inf(name: &str, provider: &str, class: &str, version: &str) -> InfFacts {
    InfFacts {
        name: name.to_owned(),
        provider: Some(provider.to_owned()),
        class: Some(class.to_owned()),
        version: Some(version.to_owned()),
        hardware_ids: vec!["PCI\\VEN_8086&DEV_1234".to_owned(), "USB\\VID_1&PID_2".to_owned()],
        ..InfFacts::default()
    }
}

fn facts(infs: Vec<InfFacts>) -> Facts {
    Facts {
        kind: Kind::Cab,
        size: 1,
        files: Vec::new(),
        infs,
        architectures: BTreeSet::from(["amd64".to_owned()]),
        signer: None,
        hlkx: None,
        content_sha256: None,
    }
}

#[test]
fn first_matching_rule_wins() {
    let rules = rules(&[
        rule("net", "folders = [\"net\"]\nmatch = { file = \"*.cab\" }"),
        rule(
            "audio",
            "folders = [\"audio\"]\nmatch = { provider = [\"Contoso*\", \"Fabrikam\"], class = \"media\" }",
        ),
        rule("rest", ""),
    ]);
    let facts = facts(vec![inf("x.inf", "CONTOSO Ltd", "MEDIA", "1.0.0.1")]);
    let input = |folder| MatchInput::new("x.cab", "", &facts).in_folder(folder);
    let name = |folder| choose(&rules, &input(folder)).rule.map(|rule| rule.name.clone());
    assert_eq!(name(Some("audio")).as_deref(), Some("audio"));
    assert_eq!(name(Some("net")).as_deref(), Some("net"));
    assert_eq!(name(None).as_deref(), Some("rest"));
    let choice = choose(&rules, &input(None));
    assert_eq!(choice.skipped[0].reasons, ["the package is in no folder, and the rule is for `net`"]);
}

#[test]
fn rejection_names_the_closest_rules_and_their_unmet_conditions() {
    let rules = rules(&[
        rule("far", "match = { provider = \"Nobody\", class = \"Net\", file = \"y*\" }"),
        rule("near", "folders = [\"audio\"]\nmatch = { provider = \"Fabrikam\", class = \"MEDIA\" }"),
    ]);
    let facts = facts(vec![inf("x.inf", "Contoso", "MEDIA", "1")]);
    let choice = choose(&rules, &MatchInput::new("x.cab", "", &facts).in_folder(Some("audio")));
    assert!(choice.rule.is_none());
    assert_eq!(
        choice.rejection(),
        "No rule is for this package; closest are: rule `near`: provider \"Contoso\" does not fit \"Fabrikam\" | \
         rule `far`: file \"x.cab\" does not fit \"y*\"; provider \"Contoso\" does not fit \"Nobody\"; \
         class \"MEDIA\" does not fit \"Net\""
    );
    assert_eq!(choice.closest(1)[0].rule, "near");
}

#[test]
fn inf_attributes_match_every_inf_and_lists_match_any() {
    let both = facts(vec![
        inf("a.inf", "Contoso", "MEDIA", "1.2.0.0"),
        inf("b.inf", "Fabrikam", "Extension", "1.3.0.0"),
    ]);
    let fits = |head: &str, facts: &Facts| {
        rules(&[rule("r", head)])[0].matches(&MatchInput::new("x.cab", "", facts))
    };
    let reason = |head: &str, facts: &Facts| {
        rules(&[rule("r", head)])[0].explain(&MatchInput::new("x.cab", "", facts)).reasons.join("; ")
    };
    assert!(!fits("match = { provider = \"Contoso\" }", &both));
    assert_eq!(
        reason("match = { provider = \"Contoso\" }", &both),
        "provider \"Fabrikam\" (b.inf) does not fit \"Contoso\""
    );
    assert!(fits("match = { provider = [\"Contoso\", \"Fabrikam\"] }", &both));
    assert!(fits("match = { inf = \"B.inf\" }", &both));
    assert!(fits("match = { hardware_id = \"pci\\\\ven_8086*\" }", &both));
    assert!(!fits("match = { hardware_id = \"pci\\\\ven_10de*\" }", &both));
    assert!(fits("match = { version = \">=1.2, <2\" }", &both));
    assert!(!fits("match = { version = \">=1.3\" }", &both));
    assert!(fits("match = { architecture = \"amd64\", kind = \"cab\" }", &both));
    assert!(fits("match = { extension = false }", &both));
    let none = facts(Vec::new());
    assert!(!fits("match = { provider = \"*\" }", &none), "without an INF there is no provider");
    assert_eq!(
        reason("match = { signer = \"Contoso*\" }", &both),
        "the package has no signer, and the rule requires \"Contoso*\""
    );
}

#[test]
fn signer_name_and_thumbprint_decide() {
    let mut package = facts(vec![inf("a.inf", "Contoso", "MEDIA", "1")]);
    package.signer = Some(SignerFacts {
        subject: "CN=Contoso Build, O=Contoso".to_owned(),
        name: "Contoso Build".to_owned(),
        issuer: "CN=Contoso CA".to_owned(),
        thumbprint_sha1: "ab".repeat(20),
        thumbprint_sha256: "cd".repeat(32),
        not_before: String::new(),
        not_after: String::new(),
        extended_validation: true,
        timestamp: None,
        timestamp_authority: None,
        certificates: dropship_package::facts::PackageCertificates::default(),
    });
    let fits = |head: &str| rules(&[rule("r", head)])[0].matches(&MatchInput::new("x.cab", "", &package));
    assert!(fits("match = { signer = \"contoso build\" }"));
    assert!(fits("match = { thumbprint = \"ABAB*\" }"));
    assert!(!fits("match = { signer = \"Fabrikam*\" }"));
}

#[test]
fn not_excludes_when_all_of_a_table_holds() {
    let package = facts(vec![inf("a.inf", "Contoso", "MEDIA", "1")]);
    let rule = |not: &str| rules(&[rule("r", &format!("match = {{ file = \"*\", not = {not} }}"))]);
    let fits = |not: &str| rule(not)[0].matches(&MatchInput::new("x.cab", "", &package));
    assert!(!fits("{ provider = \"Contoso\" }"));
    assert!(fits("{ provider = \"Contoso\", class = \"Net\" }"));
    assert!(!fits("[{ class = \"Net\" }, { provider = \"Contoso\" }]"));
    let passed = rule("{ provider = \"Contoso\" }")[0].explain(&MatchInput::new("x.cab", "", &package));
    assert_eq!(passed.reasons, ["`not` excludes it: provider \"Contoso\""]);
}

#[test]
fn dead_rules_are_found() {
    assert_eq!(
        reported(&[
            rule("wide", "match = { file = \"*.cab\" }"),
            rule("narrow", "match = { file = \"audio*.cab\", class = \"MEDIA\" }")
        ]),
        ["rule `narrow` can never match: `wide` takes every package before it"]
    );
    assert_eq!(
        reported(&[rule("a", "match = { provider = \"X*\" }"), rule("b", "match = { provider = \"x*\" }")]),
        ["rules `a` and `b` match the same packages"]
    );
    assert_eq!(
        reported(&[rule("a", "match = { kind = \"hlkx\", file = \"*.cab\" }")]),
        ["rule `a` can never match: its `kind` and `file` exclude each other"]
    );
    assert_eq!(
        reported(&[rule("a", "match = { class = \"Net\", not = { class = \"N*\" } }")]),
        ["rule `a` can never match: its `not` (class \"N*\") excludes everything that it is for"]
    );
    assert_eq!(reported(&[rule("a", "match = { kind = \"msi\", architecture = \"x64\" }")]).len(), 3);
}
