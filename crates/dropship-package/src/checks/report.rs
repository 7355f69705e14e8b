//! The findings of one inspection, each at the level that the operator gave its check.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::super::verdict::{Finding, Level};
use super::registry::Check;

/// Collects findings.
pub(crate) struct Report<'p> {
    levels: &'p BTreeMap<String, Level>,
    findings: Vec<Finding>,
}

impl<'p> Report<'p> {
    /// An empty report.
    pub(crate) fn new(levels: &'p BTreeMap<String, Level>) -> Self {
        Self { levels, findings: Vec::new() }
    }

    /// The operator's level for the check, else its default.
    pub(crate) fn level(&self, check: Check) -> Level {
        let info = check.info();
        match self.levels.get(info.name) {
            Some(level) if !info.fixed => *level,
            _ => info.level,
        }
    }

    /// Adds a finding, unless its check is off. The message names the object, the fault and what to change; the check's
    /// source is appended.
    pub(crate) fn say(&mut self, check: Check, message: impl Into<String>) {
        self.say_at(check, self.level(check), message);
    }

    /// Adds a finding at the check's level, but not above `most`: for a milder case of the same fault.
    pub(crate) fn say_at_most(&mut self, check: Check, most: Level, message: impl Into<String>) {
        self.say_at(check, self.level(check).min(most), message);
    }

    /// Adds a finding at a level that the caller has decided, with the source appended to its message.
    pub(crate) fn say_at(&mut self, check: Check, level: Level, message: impl Into<String>) {
        if level == Level::Off {
            return;
        }
        let info = check.info();
        self.findings.push(Finding {
            check: info.name.to_owned(),
            level,
            message: format!("{} ({})", message.into(), info.source),
            source: info.source.to_owned(),
        });
    }

    /// True if the check has a finding.
    pub(crate) fn said(&self, check: Check) -> bool {
        self.findings.iter().any(|finding| finding.check == check.info().name)
    }

    /// True if any finding rejects the package.
    pub(crate) fn rejects(&self) -> bool {
        self.findings.iter().any(|finding| finding.level == Level::Error)
    }

    /// The findings, the most severe first, else in the order in which they were added.
    pub(crate) fn into_findings(mut self) -> Vec<Finding> {
        self.findings.sort_by_key(|finding| Reverse(finding.level));
        self.findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn level_of_the_operator_applies_unless_the_check_is_fixed() {
        let levels = BTreeMap::from([
            ("cert-not-ev".to_owned(), Level::Error),
            ("digest-mismatch".to_owned(), Level::Off),
            ("test-signed".to_owned(), Level::Off),
        ]);
        let mut report = Report::new(&levels);
        report.say(Check::CertNotEv, "a");
        report.say(Check::DigestMismatch, "b");
        report.say(Check::TestSigned, "c");
        let found: Vec<_> = report.into_findings().into_iter().map(|f| (f.check, f.level)).collect();
        assert_eq!(
            found,
            [("cert-not-ev".to_owned(), Level::Error), ("digest-mismatch".to_owned(), Level::Error)]
        );
    }

    #[test]
    fn message_ends_with_the_source() {
        let levels = BTreeMap::new();
        let mut report = Report::new(&levels);
        report.say(Check::RootFiles, "readme.txt is at the root");
        let [finding] = report.into_findings().try_into().unwrap();
        assert_eq!(finding.message, "readme.txt is at the root (hardware-submission-create.md)");
        assert_eq!(finding.source, "hardware-submission-create.md");
    }
}
