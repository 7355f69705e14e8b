//! What holds for store, service and folders once a daemon is idle. The README of the simulation numbers the invariants.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::super::fake_service::PROCESSING_TIME;
use super::Simulation;
use crate::package_store::PackageStore;
use dropship_job::{Job, Label, LabelStage, RemoteId, State, Step, UploadProgress};
use dropship_store::Store;

/// Between the publishing of the first label and the creation of the second.
const SOAK: Duration = Duration::from_secs(2 * 3600);

impl Simulation {
    /// Jobs whose captured copy is missing before the upload (I1).
    pub(super) fn lost_copies(&self) -> Vec<String> {
        let packages = PackageStore::open(&self.home.path().join("store")).expect("packages");
        let jobs = self.jobs().into_iter();
        let needs =
            jobs.filter(|job| job.is_accepted() && !job.state().has_ended() && job.step() <= Step::Upload);
        needs
            .filter(|job| !packages.has_copy(job.id()).expect("read"))
            .map(|job| format!("{} lost its copy", job.id()))
            .collect()
    }

    /// The violated invariants once the daemon is idle; `dropped` are the digests of all packages ever dropped.
    pub(crate) fn violations(&self, dropped: &BTreeSet<String>) -> Vec<String> {
        let mut violations = self.lost_copies();
        let jobs = self.jobs();
        let with_job: BTreeSet<_> = jobs.iter().map(|job| job.package().sha256.clone()).collect();
        if jobs.len() != with_job.len() {
            violations.push(format!("I1: {} jobs for {} packages", jobs.len(), with_job.len()));
        }
        violations
            .extend(with_job.difference(dropped).map(|sha256| format!("I1: {sha256} was never dropped")));
        violations.extend(
            self.files_in_drop_folder()
                .difference(&with_job)
                .map(|sha256| format!("I1: {sha256} has no job")),
        );
        let remote = self.service.state();
        let late_duplicates = self.late_duplicates();
        let owner = |id: RemoteId| self.memory.owner(id).expect("an owner").filter(|_| true);
        let all = remote.products.keys().chain(remote.submissions.keys()).chain(remote.labels.keys());
        for id in all.filter(|id| owner(**id).is_none() && !late_duplicates.contains(id)) {
            let doubted = jobs.iter().any(|job| !job.state().has_ended() && job.doubt().is_some());
            if !doubted && !self.foreign_products.contains(id) {
                violations.push(format!("I2: {id} at the service belongs to no job"));
            }
        }
        for (id, sent) in &remote.submissions {
            let Some(job) = owner(*id).and_then(|id| jobs.iter().find(|job| *job.id() == id)) else {
                continue;
            };
            let has_uploaded = job.upload() != UploadProgress::Open;
            let differs = sent.uploaded.as_ref().is_some_and(|sha256| *sha256 != job.package().sha256);
            if has_uploaded && differs {
                violations.push(format!("I5: {id} holds other bytes than job {} has", job.id()));
            }
        }
        for (id, label) in &remote.labels {
            let Some(job) = owner(*id).and_then(|id| jobs.iter().find(|job| *job.id() == id)) else {
                continue;
            };
            if !job.labels().iter().any(|planned| planned.name() == label.name) {
                violations.push(format!("label {id} `{}` was not asked for", label.name));
            }
        }
        drop(remote);
        for job in &jobs {
            violations.extend(self.job_violations(job));
        }
        violations
    }

    fn job_violations(&self, job: &Job) -> Vec<String> {
        let mut violations = Vec::new();
        if !job.duplicate_checks().is_empty() {
            violations.push(format!(
                "no late check ran for the creates of {}: {:?}",
                job.id(),
                job.duplicate_checks()
            ));
        }
        if !job.pending_withdrawals().is_empty() {
            violations.push(format!(
                "labels of {} are not withdrawn: {:?}",
                job.id(),
                job.pending_withdrawals()
            ));
        }
        if *job.state() == State::Cancelled {
            let remote = self.service.state();
            let labels = remote.labels.iter().filter(|(_, label)| label.submission == job.submission().id());
            let published = |id: RemoteId| {
                let own = job.labels().iter().filter_map(Label::remote);
                let mut all = own.chain(job.strays().iter().map(|stray| &stray.remote));
                all.any(|label| label.id == id && matches!(label.stage, LabelStage::Published { .. }))
            };
            let published_later =
                labels.filter(|(id, label)| !label.is_cancelled && !label.is_refused && !published(**id));
            violations.extend(
                published_later
                    .map(|(id, _)| format!("label {id} of the cancelled job {} goes out", job.id())),
            );
        }
        if !job.state().has_ended() && !matches!(job.state(), State::Held { .. }) {
            violations.push(format!(
                "I4: job {} is {} and no worker continues it",
                job.id(),
                job.state().kind().as_str()
            ));
        }
        let history = self.memory.history(job.id()).expect("a history");
        let events = || history.iter().map(|entry| (entry.at, &entry.event));
        match dropship_job::fold(job.id(), events()) {
            Ok(Some(folded)) if folded == *job => {}
            other => {
                violations.push(format!("I3: the history of {} folds to something else: {other:?}", job.id()))
            }
        }
        let published = |name: &str| {
            job.labels().iter().find(|label| label.name().ends_with(name)).and_then(Label::live_at)
        };
        if let (Some(ring), Some(wide)) = (published("ring"), published("wide")) {
            let soak = Duration::try_from(wide.duration_since(ring)).unwrap_or_default();
            if soak < SOAK + PROCESSING_TIME {
                violations.push(format!("the second label of {} came {soak:?} after the first", job.id()));
            }
        }
        let receipt = Path::new(&job.package().outbox).join(dropship_config::outbox_layout::RECEIPT);
        let receipt: Value =
            fs::read(&receipt).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        if receipt["state"] != job.state().kind().as_str() {
            violations.push(format!(
                "the receipt of {} says {}, not {}",
                job.id(),
                receipt["state"],
                job.state().kind().as_str()
            ));
        }
        violations
    }
}
