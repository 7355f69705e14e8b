//! Reads the packages that the store remembers, one after the other: memory does not depend on their number.

use std::io;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::package_store::PackageStore;
use dropship_job::{ErrorKind, Job, JobId, State};
use dropship_store::{Filter, Store, StoreError};

/// Number of jobs that are read together.
const PAGE: usize = 256;

/// A job whose package is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RememberedPackage {
    /// Id of the job.
    pub job: JobId,
    /// File name of the package.
    pub package: String,
    /// SHA-256 of the package, lower-case hex.
    pub sha256: String,
    /// Folder of the package.
    pub folder: Option<String>,
    /// The rule that it was planned by.
    pub rule: Option<String>,
    /// Labels of the stored plan that were dropped by a later plan.
    pub dropped: Vec<String>,
    /// The record that is stored of it.
    pub record: Record,
}

/// The record of a package, whose text follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// A `PlanSnapshot`.
    Planned,
    /// A `RejectedPackage`.
    Rejected,
    /// None: it is lost, or from an earlier version.
    Gone,
    /// None: the inspection has rejected the package, or has not ended. Rules were not asked.
    NotPlanned,
}

impl RememberedPackage {
    /// The job, without its record.
    fn of(job: &Job, record: Record) -> Self {
        let package = job.package();
        let dropped = job.labels().iter().filter(|label| label.is_dropped());
        Self {
            job: job.id().clone(),
            package: package.name.clone(),
            sha256: package.sha256.clone(),
            folder: package.folder.clone(),
            rule: job.rule().map(str::to_owned),
            dropped: dropped.map(|label| label.name().to_owned()).collect(),
            record,
        }
    }

    /// A job and the text of its record. The text is empty if there is no record.
    pub(super) fn read(packages: &PackageStore, job: &Job) -> (Self, Vec<u8>) {
        let (record, text) = match (job.is_accepted(), job.plan()) {
            (true, Some(digest)) => match packages.plan_text(job.id(), digest) {
                Ok(text) => (Record::Planned, text),
                Err(_) => (Record::Gone, Vec::new()),
            },
            (true, None) => (Record::Gone, Vec::new()),
            (false, _) => match packages.rejected_text(job.id()) {
                // A record is one line.
                Ok(Some(text)) if !text.contains(&b'\n') => (Record::Rejected, text),
                Ok(None) if !is_rejected_by_rules(job) => (Record::NotPlanned, Vec::new()),
                Ok(_) | Err(_) => (Record::Gone, Vec::new()),
            },
        };
        (Self::of(job, record), text)
    }
}

fn is_rejected_by_rules(job: &Job) -> bool {
    matches!(job.state(), State::Rejected { fault } if matches!(fault.kind, ErrorKind::NoRule | ErrorKind::RuleUnfit))
}

/// Calls `each` with every package that arrived at `since` or later, newest first, and with the text of its record.
///
/// # Errors
/// When the store cannot be read, or `each` fails.
pub fn each_remembered(
    store: &dyn Store,
    packages: &PackageStore,
    since: Option<Timestamp>,
    each: &mut dyn FnMut(&RememberedPackage, &[u8]) -> io::Result<()>,
) -> Result<(), StoreError> {
    let mut before = None;
    loop {
        let page = store.jobs(&Filter { state: None, before, limit: PAGE })?;
        before = page.last().map(|job| job.id().clone());
        if before.is_none() {
            return Ok(());
        }
        for job in page.iter().filter(|job| since.is_none_or(|since| job.created() >= since)) {
            let (package, text) = RememberedPackage::read(packages, job);
            let failed = |error| StoreError::Io { what: "cannot send", path: "packages".into(), error };
            each(&package, &text).map_err(failed)?;
        }
    }
}
