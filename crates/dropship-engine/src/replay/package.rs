//! Plans one package again and compares.

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

use super::stream::{Record, RememberedPackage};
use crate::admission::plan_rejection;
use crate::package_store::{PackageStore, PlanSnapshot, RejectedPackage};
use dropship_config::Config;
use dropship_hardware::DriverMetadata;
use dropship_job::{Job, JobId};
use dropship_package::{Facts, Level};
use dropship_rules::comparison::{self, PlanDifference, PlannedPackage, PlanningOutcome};
use dropship_rules::vars::Vars;
use dropship_rules::{MatchInput, Planning, Rule};

/// How the plan of a package would differ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PackageDifferences {
    /// Id of its job.
    pub job: JobId,
    /// File name of the package.
    pub package: String,
    /// Folder of the package.
    pub folder: Option<String>,
    /// The rule that it was planned by; null if it was rejected.
    pub rule: Option<String>,
    /// The rule that would be chosen; null if it would be rejected.
    pub new_rule: Option<String>,
    /// The differences; empty if there are none.
    pub differences: Vec<PlanDifference>,
}

/// The part of a configuration that packages are planned by.
#[derive(Clone, Copy)]
pub struct ReplayRules<'a> {
    rules: &'a [Rule],
    levels: &'a BTreeMap<String, Level>,
}

impl<'a> ReplayRules<'a> {
    /// The rules and the levels of checks of a configuration.
    #[must_use]
    pub fn of(config: &'a Config) -> Self {
        Self { rules: &config.rules, levels: &config.preflight }
    }

    /// Plans a package again. `None` if its record cannot be used. `metadata` reads the driver metadata of its job.
    #[must_use]
    pub fn replay(
        self,
        package: &RememberedPackage,
        record: &[u8],
        metadata: impl Fn() -> Option<DriverMetadata>,
    ) -> Option<PackageDifferences> {
        let metadata = LazyCell::new(metadata);
        match package.record {
            Record::Planned => {
                let snapshot: PlanSnapshot = serde_json::from_slice(record).ok()?;
                let PlanSnapshot { facts, mut plan, vars, planning } = snapshot;
                plan.labels.retain(|label| !package.dropped.contains(&label.name));
                let planned = RecordedPackage {
                    facts,
                    vars,
                    planning: planning?,
                    outcome: PlanningOutcome::Planned(Box::new(plan)),
                };
                Some(self.compare(package, &planned, &metadata))
            }
            Record::Rejected => {
                let RejectedPackage { facts, vars, planning, rule, reason } =
                    serde_json::from_slice(record).ok()?;
                let rejected = RecordedPackage {
                    facts,
                    vars,
                    planning,
                    outcome: PlanningOutcome::Rejected { rule, reason },
                };
                Some(self.compare(package, &rejected, &metadata))
            }
            Record::Gone | Record::NotPlanned => None,
        }
    }

    fn compare(
        self,
        package: &RememberedPackage,
        recorded: &RecordedPackage,
        metadata: &dyn Deref<Target = Option<DriverMetadata>>,
    ) -> PackageDifferences {
        let RecordedPackage { facts, vars, planning, outcome } = recorded;
        let input =
            MatchInput::new(&package.package, &package.sha256, facts).in_folder(package.folder.as_deref());
        let input = MatchInput { vars: Some(vars).filter(|vars| !vars.is_empty()), ..input };
        let remembered = PlannedPackage { input, planning, outcome, metadata };
        let reject = |plan: &dropship_rules::Plan| plan_rejection(plan, facts, self.levels);
        let (new, differences) = comparison::replay(self.rules, &remembered, &reject);
        let rule = |outcome: &PlanningOutcome| match outcome {
            PlanningOutcome::Planned(plan) => Some(plan.rule.clone()),
            PlanningOutcome::Rejected { .. } => None,
        };
        PackageDifferences {
            job: package.job.clone(),
            package: package.package.clone(),
            folder: package.folder.clone(),
            rule: rule(outcome),
            new_rule: rule(&new),
            differences,
        }
    }
}

/// A package as its record has it.
struct RecordedPackage {
    facts: Facts,
    vars: Vars,
    planning: Planning,
    outcome: PlanningOutcome,
}

/// Plans the package of a job again. `None` if its facts are gone, or the rules were not asked.
#[must_use]
pub fn replay_job(rules: ReplayRules<'_>, packages: &PackageStore, job: &Job) -> Option<PackageDifferences> {
    let (package, record) = RememberedPackage::read(packages, job);
    rules.replay(&package, &record, || {
        let bytes = packages.read_metadata(job.id()).ok()??;
        DriverMetadata::parse(&bytes).ok()
    })
}
