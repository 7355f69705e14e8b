//! Runs the tests that operators write for their rules, without a network.

use std::borrow::Cow;

use dropship_hardware::DriverMetadata;
use dropship_package::facts::InfFacts;
use jiff::Timestamp;
use serde_json::Value;

use super::fields::ExpectedFields;
use super::model::{CaseResult, Expect, Mismatch, Mismatches, RuleTest};
use super::{compare, targets};
use crate::choice::{choose, find};
use crate::input::MatchInput;
use crate::plan::{ChidPlan, LabelPlan, Plan, plan};
use crate::rule::{Rule, TargetFilter};
use crate::{label, suggest};
use dropship_glob::Glob;

/// The message for a case that expects targets and describes no hardware ids.
const UNKNOWN_TARGETS: &str = "unknown: the case describes no hardware ids; add `hardware_ids` to its `package`, or driver metadata \
                               with `metadata = \"FILE\"`";

/// A case that was evaluated.
#[derive(Debug)]
pub struct EvaluatedCase<'a> {
    /// The rule that applies to the package.
    pub rule: Option<&'a Rule>,
    /// Its plan; absent if the package is rejected.
    pub plan: Option<Plan>,
    /// What was not as expected.
    pub differences: Vec<Mismatch>,
}

impl EvaluatedCase<'_> {
    /// The outcome of the case.
    #[must_use]
    pub fn outcome(&self, test: &RuleTest) -> CaseResult {
        CaseResult {
            name: test.name.clone(),
            place: test.place.clone(),
            passed: self.differences.is_empty(),
            rule: self.rule.map(|rule| rule.name.clone()),
            differences: self.differences.clone(),
        }
    }
}

/// Plans the package of a case and compares the plan with what is expected. Go-live dates and other offsets count from `now`,
/// unless the case names a time. The steps of the case are not run.
#[must_use]
pub fn evaluate<'a>(test: &RuleTest, rules: &'a [Rule], now: Timestamp) -> EvaluatedCase<'a> {
    let (input, now) = (test.input(), test.start(now));
    let rule = find(rules, &input);
    let planning = match rule.map(|rule| plan(rule, &input, now)) {
        Some(Ok(plan)) => CasePlanning { rule, plan: Some(plan), error: None },
        Some(Err(error)) => CasePlanning { rule, plan: None, error: Some(error.to_string()) },
        None => CasePlanning { rule, plan: None, error: Some(choose(rules, &input).rejection()) },
    };
    let mut differences = Mismatches::default();
    compare_verdict(&test.expect, &planning, rules, &input, &mut differences);
    if let Some(plan) = &planning.plan {
        compare_requests(test, plan, now, &mut differences);
    }
    EvaluatedCase { rule: planning.rule, plan: planning.plan, differences: differences.0 }
}

/// The result of planning a package.
struct CasePlanning<'a> {
    rule: Option<&'a Rule>,
    plan: Option<Plan>,
    error: Option<String>,
}

/// Compares the rule of the package, or its rejection, with what is expected.
fn compare_verdict(
    expect: &Expect,
    planning: &CasePlanning<'_>,
    rules: &[Rule],
    input: &MatchInput<'_>,
    differences: &mut Mismatches,
) {
    let chosen = planning.rule.map(|rule| rule.name.as_str());
    if let Some(expected) = &expect.rule
        && chosen != Some(expected)
    {
        let why = rules.iter().find(|rule| rule.name == *expected).map(|rule| rule.explain(input));
        let why = why.map(|skipped| skipped.reasons.join("; ")).filter(|why| !why.is_empty());
        let why = why.map_or_else(
            || " (it matches too, but comes later)".to_owned(),
            |why| format!(" ({expected}: {why})"),
        );
        differences.put("rule", expected, format!("{}{why}", chosen.unwrap_or("none")));
    }
    let is_rejected = planning.plan.is_none();
    let reason = planning.error.as_deref().unwrap_or_default();
    match (expect.rejected, is_rejected) {
        (Some(true), false) => {
            differences.put("rejected", "true", format!("rule `{}` takes it", chosen.unwrap_or_default()))
        }
        (Some(false) | None, true)
            if expect.error.is_empty() && !(expect.rule.is_some() && chosen.is_none()) =>
        {
            differences.put("rejected", "false", format!("true: {reason}"));
        }
        _ => {}
    }
    if !expect.error.is_empty() && is_rejected && !dropship_glob::any(&expect.error, reason) {
        differences.put("error", compare::globs(&expect.error), reason);
    }
    if !expect.error.is_empty() && !is_rejected {
        differences.put("error", compare::globs(&expect.error), "none");
    }
}

/// Compares the requests with what is expected.
fn compare_requests(test: &RuleTest, plan: &Plan, now: Timestamp, differences: &mut Mismatches) {
    let expect = &test.expect;
    if let Some(account) = &expect.account
        && *account != plan.account
    {
        differences.put("account", account, &plan.account);
    }
    if let Some(globs) = &expect.labels {
        let names: Vec<_> = plan.labels.iter().map(|label| label.name.as_str()).collect();
        let are_expected =
            globs.len() == names.len() && globs.iter().zip(&names).all(|(glob, name)| glob.is_match(name));
        if !are_expected {
            differences.put("labels", compare::globs(globs), suggest::list(names));
        }
    }
    if !expect.product.is_empty() {
        compare::fields("product", &expect.product, &[compare::value(&plan.product)], differences);
    }
    if !expect.submission.is_empty() {
        compare::fields("submission", &expect.submission, &[compare::value(&plan.submission)], differences);
    }
    for (glob, fields) in &expect.label {
        let mut matching =
            plan.labels.iter().filter(|label| glob.as_ref().is_none_or(|glob| glob.is_match(&label.name)));
        let Some(first) = matching.next() else {
            let names = suggest::list(plan.labels.iter().map(|label| label.name.as_str()));
            let expected = glob.as_ref().map_or("*", Glob::as_str);
            differences.put("label", expected, names);
            continue;
        };
        for label in std::iter::once(first).chain(matching) {
            compare_label(test, plan, label, fields, now, differences);
        }
    }
}

fn compare_label(
    test: &RuleTest,
    plan: &Plan,
    label: &LabelPlan,
    fields: &ExpectedFields,
    now: Timestamp,
    differences: &mut Mismatches,
) {
    let what = format!("label \"{}\"", label.name);
    let mut fields = fields.clone();
    if !test.knows_targets() {
        for (key, expected) in targets::take(&mut fields, label) {
            differences.put(format!("{what}.{key}"), expected.to_string(), UNKNOWN_TARGETS);
        }
    }
    match build_request(test, plan, label, now) {
        Ok(request) => compare::fields(&what, &fields, &[request, compare::value(label)], differences),
        Err(problems) => differences.put(what, "a request", problems),
    }
}

/// The label's request, built from the driver metadata of the case, or from those that Microsoft will probably send.
fn build_request(test: &RuleTest, plan: &Plan, label: &LabelPlan, now: Timestamp) -> Result<Value, String> {
    let (label, metadata) = basis(test, plan, label);
    let preview = label::preview_with(&label, plan, &metadata, now);
    let problems = || {
        let problems = preview.problems.iter().map(|problem| problem.message.as_str());
        problems.collect::<Vec<_>>().join("; ")
    };
    preview.request.as_ref().map(compare::value).ok_or_else(problems)
}

/// The label and the driver metadata from which its request is built. A case that describes no hardware ids does not test which
/// targets a label selects: the driver metadata then have one placeholder target, which the label selects.
#[must_use]
pub fn basis<'a>(
    test: &'a RuleTest,
    plan: &Plan,
    label: &'a LabelPlan,
) -> (Cow<'a, LabelPlan>, Cow<'a, DriverMetadata>) {
    let os_codes = &plan.product.requested_signatures;
    match &test.metadata {
        Some(metadata) => (Cow::Borrowed(label), Cow::Borrowed(metadata)),
        None if test.knows_targets() => {
            (Cow::Borrowed(label), Cow::Owned(label::predicted_metadata(label, &test.facts, os_codes)))
        }
        None => {
            let mut facts = test.facts.clone();
            if facts.infs.is_empty() {
                facts.infs.push(InfFacts { name: "undescribed.inf".to_owned(), ..InfFacts::default() });
            }
            let unnamed = |inf: &mut InfFacts| inf.hardware_ids.push("ROOT\\UNDESCRIBED".to_owned());
            facts.infs.iter_mut().for_each(unnamed);
            let mut label = LabelPlan { targets: TargetFilter::default(), ..label.clone() };
            if label.chids == ChidPlan::FromInf {
                label.chids = ChidPlan::None;
            }
            let metadata = label::predicted_metadata(&label, &facts, os_codes);
            (Cow::Owned(label), Cow::Owned(metadata))
        }
    }
}
