//! The packages that each rule matched.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::web::rows::Rows;
use dropship_job::{JobId, StateKind};

/// Numbers of packages.
#[derive(Debug, Default)]
pub(super) struct PackageCounts {
    /// By the name of the rule.
    pub(super) by_rule: BTreeMap<Arc<str>, RulePackages>,
    /// Packages that no rule matched, or that inspection rejected before.
    pub(super) unmatched: usize,
}

/// The packages of a rule.
#[derive(Debug)]
pub(super) struct RulePackages {
    /// Their number.
    pub(super) count: usize,
    /// The newest: its job, its file name, and when it arrived.
    pub(super) last: (JobId, Box<str>, Timestamp),
}

/// Counts the packages by rule.
pub(super) fn count(rows: &Rows) -> PackageCounts {
    let mut packages = PackageCounts::default();
    for row in rows.newest_first() {
        let Some(rule) = &row.rule else {
            packages.unmatched += usize::from(row.stored_state() == StateKind::Rejected);
            continue;
        };
        let last = || (row.id.clone(), row.package.clone(), row.created);
        match packages.by_rule.get_mut(rule) {
            Some(matched) => matched.count += 1,
            None => drop(packages.by_rule.insert(Arc::clone(rule), RulePackages { count: 1, last: last() })),
        }
    }
    packages
}
