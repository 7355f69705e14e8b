//! The judgement on captured bytes: inspection, then the rule, then its plan.

use std::fs::File;
use std::io;
use std::path::Path;

use jiff::Timestamp;

use super::Rulebook;
use crate::digest::hex;
use dropship_hardware::TestHarness;
use dropship_job::Fault;
use dropship_package::{
    Facts, Finding, Inspection, Kind, Level, Policy, RequestFacts, Verdict, inspect_hashed, preflight_with,
};
use dropship_rules::plan::{DestinationPlan, LabelPlan, Plan, plan};
use dropship_rules::vars::Vars;
use dropship_rules::{MatchInput, choose};

/// What the judgement came to, and how.
pub struct Judged {
    /// What inspection said.
    pub inspection: Inspection,
    /// The plan, or what is at fault. Nothing when the bytes are not all there.
    pub outcome: Option<Result<Plan, Fault>>,
    /// Warnings of inspection.
    pub warnings: Vec<String>,
    /// SHA-256 of the bytes that were judged, lower-case hex.
    pub sha256: String,
}

/// Judges a file as the package of this name in this folder; `vars` is what its sidecar sets.
///
/// # Errors
/// When the file cannot be read.
pub fn judge(
    rulebook: &Rulebook,
    file: &Path,
    name: &str,
    folder: Option<&str>,
    rule: Option<&str>,
    vars: &Result<Vars, String>,
) -> io::Result<Judged> {
    let Some(kind) = Kind::of_name(name) else {
        let message = format!("`{name}` is not a package: the file name must end in .cab, .hlkx or .hckx");
        let inspection = Inspection { verdict: Verdict::Reject, findings: Vec::new(), facts: None };
        return Ok(Judged {
            inspection,
            outcome: Some(Err(Fault::new("not-a-package", message))),
            warnings: Vec::new(),
            sha256: String::new(),
        });
    };
    // Certificates are judged by the time of now, not by that of the daemon's start.
    let policy = Policy { now: Timestamp::now(), ..rulebook.policy.clone() };
    let (mut inspection, sha256) = inspect_hashed(&File::open(file)?, kind, &policy)?;
    let sha256 = hex(&sha256);
    let outcome = match (inspection.verdict, &inspection.facts) {
        (Verdict::Incomplete, _) => None,
        (Verdict::Accept, Some(facts)) => {
            let input = MatchInput::new(name, &sha256, facts).in_folder(folder);
            let planned = match vars {
                Ok(vars) => {
                    let vars = Some(vars).filter(|vars| !vars.is_empty());
                    planned(rulebook, &MatchInput { vars, ..input }, rule)
                }
                Err(why) => Err(Fault::new("sidecar", why)),
            };
            let more = planned.as_ref().map(|plan| checked_against(plan, facts, &policy)).unwrap_or_default();
            let refused = more.iter().find(|finding| finding.level == Level::Error);
            let refused = refused.map(|finding| Fault::new(&finding.check, finding.message.clone()));
            inspection.findings.extend(more);
            Some(refused.map_or(planned, Err))
        }
        (Verdict::Accept | Verdict::Reject, _) => {
            let kind = inspection.findings.first().map_or("rejected", |finding| &finding.check);
            Some(Err(Fault::new(kind, inspection.reasons())))
        }
    };
    let warnings = inspection.findings.iter().filter(|finding| finding.level == Level::Warn);
    let warnings = warnings.map(|finding| finding.message.clone()).collect();
    Ok(Judged { inspection, outcome, warnings, sha256 })
}

/// What Microsoft would refuse hours later in what the rule asks for this package.
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

/// The plan of the rule that is for the package, or of the one that was asked for by name.
fn planned(rulebook: &Rulebook, input: &MatchInput<'_>, rule: Option<&str>) -> Result<Plan, Fault> {
    let config = &rulebook.config;
    let chosen = match rule {
        Some(name) => {
            let found = config.rules.iter().find(|rule| rule.name == name);
            found.ok_or_else(|| Fault::new("no-rule", format!("there is no rule named `{name}`")))?
        }
        None => {
            let choice = choose(&config.rules, input);
            choice.rule.ok_or_else(|| Fault::new("no-rule", choice.rejection()))?
        }
    };
    plan(chosen, input, Timestamp::now()).map_err(|error| {
        Fault::new(
            "rule-unfit",
            format!("rule `{}` cannot be carried out for this package: {error}", chosen.name),
        )
    })
}
