//! Follows a submission that was made elsewhere: its package is planned by the rules, and its job continues after the commit.

use std::path::Path;

use jiff::Timestamp;

use super::admit::{accepted_event, planned_labels};
use super::captured_package::remove;
use super::evaluate::evaluate;
use super::state::{Admission, new_id};
use crate::digest;
use crate::outbox::{self, Receipt};
use crate::package_store::PlanSnapshot;
use crate::pipeline::go_live_of;
use crate::service_id::ServiceId;
use dropship_hardware::{LabelId, ProductId, ShippingLabel, SubmissionId};
use dropship_job::{Event, Job, JobId, Package, RemoteKind};
use dropship_rules::vars::Vars;
use dropship_store::{Commit, Entry, StoreError};

/// A submission that was made elsewhere, as the service shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdoptedSubmission<'a> {
    /// Id of the product.
    pub product: ProductId,
    /// Id of the submission.
    pub submission: SubmissionId,
    /// Its name.
    pub name: &'a str,
    /// The account that can read it.
    pub account: &'a str,
    /// Its labels.
    pub labels: &'a [AdoptedLabel],
    /// The folder whose settings and rules apply.
    pub folder: Option<&'a str>,
    /// The rule to use instead of the first one that matches.
    pub rule: Option<&'a str>,
    /// The operator.
    pub by: &'a str,
}

/// A label of such a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdoptedLabel {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: LabelId,
    /// Its go-live date: it is not live before.
    pub go_live: Option<Timestamp>,
}

impl From<&ShippingLabel> for AdoptedLabel {
    fn from(label: &ShippingLabel) -> Self {
        Self { name: label.name.clone(), id: label.id, go_live: go_live_of(label) }
    }
}

/// Why a submission is not followed.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// A job has it already.
    #[error("submission {submission} is followed by job {job} already; `dropship show {job}` shows it")]
    Followed {
        /// The submission.
        submission: SubmissionId,
        /// Its job.
        job: JobId,
    },
    /// No rule can be carried out for it.
    #[error("cannot follow submission {submission}: {why}")]
    Unplanned {
        /// The submission.
        submission: SubmissionId,
        /// The reason, and what to do about it.
        why: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The package of a submission that was made elsewhere, inspected and planned.
struct PlannedAdoption {
    name: String,
    sha256: String,
    snapshot: PlanSnapshot,
    /// The labels of the plan that exist already.
    existing: Vec<(usize, AdoptedLabel)>,
}

impl Admission {
    /// A path for the package of a submission, while it is planned.
    #[must_use]
    pub fn staging_path(&self) -> std::path::PathBuf {
        self.packages.incoming(new_id().as_str())
    }

    /// Creates the job of a submission whose package was downloaded to `copy`. The copy is moved or removed.
    ///
    /// # Errors
    /// When a job follows it already, no rule fits its package, or the store cannot be written.
    pub fn adopt(&self, adopted: &AdoptedSubmission<'_>, copy: &Path) -> Result<Job, AdoptError> {
        let result = self.create_adopted(adopted, copy);
        remove(copy);
        result
    }

    fn create_adopted(&self, adopted: &AdoptedSubmission<'_>, copy: &Path) -> Result<Job, AdoptError> {
        let unplanned = |why: String| AdoptError::Unplanned { submission: adopted.submission, why };
        let planned = self.plan_adopted(adopted, copy)?;

        let _guard = self.creating.lock();
        let known = self.store.find(&planned.sha256, adopted.folder)?;
        if let Some(job) = self.store.owner(adopted.submission.remote())?.or(known) {
            return Err(AdoptError::Followed { submission: adopted.submission, job });
        }
        let id = new_id();
        let digest = self.packages.admit(&id, copy, &planned.snapshot);
        let digest = digest.map_err(|error| unplanned(format!("cannot store its package: {error}")))?;
        let events = self.adoption_events(adopted, planned, digest);
        let entry = Entry::Job { job: id, rev: 0, events: events.clone() };
        let jobs = self.store.commit(Commit::new(vec![entry])).wait()?;
        let job = jobs.into_iter().next();
        let job = job.ok_or_else(|| unplanned("the store did not create its job".to_owned()))?;
        self.events.after_commit_blocking(&job, &events);
        Ok(job)
    }

    /// Inspects and plans the package as if it had been dropped.
    fn plan_adopted(
        &self,
        adopted: &AdoptedSubmission<'_>,
        copy: &Path,
    ) -> Result<PlannedAdoption, AdoptError> {
        let unplanned = |why: String| AdoptError::Unplanned { submission: adopted.submission, why };
        let unread = |error: std::io::Error| unplanned(format!("cannot read its package: {error}"));
        let name = format!("{}.{}", file_stem(adopted), extension(copy).map_err(unread)?);
        let evaluation = evaluate(
            &self.active(),
            (copy, None),
            &name,
            adopted.folder,
            adopted.rule,
            &Ok(Vars::new()),
            &self.cancellation,
        )
        .map_err(unread)?;
        let plan = match evaluation.outcome {
            Some(Ok(plan)) => plan,
            Some(Err(fault)) => return Err(unplanned(fault.message)),
            None => return Err(unplanned("its package is incomplete".to_owned())),
        };
        if plan.account != adopted.account {
            return Err(unplanned(format!(
                "rule `{}` uses account `{}`, and the submission belongs to account `{}`; choose another with --rule",
                plan.rule, plan.account, adopted.account
            )));
        }
        let facts = evaluation.inspection.facts.zip(evaluation.planning);
        let (facts, planning) = facts.ok_or_else(|| unplanned("inspection found no facts".to_owned()))?;
        let existing = existing_labels(adopted, &planned_labels(&plan)).map_err(unplanned)?;
        let sha256 = digest::of_file(copy).map_err(unread)?;
        let snapshot = PlanSnapshot { facts, plan, vars: Vars::new(), planning: Some(planning) };
        Ok(PlannedAdoption { name, sha256, snapshot, existing })
    }

    /// The events of a job that begins after its commit.
    fn adoption_events(
        &self,
        adopted: &AdoptedSubmission<'_>,
        planned: PlannedAdoption,
        plan_digest: String,
    ) -> Vec<Event> {
        let PlannedAdoption { name, sha256, snapshot, existing } = planned;
        let (active, folder) = (self.active(), adopted.folder);
        let is_of_job =
            |receipt: &Receipt| receipt.folder.as_deref() == folder && self.ownership.owns(receipt);
        let mode = folder.and_then(|name| active.folder(name)).and_then(|folder| folder.outbox_mode);
        let (packages, outbox) = (&self.packages, active.outbox(folder));
        let outbox = outbox::place_of_package(packages, &outbox, &name, &sha256, mode, &is_of_job).folder;
        let package = Package {
            name,
            path: None,
            folder: folder.map(str::to_owned),
            sha256,
            size: snapshot.facts.size,
            outbox: outbox.to_string_lossy().into_owned(),
        };
        let warning =
            format!("the submission was made elsewhere and is followed at the request of {}", adopted.by);
        let created = |kind, id| Event::Created { kind, id, adopted: true, go_live: None };
        let created_label = |(index, label): (usize, AdoptedLabel)| Event::Created {
            kind: RemoteKind::Label(index),
            id: label.id.remote(),
            adopted: true,
            go_live: label.go_live,
        };
        let mut events = vec![
            Event::Arrived { package },
            accepted_event(&snapshot, plan_digest, vec![warning]),
            created(RemoteKind::Product, adopted.product.remote()),
            created(RemoteKind::Submission, adopted.submission.remote()),
            // The service has the package already: nothing was sent.
            Event::Uploaded { bytes: 0 },
            Event::Committed,
        ];
        events.extend(existing.into_iter().map(created_label));
        events
    }
}

/// The labels of the plan that exist already, by name.
fn existing_labels(
    adopted: &AdoptedSubmission<'_>,
    planned: &[dropship_job::PlannedLabel],
) -> Result<Vec<(usize, AdoptedLabel)>, String> {
    let mut existing = Vec::new();
    for (index, plan) in planned.iter().enumerate() {
        let labels: Vec<_> = adopted.labels.iter().filter(|label| label.name == plan.name).collect();
        match labels.as_slice() {
            [] => {}
            [label] => existing.push((index, (*label).clone())),
            more => {
                let more: Vec<_> = more.iter().map(|label| label.id.to_string()).collect();
                return Err(format!(
                    "it has several labels named `{}` ({}); cancel all but one with `dropship api label cancel`",
                    plan.name,
                    more.join(", ")
                ));
            }
        }
    }
    Ok(existing)
}

/// The name of the submission, as part of a file name.
fn file_stem(adopted: &AdoptedSubmission<'_>) -> String {
    let safe = |letter: char| if letter.is_alphanumeric() || " ._-".contains(letter) { letter } else { '_' };
    let name: String = adopted.name.chars().take(100).map(safe).collect();
    let name = name.trim_matches(|letter: char| letter == '.' || letter == ' ');
    if name.is_empty() { adopted.submission.to_string() } else { name.to_owned() }
}

/// The extension of a package by its first bytes: a cabinet, or a ZIP.
fn extension(package: &Path) -> std::io::Result<&'static str> {
    use std::io::Read;
    let mut magic = [0; 4];
    std::fs::File::open(package)?.read_exact(&mut magic)?;
    Ok(if &magic == b"MSCF" { "cab" } else { "hlkx" })
}
