//! A `[[test]]`, and its outcome.

use std::collections::BTreeMap;

use dropship_hardware::DriverMetadata;
use dropship_package::Facts;
use jiff::Timestamp;
use serde::Serialize;

use super::chain::ChainStep;
use super::fields::ExpectedFields;
use crate::input::MatchInput;
use crate::schedule::Moment;
use dropship_glob::Glob;

/// One `[[test]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleTest {
    /// Its purpose.
    pub name: String,
    /// `file:line`.
    pub place: String,
    /// Folder of the package.
    pub folder: Option<String>,
    /// File name of the package.
    pub file: String,
    /// SHA-256 of the package.
    pub sha256: String,
    /// The facts that the inspection would find.
    pub facts: Facts,
    /// Variables of a sidecar.
    pub vars: BTreeMap<String, String>,
    /// Driver metadata that the label requests are built from; absent: they are predicted from the facts.
    pub metadata: Option<DriverMetadata>,
    /// When the package is signed: a time, or counted from the time of the run; absent: at the time of the run.
    pub at: Option<Moment>,
    /// The expected result.
    pub expect: Expect,
    /// The walk through time, in order.
    pub steps: Vec<ChainStep>,
}

impl RuleTest {
    /// The package as rules see it.
    #[must_use]
    pub fn input(&self) -> MatchInput<'_> {
        MatchInput {
            folder: self.folder.as_deref(),
            file: &self.file,
            sha256: &self.sha256,
            facts: &self.facts,
            vars: (!self.vars.is_empty()).then_some(&self.vars),
        }
    }

    /// When the package is signed, in a run at `now`. A time beyond the calendar is the last one.
    #[must_use]
    pub fn start(&self, now: Timestamp) -> Timestamp {
        self.at.map_or(now, |at| at.resolve(now).unwrap_or(Timestamp::MAX))
    }

    /// Whether the case says which hardware ids the package has.
    #[must_use]
    pub fn knows_targets(&self) -> bool {
        self.metadata.is_some() || self.facts.infs.iter().any(|inf| !inf.hardware_ids.is_empty())
    }
}

/// The expected result of a package.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expect {
    /// Name of the rule.
    pub rule: Option<String>,
    /// No rule is for it, or its requests cannot be made.
    pub rejected: Option<bool>,
    /// One of these fits the reason.
    pub error: Vec<Glob>,
    /// Name of the account.
    pub account: Option<String>,
    /// Names of all labels, in order.
    pub labels: Option<Vec<Glob>>,
    /// Fields of the product request.
    pub product: ExpectedFields,
    /// Fields of the submission request.
    pub submission: ExpectedFields,
    /// Fields of the requests of those labels whose name fits; no name: of each.
    pub label: Vec<(Option<Glob>, ExpectedFields)>,
}

/// The result of a case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaseResult {
    /// Name of the case.
    pub name: String,
    /// `file:line`.
    pub place: String,
    /// Everything was as expected.
    pub passed: bool,
    /// The rule that the package got.
    pub rule: Option<String>,
    /// Differences from the expectation.
    pub differences: Vec<Mismatch>,
}

/// One thing that was not as expected.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mismatch {
    /// What: `rule`, `product.name`, `label "NAME".floor`.
    pub field: String,
    /// The expected value.
    pub expected: String,
    /// The actual value.
    pub found: String,
}

impl std::fmt::Display for CaseResult {
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

/// Differences as they are found.
#[derive(Default)]
pub(super) struct Mismatches(pub(super) Vec<Mismatch>);

impl Mismatches {
    pub(super) fn put(
        &mut self,
        field: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) {
        self.0.push(Mismatch { field: field.into(), expected: expected.into(), found: found.into() });
    }
}
