//! The judgement on captured bytes: inspection, then the rule, then its plan.

use std::fs::File;
use std::io;
use std::path::Path;

use jiff::Timestamp;

use super::Rulebook;
use crate::config::plan::{Plan, plan};
use crate::config::rules::{Subject, choose};
use crate::depot::hex;
use crate::job::Fault;
use crate::package::{Inspection, Kind, Level, Policy, Verdict, inspect_hashed};

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

/// Judges a file as the package of this name in this folder.
///
/// # Errors
/// When the file cannot be read.
pub fn judge(
    rulebook: &Rulebook,
    file: &Path,
    name: &str,
    folder: Option<&str>,
    rule: Option<&str>,
) -> io::Result<Judged> {
    let Some(kind) = Kind::of_name(name) else {
        let message = format!("`{name}` is no package: its name ends in neither .cab nor .hlkx");
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
    let (inspection, sha256) = inspect_hashed(&File::open(file)?, kind, &policy)?;
    let sha256 = hex(&sha256);
    let warnings = inspection.findings.iter().filter(|finding| finding.level == Level::Warn);
    let warnings = warnings.map(|finding| finding.message.clone()).collect();
    let outcome = match (inspection.verdict, &inspection.facts) {
        (Verdict::Incomplete, _) => None,
        (Verdict::Accept, Some(facts)) => {
            let subject = Subject::new(name, &sha256, facts).in_folder(folder);
            Some(planned(rulebook, &subject, rule))
        }
        (Verdict::Accept | Verdict::Reject, _) => {
            let kind = inspection.findings.first().map_or("rejected", |finding| &finding.check);
            Some(Err(Fault::new(kind, inspection.reasons())))
        }
    };
    Ok(Judged { inspection, outcome, warnings, sha256 })
}

/// The plan of the rule that is for the package, or of the one that was asked for by name.
fn planned(rulebook: &Rulebook, subject: &Subject<'_>, rule: Option<&str>) -> Result<Plan, Fault> {
    let config = &rulebook.config;
    let chosen = match rule {
        Some(name) => {
            let found = config.rules.iter().find(|rule| rule.name == name);
            found.ok_or_else(|| Fault::new("no-rule", format!("there is no rule named `{name}`")))?
        }
        None => {
            let choice = choose(&config.rules, subject);
            choice.rule.ok_or_else(|| Fault::new("no-rule", choice.rejection()))?
        }
    };
    plan(config, chosen, subject, Timestamp::now()).map_err(|error| {
        Fault::new(
            "rule-unfit",
            format!("rule `{}` cannot be carried out for this package: {error}", chosen.name),
        )
    })
}
