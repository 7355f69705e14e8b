//! Evaluation of captured bytes: inspection, then the rule, then its plan.

use std::fs::File;
use std::io;
use std::path::Path;

use jiff::Timestamp;

use super::active_config::ActiveConfig;
use crate::digest::hex;
use dropship_hardware::TestHarness;
use dropship_job::{ErrorKind, Fault};
use dropship_package::{
    Cancellation, Facts, Finding, Inspection, Kind, Level, Policy, RequestFacts, Verdict, inspect_hashed,
    preflight_with,
};
use dropship_rules::plan::{DestinationPlan, LabelPlan, Plan, plan};
use dropship_rules::vars::Vars;
use dropship_rules::{MatchInput, choose};

/// The result of an evaluation.
pub struct Evaluation {
    /// The findings and facts of the inspection.
    pub inspection: Inspection,
    /// The plan, or why the package is rejected; `None` when the file is incomplete.
    pub outcome: Option<Result<Plan, Fault>>,
    /// Warnings of the inspection.
    pub warnings: Vec<String>,
    /// SHA-256 of the evaluated bytes, lower-case hex.
    pub sha256: String,
}

/// Evaluates a file as the package of this name in this folder. `rule` names the rule to use instead of
/// the first one that matches; `vars` are the
/// variables from the sidecar.
///
/// # Errors
/// When the file cannot be read, or the inspection was cancelled.
pub fn evaluate(
    active: &ActiveConfig,
    file: &Path,
    name: &str,
    folder: Option<&str>,
    rule: Option<&str>,
    vars: &Result<Vars, String>,
    cancellation: &Cancellation,
) -> io::Result<Evaluation> {
    let Some(kind) = Kind::of_name(name) else {
        let message = format!("`{name}` is not a package: the file name must end in .cab, .hlkx or .hckx");
        let inspection = Inspection { verdict: Verdict::Reject, findings: Vec::new(), facts: None };
        return Ok(Evaluation {
            inspection,
            outcome: Some(Err(Fault::new(ErrorKind::NotAPackage, message))),
            warnings: Vec::new(),
            sha256: String::new(),
        });
    };
    // The policy contains the time of the daemon's start; certificates are checked against the present time.
    let policy = Policy { now: Timestamp::now(), ..active.policy.clone() };
    let (mut inspection, sha256) = inspect_hashed(&File::open(file)?, kind, &policy, cancellation)?;
    let sha256 = hex(&sha256);
    let outcome = match (inspection.verdict, &inspection.facts) {
        (Verdict::Incomplete, _) => None,
        (Verdict::Accept, Some(facts)) => {
            let input = MatchInput::new(name, &sha256, facts).in_folder(folder);
            let planned = match vars {
                Ok(vars) => {
                    let vars = Some(vars).filter(|vars| !vars.is_empty());
                    planned(active, &MatchInput { vars, ..input }, rule)
                }
                Err(why) => Err(Fault::new(ErrorKind::Sidecar, why)),
            };
            let more = planned.as_ref().map(|plan| checked_against(plan, facts, &policy)).unwrap_or_default();
            let refused = more.iter().find(|finding| finding.level == Level::Error);
            let refused = refused
                .map(|finding| Fault::new(ErrorKind::from(finding.check.as_str()), finding.message.clone()));
            inspection.findings.extend(more);
            Some(refused.map_or(planned, Err))
        }
        (Verdict::Accept | Verdict::Reject, _) => {
            // The findings are sorted: errors come first.
            let error = inspection.findings.first().filter(|finding| finding.level == Level::Error);
            let kind = error.map_or(ErrorKind::InspectionFailed, |error| error.check.as_str().into());
            Some(Err(Fault::new(kind, inspection.reasons())))
        }
    };
    let warnings = inspection.findings.iter().filter(|finding| finding.level == Level::Warn);
    let warnings = warnings.map(|finding| finding.message.clone()).collect();
    Ok(Evaluation { inspection, outcome, warnings, sha256 })
}

/// Findings about the requests of the plan that Microsoft would reject hours later.
fn checked_against(plan: &Plan, facts: &Facts, policy: &Policy) -> Vec<Finding> {
    let retail = |label: &LabelPlan| {
        label.destination == DestinationPlan::WindowsUpdate
            && label.audiences.is_empty()
            && label.build.is_none()
    };
    let request = RequestFacts {
        attestation: plan.product.test_harness == TestHarness::Attestation,
        os_codes: &plan.product.requested_signatures,
        retail_windows_update: plan.labels.iter().any(retail),
    };
    preflight_with(facts, &request, &policy.levels)
}

/// The plan of the first matching rule, or of the rule with this name if it matches.
fn planned(active: &ActiveConfig, input: &MatchInput<'_>, rule: Option<&str>) -> Result<Plan, Fault> {
    let config = &active.config;
    let chosen = match rule {
        Some(name) => {
            let found = config.rules.iter().find(|rule| rule.name == name);
            let found = found
                .ok_or_else(|| Fault::new(ErrorKind::NoRule, format!("there is no rule named `{name}`")))?;
            // The submitter selects among the rules that apply; the conditions of a rule also apply to submitted packages.
            let reasons = found.explain(input).reasons;
            if !reasons.is_empty() {
                let message = format!("rule `{name}` does not match this package: {}", reasons.join("; "));
                return Err(Fault::new(ErrorKind::NoRule, message));
            }
            found
        }
        None => {
            let choice = choose(&config.rules, input);
            choice.rule.ok_or_else(|| Fault::new(ErrorKind::NoRule, choice.rejection()))?
        }
    };
    plan(chosen, input, Timestamp::now()).map_err(|error| {
        Fault::new(
            ErrorKind::RuleUnfit,
            format!("rule `{}` cannot be carried out for this package: {error}", chosen.name),
        )
    })
}
