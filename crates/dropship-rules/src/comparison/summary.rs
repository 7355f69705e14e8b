//! Counts differences by their cause.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::cause::Cause;
use super::difference::{PlanChange, PlanDifference};

/// The differences of all packages, counted by cause.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    causes: BTreeMap<Cause, DifferenceCounts>,
    packages: usize,
}

/// The differences with one cause, counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CauseCount {
    /// The cause.
    pub cause: Cause,
    /// The counts.
    #[serde(flatten)]
    pub counts: DifferenceCounts,
}

/// Numbers of things that differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DifferenceCounts {
    /// Packages.
    pub packages: usize,
    /// Labels.
    pub labels: usize,
    /// Targets that only the new plans have.
    pub targets_added: usize,
    /// Targets that only the old plans have.
    pub targets_removed: usize,
}

impl Summary {
    /// Counts the differences of one package.
    pub fn add(&mut self, differences: &[PlanDifference]) {
        if differences.is_empty() {
            return;
        }
        self.packages += 1;
        let mut causes: BTreeMap<&Cause, Vec<&PlanDifference>> = BTreeMap::new();
        for difference in differences {
            causes.entry(&difference.cause).or_default().push(difference);
        }
        for (cause, differences) in causes {
            let counts = self.causes.entry(cause.clone()).or_default();
            counts.packages += 1;
            let mut labels: Vec<_> = differences.iter().filter_map(|one| one.label.as_deref()).collect();
            labels.sort_unstable();
            labels.dedup();
            counts.labels += labels.len();
            for difference in differences {
                if let PlanChange::Targets(change) = &difference.change {
                    counts.targets_added += change.added_count;
                    counts.targets_removed += change.removed_count;
                }
            }
        }
    }

    /// Number of packages with a difference.
    #[must_use]
    pub fn packages(&self) -> usize {
        self.packages
    }

    /// The causes with their counts: those that add targets first, then by the number of packages.
    #[must_use]
    pub fn causes(&self) -> Vec<CauseCount> {
        let count = |(cause, counts): (&Cause, &DifferenceCounts)| CauseCount {
            cause: cause.clone(),
            counts: *counts,
        };
        let mut causes: Vec<_> = self.causes.iter().map(count).collect();
        causes.sort_by_key(|one| std::cmp::Reverse((one.counts.targets_added, one.counts.packages)));
        causes
    }
}
