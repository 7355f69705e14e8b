//! Text values, and the errors when they have none.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::input::MatchInput;
use dropship_package::facts::InfFacts;
use dropship_package::{Facts, Kind};

fn inf(name: &str, version: Option<&str>) -> InfFacts {
    InfFacts {
        name: name.to_owned(),
        stem: name.trim_end_matches(".inf").to_owned(),
        provider: Some("Contoso".to_owned()),
        version: version.map(str::to_owned),
        ..InfFacts::default()
    }
}

fn render(template: &str, infs: Vec<InfFacts>) -> Result<String, String> {
    let facts = Facts {
        kind: Kind::Cab,
        size: 7,
        files: Vec::new(),
        infs,
        architectures: BTreeSet::from(["amd64".to_owned(), "arm64".to_owned()]),
        signer: None,
        hlkx: None,
        content_sha256: None,
    };
    let input = MatchInput::new("Audio.Driver.cab", "abcdef0123", &facts).in_folder(Some("audio"));
    let vars = BTreeMap::from([("ring".to_owned(), "test".to_owned())]);
    let scope = TemplateScope::new("my-rule", &input, &vars);
    let template = Template::new(template).map_err(|error| format!("syntax: {error}"))?;
    template.render(&scope).map_err(|error| error.message)
}

#[test]
fn every_kind_of_variable_is_shown() {
    let one = || vec![inf("x.inf", Some("1.2.3.4"))];
    for (template, text) in [
        ("plain {text}", "plain {text}"),
        ("{{ inf.provider }} {{ inf.stem }} {{ inf.version }}", "Contoso x 1.2.3.4"),
        ("{{ file.name }}|{{ file.stem }}|{{ file.ext }}", "Audio.Driver.cab|Audio.Driver|cab"),
        ("{{ folder }} {{ rule.name }} {{ vars.ring }}", "audio my-rule test"),
        ("{{ package.sha256[:8] }} {{ package.size }} {{ package.kind }}", "abcdef01 7 cab"),
        ("{{ package.architectures | join('+') }}", "amd64+arm64"),
        ("{{ infs | map(attribute='name') | join(', ') }}", "x.inf"),
        ("{{ inf.class | default('none') }}", "none"),
        ("{% if inf.extension_id is defined %}ext{% else %}base{% endif %}", "base"),
        ("  {{ inf.stem | upper }}  ", "X"),
    ] {
        assert_eq!(render(template, one()).as_deref(), Ok(text), "{template}");
    }
}

#[test]
fn undefined_variables_are_errors_that_say_why() {
    assert_eq!(
        render(
            "{{ inf.version }}",
            vec![inf("a.inf", Some("1.0")), inf("b.inf", Some("2.0")), inf("c.inf", None)]
        ),
        Err("`{{ inf.version }}` cannot be rendered: `inf.version` is undefined: the INFs differ in it \
             (a.inf has 1.0, b.inf has 2.0, c.inf has none)"
            .to_owned())
    );
    assert_eq!(
        render("{{ inf.provider }}", vec![inf("a.inf", Some("1.0")), inf("b.inf", Some("2.0"))]).as_deref(),
        Ok("Contoso")
    );
    for (template, reason) in [
        ("{{ inf.class }}", "`inf.class` is undefined: no INF of the package states it"),
        ("{{ signer.name }}", "`signer.name` is undefined: the package states no such thing of its signer"),
        ("{{ hlkx.kit_version }}", "`hlkx.kit_version` is undefined: only an .hlkx states it, and not each"),
        ("{{ partner }}", "`partner` is undefined: only labels for partners have one"),
        ("{{ vars.other }}", "`vars.other` is undefined: it has no default and no sidecar sets it"),
    ] {
        let error = render(template, vec![inf("a.inf", Some("1"))]).expect_err(template);
        assert!(error.ends_with(reason), "{error}");
    }
    assert!(render("{{ inf.stem }}", Vec::new()).expect_err("none").ends_with("the package holds no INF"));
}

#[test]
fn runaway_templates_are_stopped() {
    let endless = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
    assert!(render(endless, Vec::new()).is_err());
    assert!(
        render("{% for a in range(9000) %}xxxxxx{% endfor %}", Vec::new())
            .expect_err("long")
            .contains("bytes")
    );
    assert!(
        render("{{ inf.", Vec::new()).expect_err("syntax").starts_with("syntax: `{{ inf.` is not a template")
    );
}

#[test]
fn misspelt_variables_get_a_suggestion() {
    assert_eq!(
        unknown_variable("inf.verison", &[]),
        Some(("`inf` has no `verison`".to_owned(), Some("did you mean `version`?".to_owned())))
    );
    assert_eq!(
        unknown_variable("flie.name", &[]),
        Some(("there is no variable `flie`".to_owned(), Some("did you mean `file`?".to_owned())))
    );
    assert_eq!(
        unknown_variable("vars.rign", &["ring"]),
        Some(("the rule declares no `vars.rign`".to_owned(), Some("did you mean `ring`?".to_owned())))
    );
    for known in
        ["inf.version.split", "infs", "inf", "folder", "range", "signer", "vars.ring", "package.sha256"]
    {
        assert_eq!(unknown_variable(known, &["ring"]), None, "{known}");
    }
}
