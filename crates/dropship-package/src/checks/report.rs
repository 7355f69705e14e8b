//! Collects the findings of one inspection, each at the level that the policy gives its check.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::super::verdict::{Finding, Level};
use super::registry::Check;
use crate::budget::Meter;

/// Maximum number of findings of a check at one level: a package can have thousands of INFs.
const MAX_ALIKE: usize = 20;

/// Maximum length of a message in bytes: names in an archive can have 64 KiB.
const MAX_MESSAGE: usize = 4096;

/// The findings so far.
pub(crate) struct Report<'p> {
    levels: &'p BTreeMap<String, Level>,
    meter: &'p Meter,
    findings: Vec<Finding>,
    /// Number of findings of each check at each level, kept or not.
    counts: BTreeMap<(&'static str, Level), usize>,
}

impl<'p> Report<'p> {
    /// Starts an empty report; `levels` are those of [`Policy::levels`](crate::Policy::levels), `meter` counts the work of
    /// the checks.
    pub(crate) fn new(levels: &'p BTreeMap<String, Level>, meter: &'p Meter) -> Self {
        Self { levels, meter, findings: Vec::new(), counts: BTreeMap::new() }
    }

    /// Counts the work of the checks.
    pub(crate) fn meter(&self) -> &'p Meter {
        self.meter
    }

    /// The level of the check: the policy's, otherwise its default.
    pub(crate) fn level(&self, check: Check) -> Level {
        let info = check.info();
        match self.levels.get(info.name) {
            Some(level) if !info.fixed => *level,
            _ => info.level,
        }
    }

    /// Adds a finding, unless its check is off. The message names the object, the fault and the remedy; the check's source is
    /// appended to it.
    pub(crate) fn add(&mut self, check: Check, message: impl Into<String>) {
        self.add_at(check, self.level(check), message);
    }

    /// Adds a finding at the check's level, but not above `max_level`: for a milder case of the same fault.
    pub(crate) fn add_at_most(&mut self, check: Check, max_level: Level, message: impl Into<String>) {
        self.add_at(check, self.level(check).min(max_level), message);
    }

    /// Adds a finding at the caller's level, with the check's source appended to its message. After the first [`MAX_ALIKE`] of a
    /// check, findings are counted only.
    pub(crate) fn add_at(&mut self, check: Check, level: Level, message: impl Into<String>) {
        if level == Level::Off {
            return;
        }
        let info = check.info();
        let count = self.counts.entry((info.name, level)).or_default();
        *count = count.saturating_add(1);
        if *count > MAX_ALIKE {
            return;
        }
        let mut message = message.into();
        if message.len() > MAX_MESSAGE {
            message.truncate(message.floor_char_boundary(MAX_MESSAGE));
            message.push('…');
        }
        self.findings.push(Finding {
            check: info.name.to_owned(),
            level,
            message: format!("{message} ({})", info.source),
            source: info.source.to_owned(),
        });
    }

    /// True if the check has a finding.
    pub(crate) fn has(&self, check: Check) -> bool {
        self.findings.iter().any(|finding| finding.check == check.info().name)
    }

    /// True if any finding rejects the package.
    pub(crate) fn rejects(&self) -> bool {
        self.findings.iter().any(|finding| finding.level == Level::Error)
    }

    /// The findings, the most severe first, and in the order of their addition within a level.
    pub(crate) fn into_findings(mut self) -> Vec<Finding> {
        for ((check, level), count) in self.counts {
            let last = self.findings.iter_mut().rfind(|found| found.check == check && found.level == level);
            if let (Some(last), more @ 1..) = (last, count.saturating_sub(MAX_ALIKE)) {
                last.message.push_str(&format!("; {more} more findings like this are not shown"));
            }
        }
        self.findings.sort_by_key(|finding| Reverse(finding.level));
        self.findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::UNMETERED;

    #[test]
    fn level_of_the_operator_applies_unless_the_check_is_fixed() {
        let levels = BTreeMap::from([
            ("cert-not-ev".to_owned(), Level::Error),
            ("digest-mismatch".to_owned(), Level::Off),
            ("test-signed".to_owned(), Level::Off),
        ]);
        let mut report = Report::new(&levels, &UNMETERED);
        report.add(Check::CertNotEv, "a");
        report.add(Check::DigestMismatch, "b");
        report.add(Check::TestSigned, "c");
        let found: Vec<_> = report.into_findings().into_iter().map(|f| (f.check, f.level)).collect();
        assert_eq!(
            found,
            [("cert-not-ev".to_owned(), Level::Error), ("digest-mismatch".to_owned(), Level::Error)]
        );
    }

    #[test]
    fn findings_of_a_check_are_counted_after_the_first_ones() {
        let levels = BTreeMap::new();
        let mut report = Report::new(&levels, &UNMETERED);
        (0..MAX_ALIKE + 5).for_each(|_| report.add(Check::CatMissing, "a"));
        report.add_at(Check::CatMissing, Level::Error, "b");
        assert!(report.rejects());
        let found = report.into_findings();
        assert_eq!(found.len(), MAX_ALIKE + 1);
        assert!(found[0].message.starts_with('b') && !found[0].message.contains("more"), "{:?}", found[0]);
        assert!(found[MAX_ALIKE].message.ends_with("5 more findings like this are not shown"));
    }

    #[test]
    fn long_message_is_cut_before_its_source() {
        let levels = BTreeMap::new();
        let mut report = Report::new(&levels, &UNMETERED);
        report.add(Check::RootFiles, "\u{e9}".repeat(MAX_MESSAGE));
        let [finding] = report.into_findings().try_into().unwrap();
        assert!(
            finding.message.len() < MAX_MESSAGE + 100
                && finding.message.ends_with(&format!("… ({})", finding.source))
        );
    }

    #[test]
    fn message_ends_with_the_source() {
        let levels = BTreeMap::new();
        let mut report = Report::new(&levels, &UNMETERED);
        report.add(Check::RootFiles, "readme.txt is at the root");
        let [finding] = report.into_findings().try_into().unwrap();
        assert_eq!(finding.message, "readme.txt is at the root (hardware-submission-create.md)");
        assert_eq!(finding.source, "hardware-submission-create.md");
    }
}
