//! The targets of a label, and why it cannot be requested.

use std::collections::BTreeSet;
use std::ops::Deref;

use dropship_hardware::DriverMetadata;
use dropship_package::Facts;
use jiff::Timestamp;

use super::difference::LabelTarget;
use crate::label::{predicted_metadata, preview_with, select};
use crate::plan::{LabelPlan, Plan};

/// Where targets are read from: the driver metadata if they are known, else the facts of the package.
pub(super) struct TargetSource<'a> {
    pub facts: &'a Facts,
    /// Reads the driver metadata when they are needed first.
    pub metadata: &'a dyn Deref<Target = Option<DriverMetadata>>,
    /// The time for which requests are computed.
    pub now: Timestamp,
}

/// The targets of a label, and its problems.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct LabelReach {
    /// The targets; `None` if they are unknown before Microsoft has signed the package.
    pub targets: Option<BTreeSet<LabelTarget>>,
    /// Why it cannot be requested.
    pub problems: Vec<String>,
}

impl TargetSource<'_> {
    /// Whether the targets depend on the OS codes that a plan requests, because Microsoft's are not known yet.
    pub(super) fn is_predicted(&self) -> bool {
        self.metadata.is_none()
    }

    pub(super) fn reach(&self, label: &LabelPlan, plan: &Plan) -> LabelReach {
        match &**self.metadata {
            Some(metadata) => self.reach_with(label, plan, metadata),
            None if self.facts.infs.iter().any(|inf| !inf.hardware_ids.is_empty()) => self.reach_with(
                label,
                plan,
                &predicted_metadata(label, self.facts, &plan.product.requested_signatures),
            ),
            None => LabelReach::default(),
        }
    }

    fn reach_with(&self, label: &LabelPlan, plan: &Plan, metadata: &DriverMetadata) -> LabelReach {
        let rows = select(&label.targets, metadata).unwrap_or_default();
        let target = |row: &crate::label::MetadataRow<'_>| LabelTarget {
            bundle: row.bundle.to_owned(),
            inf: row.inf.to_owned(),
            os: row.os.to_owned(),
            hardware_id: row.pnp.to_owned(),
        };
        let problems = preview_with(label, plan, metadata, self.now).problems;
        LabelReach {
            targets: Some(rows.iter().map(target).collect()),
            problems: problems.into_iter().map(|problem| problem.message).collect(),
        }
    }
}
