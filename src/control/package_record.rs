//! The record of a package: what inspection found, and what the rules made of it.

use dropship_engine::package_store::{PackageStore, PlanSnapshot, RejectedPackage};
use dropship_job::Job;

/// The record of a package that was inspected.
#[derive(Debug, Clone)]
pub enum PackageRecord {
    /// The rules accepted it.
    Planned(Box<PlanSnapshot>),
    /// The rules rejected it.
    Rejected(Box<RejectedPackage>),
}

impl PackageRecord {
    /// Reads the record of a job; `None` if there is none, or it cannot be read any more.
    #[must_use]
    pub fn read(packages: &PackageStore, job: &Job) -> Option<Self> {
        match job.plan() {
            Some(digest) => {
                packages.plan_snapshot(job.id(), digest).ok().map(|plan| Self::Planned(Box::new(plan)))
            }
            None => {
                let text = packages.rejected_text(job.id()).ok().flatten()?;
                serde_json::from_slice(&text).ok().map(|rejected| Self::Rejected(Box::new(rejected)))
            }
        }
    }
}
