//! Evaluation of captured bytes: inspection, then the rule, then its plan.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use jiff::Timestamp;

use super::active_config::ActiveConfig;
use crate::digest::hex;
use crate::package_store::RejectedPackage;
use dropship_hardware::TestHarness;
use dropship_job::{ErrorKind, Fault};
use dropship_package::{
    Cancellation, Facts, Finding, Inspection, Kind, Level, Policy, Previewed, RequestFacts, Verdict,
    inspect_hashed, inspect_previewed, preflight_with,
};
use dropship_rules::plan::{DestinationPlan, LabelPlan, Plan};
use dropship_rules::vars::Vars;
use dropship_rules::{MatchInput, Planned, Planning, PlanningError, plan_package};
use dropship_shared_folder::named_file;

/// The result of an evaluation.
pub struct Evaluation {
    /// The findings and facts of the inspection.
    pub inspection: Inspection,
    /// The plan, or why the package is rejected; `None` when the file is incomplete.
    pub outcome: Option<Result<Plan, Fault>>,
    /// How the package was planned; `None` if it was not.
    pub planning: Option<Planning>,
    /// The rule that was applied, also if it cannot be carried out.
    pub rule: Option<String>,
    /// Warnings of the inspection.
    pub warnings: Vec<String>,
    /// SHA-256 of the evaluated bytes, lower-case hex.
    pub sha256: String,
}

/// What the capture of a file has computed from its bytes.
#[derive(Clone, Copy)]
pub struct CapturedBytes<'a> {
    /// SHA-256, lower-case hex.
    pub sha256: &'a str,
    /// The other results.
    pub previewed: &'a Previewed,
}

/// Evaluates a file as the package of this name in this folder. `rule` names the rule to use instead of the first rule that
/// matches; `vars` are the variables from the sidecar. `captured` has the results of the capture, for a captured copy.
///
/// # Errors
/// When the file cannot be read, or the inspection was cancelled.
pub fn evaluate(
    active: &ActiveConfig,
    (file, captured): (&Path, Option<CapturedBytes<'_>>),
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
            planning: None,
            rule: None,
            warnings: Vec::new(),
            sha256: String::new(),
        });
    };
    // The policy contains the time of the daemon's start; certificates are checked against the present time.
    let policy = Policy { now: Timestamp::now(), ..active.policy.clone() };
    let bytes = named_file::open(file)?;
    let (mut inspection, sha256) = match captured {
        Some(CapturedBytes { sha256, previewed }) => {
            let inspection = inspect_previewed(&bytes, kind, &policy, previewed, cancellation)?;
            (inspection, sha256.to_owned())
        }
        None => {
            let (inspection, sha256) = inspect_hashed(&bytes, kind, &policy, cancellation)?;
            (inspection, hex(&sha256))
        }
    };
    let (mut planning, mut applied) = (None, None);
    let outcome = match (inspection.verdict, &inspection.facts) {
        (Verdict::Incomplete, _) => None,
        (Verdict::Accept, Some(facts)) => {
            let input = MatchInput::new(name, &sha256, facts).in_folder(folder);
            let RuleApplication { plan: planned, planning: used_planning, rule: applied_rule } =
                apply_rules(active, input, vars, rule);
            (planning, applied) = (used_planning, applied_rule);
            let request_findings =
                planned.as_ref().map(|plan| check_requests(plan, facts, &policy.levels)).unwrap_or_default();
            let refusal = request_findings.iter().find(|finding| finding.level == Level::Error);
            let refusal = refusal
                .map(|finding| Fault::new(ErrorKind::from(finding.check.as_str()), finding.message.clone()));
            inspection.findings.extend(request_findings);
            Some(refusal.map_or(planned, Err))
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
    Ok(Evaluation { inspection, outcome, planning, rule: applied, warnings, sha256 })
}

/// What the rules make of a package.
struct RuleApplication {
    plan: Result<Plan, Fault>,
    planning: Option<Planning>,
    /// The rule that was applied, also if it cannot be carried out.
    rule: Option<String>,
}

/// Applies the rules to a package that passed the inspection.
fn apply_rules(
    active: &ActiveConfig,
    input: MatchInput<'_>,
    vars: &Result<Vars, String>,
    rule: Option<&str>,
) -> RuleApplication {
    let vars = match vars {
        Ok(vars) => Some(vars).filter(|vars| !vars.is_empty()),
        Err(why) => {
            let plan = Err(Fault::new(ErrorKind::Sidecar, why));
            return RuleApplication { plan, planning: None, rule: None };
        }
    };
    let requested = Planning::at(Timestamp::now()).by_rule(rule);
    let Planned { plan, planning } =
        plan_package(&active.config.rules, &MatchInput { vars, ..input }, requested);
    let rule = match &plan {
        Ok(plan) => Some(plan.rule.clone()),
        Err(PlanningError::Unfit(error)) => Some(error.rule.clone()),
        Err(_) => None,
    };
    RuleApplication { plan: plan.map_err(|error| fault(&error)), planning: Some(planning), rule }
}

impl Evaluation {
    /// The facts of a package that passed the inspection, if its rules rejected it.
    #[must_use]
    pub fn rejected(&self, vars: Vars) -> Option<RejectedPackage> {
        let Some(Err(fault)) = &self.outcome else { return None };
        Some(RejectedPackage {
            facts: self.inspection.facts.clone()?,
            vars,
            planning: self.planning.clone()?,
            rule: self.rule.clone(),
            reason: fault.message.clone(),
        })
    }
}

/// Why Microsoft would reject a plan hours later; `None` if it would not.
#[must_use]
pub fn plan_rejection(plan: &Plan, facts: &Facts, levels: &BTreeMap<String, Level>) -> Option<String> {
    let mut findings = check_requests(plan, facts, levels).into_iter();
    findings.find(|finding| finding.level == Level::Error).map(|finding| finding.message)
}

/// Findings about the requests of the plan that Microsoft would reject hours later.
fn check_requests(plan: &Plan, facts: &Facts, levels: &BTreeMap<String, Level>) -> Vec<Finding> {
    let is_retail = |label: &LabelPlan| {
        label.destination == DestinationPlan::WindowsUpdate
            && label.audiences.is_empty()
            && label.build.is_none()
    };
    let request = RequestFacts {
        attestation: plan.product.test_harness == TestHarness::Attestation,
        os_codes: &plan.product.requested_signatures,
        retail_windows_update: plan.labels.iter().any(is_retail),
    };
    preflight_with(facts, &request, levels)
}

fn fault(error: &PlanningError) -> Fault {
    let kind = match error {
        PlanningError::UnknownRule(_) | PlanningError::NotMatching { .. } | PlanningError::NoRule(_) => {
            ErrorKind::NoRule
        }
        PlanningError::Unfit(_) => ErrorKind::RuleUnfit,
    };
    Fault::new(kind, error.to_string())
}
