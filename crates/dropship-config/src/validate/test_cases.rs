//! The cases of `[[test]]`: each describes a package, and what is expected for it.

use std::collections::{BTreeMap, BTreeSet};

use super::diagnostics::{Diagnostics, Problems};
use super::folders::LocatedFolder;
use super::rules::LocatedRule;
use super::steps;
use super::test_facts::facts;
use super::test_values::{fields, globs, labels};
use crate::metadata_file;
use crate::raw::test as raw;
use crate::raw::values::At;
use crate::sources::SourceUnit;
use dropship_hardware::DriverMetadata;
use dropship_rules::rule_tests::{Expect, ExpectedFields, RuleTest};

pub(super) fn cases(
    problems: &mut Problems,
    units: &[SourceUnit],
    folders: &[LocatedFolder],
    rules: &[LocatedRule],
) -> Vec<RuleTest> {
    let folders: BTreeSet<_> = folders.iter().map(|located| located.folder.name.as_str()).collect();
    let rules: BTreeSet<_> = rules.iter().map(|located| located.name.as_str()).collect();
    let mut cases = Vec::new();
    for unit in units {
        let mut diagnostics = problems.diagnostics(unit);
        for raw in &unit.file.test {
            cases.extend(case(&mut diagnostics, raw, &folders, &rules));
        }
    }
    cases
}

fn case(
    diagnostics: &mut Diagnostics<'_>,
    raw: &At<raw::Case>,
    folders: &BTreeSet<&str>,
    rules: &BTreeSet<&str>,
) -> Option<RuleTest> {
    let name = diagnostics.need_text(&raw.name, &raw.span, "name");
    let package = diagnostics.need(raw.package.as_ref(), &raw.span, "package");
    let expect = diagnostics.need(raw.expect.as_ref(), &raw.span, "expect");
    if let Some(folder) = package.and_then(|package| package.folder.as_ref())
        && !folders.contains(folder.value.as_str())
    {
        let known: Vec<_> = folders.iter().copied().collect();
        diagnostics.unknown(&folder.span, "folder", folder, &known);
    }
    if let Some(rule) = expect.and_then(|expect| expect.rule.as_ref())
        && !rules.contains(rule.value.as_str())
    {
        let known: Vec<_> = rules.iter().copied().collect();
        diagnostics.unknown(&rule.span, "rule", rule, &known);
    }
    let (package, expect) = (package?, expect?);
    let file = diagnostics.need_text(&package.file, &package.span, "file");
    let facts = facts(diagnostics, package, file.as_deref().unwrap_or_default())?;
    let metadata = match raw.metadata.as_ref().or(package.metadata.as_ref()) {
        Some(path) => Some(read_metadata(diagnostics, path)?),
        None => None,
    };
    let steps = steps::steps(diagnostics, &raw.step, expect.rejected.as_ref().is_some_and(|flag| flag.value));
    let expect = expectations(diagnostics, expect);
    Some(RuleTest {
        name: name?,
        place: diagnostics.place(&raw.span),
        folder: package.folder.as_ref().map(|folder| folder.value.clone()),
        file: file?,
        sha256: package.sha256.clone().unwrap_or_else(|| "0".repeat(64)),
        facts,
        vars: package.vars.clone().unwrap_or_default(),
        metadata,
        at: raw.at.as_ref().map(|at| at.value.0),
        expect,
        steps,
    })
}

/// Driver metadata as Microsoft sends them, or those of a package in an outbox.
fn read_metadata(diagnostics: &mut Diagnostics<'_>, path: &At<String>) -> Option<DriverMetadata> {
    let whole = diagnostics.path(path);
    match metadata_file::read(&whole) {
        Ok(metadata) => Some(metadata),
        Err(reason) => {
            let message = format!("the driver metadata `{}` cannot be used: {reason}", path.value);
            diagnostics.error(&path.span, message);
            None
        }
    }
}

fn expectations(diagnostics: &mut Diagnostics<'_>, raw: &At<raw::Expect>) -> Expect {
    let rejected = raw.rejected.as_ref().map(|flag| flag.value);
    let error = raw.error.as_ref().map(globs).unwrap_or_default();
    let wants_requests =
        raw.product.is_some() || raw.submission.is_some() || raw.label.is_some() || raw.labels.is_some();
    if rejected == Some(true) && wants_requests {
        diagnostics.error(&raw.span, "a rejected package has no requests to expect anything of");
    }
    let labels = labels(diagnostics, raw.label.as_ref());
    let mut table = |table: &Option<At<BTreeMap<String, At<raw::Any>>>>| match table {
        Some(table) => fields(diagnostics, &table.value),
        None => ExpectedFields::new(),
    };
    Expect {
        rule: raw.rule.as_ref().map(|rule| rule.value.clone()),
        rejected,
        error,
        account: raw.account.as_ref().map(|account| account.value.clone()),
        labels: raw.labels.as_ref().map(globs),
        product: table(&raw.product),
        submission: table(&raw.submission),
        label: labels,
    }
}
