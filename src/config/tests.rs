//! `[[test]]`: operators' own cases, tried without a network.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::model::Config;
use super::pattern::{self, Pattern};
use super::plan::{LabelPlan, Plan};
use super::rules::{self, Rule, Subject};
use super::suggest;
use crate::labels;
use dropship_package::Facts;
use dropship_package::facts::InfFacts;

mod compare;

/// Fields of a request that are expected, by name.
pub type Fields = BTreeMap<String, Value>;

/// One `[[test]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// `file:line`.
    pub place: String,
    /// Folder of the package.
    pub folder: Option<String>,
    /// File name of the package.
    pub file: String,
    /// SHA-256 of the package.
    pub sha256: String,
    /// What inspection would learn.
    pub facts: Facts,
    /// What a sidecar sets.
    pub vars: BTreeMap<String, String>,
    /// What must come of it.
    pub expect: Expect,
}

/// What must come of a package.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expect {
    /// Name of the rule.
    pub rule: Option<String>,
    /// No rule is for it, or its requests cannot be made.
    pub rejected: Option<bool>,
    /// One of these fits the reason.
    pub error: Vec<Pattern>,
    /// Name of the account.
    pub account: Option<String>,
    /// Names of all labels, in order.
    pub labels: Option<Vec<Pattern>>,
    /// Fields of the product request.
    pub product: Fields,
    /// Fields of the submission request.
    pub submission: Fields,
    /// Fields of the requests of those labels whose name fits; no name: of each.
    pub label: Vec<(Option<Pattern>, Fields)>,
}

/// What came of a case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// Name of the case.
    pub name: String,
    /// `file:line`.
    pub place: String,
    /// Everything was as expected.
    pub passed: bool,
    /// The rule that the package got.
    pub rule: Option<String>,
    /// What was not as expected.
    pub differences: Vec<Difference>,
}

/// One thing that was not as expected.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// What: `rule`, `product.name`, `label "NAME".floor`.
    pub field: String,
    /// What was expected.
    pub expected: String,
    /// What came.
    pub found: String,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let verdict = if self.passed { "ok" } else { "FAILED" };
        write!(f, "{verdict}  {} ({})", self.name, self.place)?;
        for difference in &self.differences {
            write!(
                f,
                "\n    {}\n      - {}\n      + {}",
                difference.field, difference.expected, difference.found
            )?;
        }
        Ok(())
    }
}

/// Tries all cases, now.
#[must_use]
pub fn run(config: &Config) -> Vec<Outcome> {
    run_at(config, Timestamp::now())
}

/// Tries all cases, as if it were `now`.
#[must_use]
pub fn run_at(config: &Config, now: Timestamp) -> Vec<Outcome> {
    config.tests.iter().map(|case| try_case(config, case, now)).collect()
}

/// What came of a package.
struct Found<'a> {
    rule: Option<&'a Rule>,
    plan: Option<Plan>,
    error: Option<String>,
}

fn try_case(config: &Config, case: &Case, now: Timestamp) -> Outcome {
    let subject = Subject {
        folder: case.folder.as_deref(),
        file: &case.file,
        sha256: &case.sha256,
        facts: &case.facts,
        vars: (!case.vars.is_empty()).then_some(&case.vars),
    };
    let rule = rules::find(&config.rules, &subject);
    let found = match rule.map(|rule| super::plan::plan(config, rule, &subject, now)) {
        Some(Ok(plan)) => Found { rule, plan: Some(plan), error: None },
        Some(Err(error)) => Found { rule, plan: None, error: Some(error.to_string()) },
        None => Found { rule, plan: None, error: Some(rules::choose(&config.rules, &subject).rejection()) },
    };
    let mut differences = Differences::default();
    verdict(&case.expect, &found, config, &subject, &mut differences);
    if let Some(plan) = &found.plan {
        requests(case, plan, now, &mut differences);
    }
    Outcome {
        name: case.name.clone(),
        place: case.place.clone(),
        passed: differences.0.is_empty(),
        rule: found.rule.map(|rule| rule.name.clone()),
        differences: differences.0,
    }
}

#[derive(Default)]
struct Differences(Vec<Difference>);

impl Differences {
    fn put(&mut self, field: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) {
        self.0.push(Difference { field: field.into(), expected: expected.into(), found: found.into() });
    }
}

/// Whether the package got the right rule, or the right rejection.
fn verdict(
    expect: &Expect,
    found: &Found<'_>,
    config: &Config,
    subject: &Subject<'_>,
    differences: &mut Differences,
) {
    let got = found.rule.map(|rule| rule.name.as_str());
    if let Some(wanted) = &expect.rule
        && got != Some(wanted)
    {
        let why = config.rules.iter().find(|rule| rule.name == *wanted).map(|rule| rule.judge(subject));
        let why = why.map(|passed| passed.reasons.join("; ")).filter(|why| !why.is_empty());
        let why = why.map_or_else(
            || " (it fits too, but stands later)".to_owned(),
            |why| format!(" ({wanted}: {why})"),
        );
        differences.put("rule", wanted, format!("{}{why}", got.unwrap_or("none")));
    }
    let rejected = found.plan.is_none();
    let reason = found.error.as_deref().unwrap_or_default();
    match (expect.rejected, rejected) {
        (Some(true), false) => {
            differences.put("rejected", "true", format!("rule `{}` takes it", got.unwrap_or_default()))
        }
        (Some(false) | None, true)
            if expect.error.is_empty() && !(expect.rule.is_some() && got.is_none()) =>
        {
            differences.put("rejected", "false", format!("true: {reason}"));
        }
        _ => {}
    }
    if !expect.error.is_empty() && rejected && !pattern::any(&expect.error, reason) {
        differences.put("error", compare::globs(&expect.error), reason);
    }
    if !expect.error.is_empty() && !rejected {
        differences.put("error", compare::globs(&expect.error), "none");
    }
}

/// Whether the requests hold what is expected.
fn requests(case: &Case, plan: &Plan, now: Timestamp, differences: &mut Differences) {
    let expect = &case.expect;
    if let Some(account) = &expect.account
        && *account != plan.account
    {
        differences.put("account", account, &plan.account);
    }
    if let Some(globs) = &expect.labels {
        let names: Vec<_> = plan.labels.iter().map(|label| label.name.as_str()).collect();
        let fit =
            globs.len() == names.len() && globs.iter().zip(&names).all(|(glob, name)| glob.is_match(name));
        if !fit {
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
        let mut meant =
            plan.labels.iter().filter(|label| glob.as_ref().is_none_or(|glob| glob.is_match(&label.name)));
        let Some(first) = meant.next() else {
            let names = suggest::list(plan.labels.iter().map(|label| label.name.as_str()));
            let wanted = glob.as_ref().map_or("*", Pattern::as_str);
            differences.put("label", wanted, names);
            continue;
        };
        for label in std::iter::once(first).chain(meant) {
            label_fields(case, plan, label, fields, now, differences);
        }
    }
}

fn label_fields(
    case: &Case,
    plan: &Plan,
    label: &LabelPlan,
    fields: &Fields,
    now: Timestamp,
    differences: &mut Differences,
) {
    let what = format!("label \"{}\"", label.name);
    match request(case, plan, label, now) {
        Ok(request) => compare::fields(&what, fields, &[request, compare::value(label)], differences),
        Err(problems) => differences.put(what, "a request", problems),
    }
}

/// The label's request on the driver metadata that Microsoft will probably send.
fn request(case: &Case, plan: &Plan, label: &LabelPlan, now: Timestamp) -> Result<Value, String> {
    let described = case.facts.infs.iter().any(|inf| !inf.hardware_ids.is_empty());
    let foreseen = match described {
        true => labels::foresee(label, plan, &case.facts, now),
        // A case that describes no hardware id says nothing of the selection; the rest is still a request.
        false => {
            let mut facts = case.facts.clone();
            if facts.infs.is_empty() {
                // Nothing is known of the INFs of an .hlkx before Microsoft tells.
                facts.infs.push(InfFacts { name: "undescribed.inf".to_owned(), ..InfFacts::default() });
            }
            let unnamed = |inf: &mut InfFacts| inf.hardware_ids.push("ROOT\\UNDESCRIBED".to_owned());
            facts.infs.iter_mut().for_each(unnamed);
            let mut label = label.clone();
            label.selection = super::model::Selection::default();
            labels::foresee(&label, plan, &facts, now)
        }
    };
    let problems = || {
        let problems = foreseen.problems.iter().map(|problem| problem.message.as_str());
        problems.collect::<Vec<_>>().join("; ")
    };
    foreseen.request.as_ref().map(compare::value).ok_or_else(problems)
}

#[cfg(test)]
mod run_tests;
