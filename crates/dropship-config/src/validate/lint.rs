//! Finds rules that can never match, are shadowed by an earlier one, or contradict themselves.

use super::diagnostics::{Diagnostics, Problems};
use super::rules::LocatedRule;
use super::shadow::{ShadowIndex, clauses_implied, takes_all_of};
use crate::sources::SourceUnit;
use dropship_hardware::TestHarness;
use dropship_package::Kind;
use dropship_rules::matching::{Condition, Fact};
use dropship_rules::rule::{Destination, LabelRule, Rule, Strategy};
use dropship_rules::template::Template;

pub(super) fn lint(problems: &mut Problems, units: &[SourceUnit], rules: &[LocatedRule]) {
    let mut index = ShadowIndex::default();
    for (at, located) in rules.iter().enumerate() {
        let Some(rule) = &located.rule else { continue };
        let mut diagnostics = problems.diagnostics(&units[located.unit]);
        check_rule(&mut diagnostics, rule, located);
        let earlier = index.find(rule, |earlier| rules.get(earlier)?.rule.as_ref());
        match earlier.and_then(|earlier| rules.get(earlier)) {
            // The rules that it would shadow are shadowed by the earlier one. Thousands of equal rules are compared with one.
            Some(earlier) => report_shadowed(&mut diagnostics, rule, located, earlier, units),
            None => index.insert(at, rule),
        }
        check_names(&mut diagnostics, rule, located);
    }
}

/// Reports a rule that no package can match, or that needs facts that its packages never have.
fn check_rule(diagnostics: &mut Diagnostics<'_>, rule: &Rule, located: &LocatedRule) {
    if let Some(reason) = contradiction(rule) {
        diagnostics.error(&located.at, format!("rule `{}` can never match: {reason}", rule.name));
    }
    if let Some((key, at)) = unavailable_inf_fact(rule, located) {
        let message = format!(
            "`{key}` is never known of an .hlkx, and rule `{}` matches only .hlkx packages",
            rule.name
        );
        let help = "dropship cannot read the INFs of an .hlkx; use `file`, `signer` or `operating_system`, and \
                    `{{ file.stem }}` in names";
        diagnostics.error_with_help(at, message, help);
    }
    check_exclusions(diagnostics, rule, located);
    if let Some(family) = unclassified(rule) {
        let message = format!("the product type of `{family}` is Unclassified, and a label goes to retail");
        let help = "Microsoft reviews such labels once more (Microsoft, \"Publishing restrictions\")";
        diagnostics.warn(&located.product, message, Some(help.to_owned()));
    }
}

/// Reports a `not` that never excludes anything, because the packages that the rule takes never have its fact.
fn check_exclusions(diagnostics: &mut Diagnostics<'_>, rule: &Rule, located: &LocatedRule) {
    let (cab, hlkx) = kinds(rule);
    let (cab, hlkx) = match rule.product.test_harness {
        TestHarness::Attestation => (cab, false),
        TestHarness::Hlk | TestHarness::Hck => (false, hlkx),
        _ => (cab, hlkx),
    };
    for clause in rule.matching.not.iter().flat_map(|not| &not.clauses) {
        let fact = clause.fact;
        let (packages, help) = match (cab, hlkx) {
            (false, true) if fact.is_of_infs() => {
                (".hlkx", "dropship cannot read the INFs of an .hlkx; exclude by `file` or `signer`")
            }
            (true, false) if fact.is_of_kits() => {
                (".cab", "only an .hlkx states it; exclude by `file`, `signer` or a fact of an INF")
            }
            _ => continue,
        };
        let message = format!(
            "`not.{fact}` never excludes anything: it is unknown for a {packages}, and rule `{}` matches no other package",
            rule.name
        );
        diagnostics.error_with_help(&located.conditions, message, help);
    }
}

/// Reports a rule that an earlier rule shadows.
fn report_shadowed(
    diagnostics: &mut Diagnostics<'_>,
    rule: &Rule,
    located: &LocatedRule,
    earlier: &LocatedRule,
    units: &[SourceUnit],
) {
    let Some(earlier_rule) = &earlier.rule else { return };
    let line = units[earlier.unit].source.line(earlier.at.start);
    let at = format!("{}:{line}", units[earlier.unit].source.path.display());
    let (message, help) = match takes_all_of(rule, earlier_rule) {
        true => (
            format!("rules `{}` and `{}` match the same packages", earlier_rule.name, rule.name),
            format!("both are for the same packages, so the first, at {at}, always wins"),
        ),
        false => (
            format!(
                "rule `{}` can never match: `{}` takes every package before it",
                rule.name, earlier_rule.name
            ),
            format!("the first rule that fits wins; put this one before {at}, or narrow that one"),
        ),
    };
    diagnostics.error_with_help(&located.at, message, help);
}

/// Warns about names that two packages could share.
fn check_names(diagnostics: &mut Diagnostics<'_>, rule: &Rule, located: &LocatedRule) {
    const MESSAGE: &str = "this can render the same name for two packages";
    if rule.product.strategy == Strategy::New
        && let Some(name) = &rule.product.name
        && !tells_packages_apart(&name.variables())
    {
        let help = "show something that differs, such as `{{ inf.version }}`, `{{ file.stem }}` or \
                    `{{ package.sha256[:8] }}`; products with the same name are hard to distinguish";
        diagnostics.warn(&located.product, MESSAGE, Some(help.to_owned()));
    }
    for (label, at) in rule.labels.iter().zip(&located.labels) {
        if !tells_packages_apart(&label.name.variables()) {
            let help = "show something that differs, such as `{{ inf.version }}`";
            diagnostics.warn(at, MESSAGE, Some(help.to_owned()));
        }
    }
}

/// A fact of an INF that a rule for `.hlkx` packages alone asks for, and where.
fn unavailable_inf_fact<'a>(
    rule: &Rule,
    located: &'a LocatedRule,
) -> Option<(String, &'a std::ops::Range<usize>)> {
    let (cab, hlkx) = kinds(rule);
    if cab || !hlkx {
        return None;
    }
    let matched = rule.matching.clauses.iter().find(|clause| clause.fact.is_of_infs());
    if let Some(clause) = matched {
        return Some((format!("match.{}", clause.fact), &located.at));
    }
    let used = |name: &Template| name.variables().into_iter().find(|name| name.starts_with("inf."));
    if let Some(name) = rule.product.name.as_ref().and_then(used) {
        return Some((name, &located.product));
    }
    let labels = rule.labels.iter().zip(&located.labels);
    labels.filter_map(|(label, at)| Some((used(&label.name)?, at))).next()
}

/// The OS family whose product type is Unclassified, if a label goes to Windows Update for everybody.
fn unclassified(rule: &Rule) -> Option<&str> {
    let is_retail =
        |label: &LabelRule| label.destination == Destination::WindowsUpdate && label.audiences.is_empty();
    let types = &rule.product.selected_product_types;
    let is_unclassified =
        |kind: &Template| kind.literal().is_some_and(|word| word.eq_ignore_ascii_case("unclassified"));
    let family = types.iter().find(|(_, kind)| is_unclassified(kind)).map(|(family, _)| family.as_str());
    family.filter(|_| rule.labels.iter().any(is_retail))
}

/// Whether a name contains a value that differs between packages.
fn tells_packages_apart(variables: &std::collections::BTreeSet<String>) -> bool {
    let specific = ["inf.version", "inf.date", "infs", "file.name", "file.stem", "package.sha256"];
    variables.iter().any(|name| specific.iter().any(|specific| name.starts_with(specific)))
}

/// Whether a rule can match a .cab, and whether it can match a kit package (.hlkx, .hckx).
fn kinds(rule: &Rule) -> (bool, bool) {
    let clauses = &rule.matching.clauses;
    let allows = |kind: Kind| {
        clauses.iter().all(|clause| match (clause.fact, &clause.condition) {
            (Fact::Kind, condition) => fits(condition, kind.as_str()),
            // A glob whose end is not an extension of packages may match files of either kind.
            (Fact::File, Condition::Globs(globs)) => {
                globs.iter().any(|glob| Kind::of_name(glob.as_str()).is_none_or(|found| found == kind))
            }
            _ => true,
        })
    };
    (allows(Kind::Cab), allows(Kind::Hlkx))
}

/// Why a rule fits no package at all.
fn contradiction(rule: &Rule) -> Option<String> {
    let clauses = &rule.matching.clauses;
    let (cab, hlkx) = kinds(rule);
    if let Some(not) =
        rule.matching.not.iter().find(|not| not.not.is_empty() && clauses_implied(&not.clauses, clauses))
    {
        return Some(format!("its `not` ({not}) excludes everything that it is for"));
    }
    match (&rule.product.test_harness, cab, hlkx) {
        (_, false, false) => Some("its `kind` and `file` exclude each other".to_owned()),
        (TestHarness::Attestation, false, true) => {
            Some("attestation takes a .cab, but the rule matches only .hlkx packages".to_owned())
        }
        (TestHarness::Hlk | TestHarness::Hck, true, false) => {
            Some("HLK results come in an .hlkx, but the rule matches only .cab packages".to_owned())
        }
        _ => None,
    }
}

fn fits(condition: &Condition, value: &str) -> bool {
    match condition {
        Condition::Globs(globs) => dropship_glob::any(globs, value),
        _ => true,
    }
}
