//! A daemon that runs in the simulation, with the acts of its operator.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::super::fake_service::FakeService;
use crate::admission::Admission;
use crate::operations::{
    self, ActiveJobs, Approval, ControlError, ControlErrorKind, JobAction, JobService, LabelPlanner,
};
use crate::pipeline::audit::{self, AuditTurn};
use crate::pipeline::{Pipeline, Service as _, record_label_event};
use crate::service_id::ServiceId;
use dropship_config::model::Folder;
use dropship_hardware::{LabelId, ProductId, SubmissionId};
use dropship_intake::{Admitted, FileReceiver, FoundFile, Identity};
use dropship_job::{Event, Job, Label};
use dropship_shared_folder::Progress;
use dropship_store::Filter;

/// Every scenario ends within this virtual time.
const TIME_LIMIT: Duration = Duration::from_secs(30 * 24 * 3600);

/// A running daemon.
pub(super) struct Daemon {
    pub(super) pipeline: Arc<Pipeline<FakeService>>,
    pub(super) admission: Arc<Admission>,
}

/// An act of the operator.
pub(crate) enum OperatorAction {
    /// Act on the job.
    Act(JobAction),
    /// Withdraw the labels that are not published.
    Withdraw,
    /// Edit a label, then approve the job.
    Edit,
    /// Withdraw the first label without dropship.
    WithdrawElsewhere,
}

/// Chooses the act of the operator on a job that no worker is running.
pub(crate) type Operator<'a> = &'a mut dyn FnMut(&Job) -> Option<OperatorAction>;
impl Daemon {
    /// Scans the drop folder as intake does.
    pub(super) async fn scan(&self) {
        let (admission, active) = (Arc::clone(&self.admission), self.admission.active());
        let scanned = tokio::task::spawn_blocking(move || {
            let folder = &active.config.folders[0];
            let mut items: Vec<_> = fs::read_dir(&folder.path).expect("the folder").flatten().collect();
            items.sort_by_key(fs::DirEntry::file_name);
            if items.iter().all(|item| offer(&admission, folder, &item.path())) {
                admission.on_scan_complete(&folder.name);
            }
        });
        scanned.await.expect("a scan");
    }

    /// Offers one file as intake does after an event; false if it is not received.
    pub(super) async fn offer(&self, path: PathBuf) -> bool {
        let (admission, active) = (Arc::clone(&self.admission), self.admission.active());
        let offered = move || offer(&admission, &active.config.folders[0], &path);
        tokio::task::spawn_blocking(offered).await.expect("an answer")
    }

    /// Returns when the queue is empty, no worker runs, and the operator has nothing to do.
    pub(super) async fn wait_until_idle(&self, operator: Operator<'_>) {
        let started_at = tokio::time::Instant::now();
        loop {
            let is_auditing = self.run_audit().await;
            let is_operating = self.run_operator(operator).await;
            let is_working = !self.pipeline.queue.is_empty() || self.pipeline.queue.running() > 0;
            if !is_auditing && !is_operating && !is_working {
                // As the daemon does regularly: an error of this machine must not look like one of the pipeline.
                self.pipeline.receipts().write_unwritten().await;
                let unwritten = self.pipeline.receipts().unwritten();
                if !unwritten.is_empty() {
                    println!("receipts that cannot be written: {unwritten:#?}");
                }
                return;
            }
            tokio::time::sleep(Duration::from_secs(61)).await;
            assert!(
                started_at.elapsed() < TIME_LIMIT,
                "the daemon is never idle: {:#?}",
                self.pipeline.store.open_jobs()
            );
        }
    }

    /// Compares the published labels that are due with the service; true if there was one.
    async fn run_audit(&self) -> bool {
        let mut done = false;
        while !self.pipeline.settings.audit.is_zero()
            && matches!(audit::turn(&self.pipeline).await, Ok(AuditTurn::Done))
        {
            done = true;
        }
        done
    }

    /// Lets the operator act on each job that no worker runs; true if there was an act.
    async fn run_operator(&self, operator: Operator<'_>) -> bool {
        let mut jobs = self.pipeline.store.jobs(&Filter::default()).expect("jobs");
        jobs.reverse();
        let job_service = JobService::new(
            Arc::clone(&self.pipeline.store),
            self.pipeline.packages.clone(),
            Arc::new(DaemonJobs(Arc::clone(&self.pipeline))),
            false,
        );
        let mut done = false;
        jobs.retain(|job| !self.pipeline.queue.is_running(job.id()));
        for job in jobs {
            let Some(action) = operator(&job) else { continue };
            done = true;
            let (store, by) = (&*self.pipeline.store, "the operator");
            let person = an_operator(job.rev());
            match action {
                OperatorAction::WithdrawElsewhere => {
                    let id = job.labels().first().and_then(Label::id).expect("the label exists");
                    if let Some(label) = self.service().state().labels.get_mut(&id) {
                        label.is_cancelled = true;
                    }
                }
                OperatorAction::Withdraw => self.withdraw_by_hand(&job, by).await,
                OperatorAction::Edit => {
                    let event = Event::Edited { label: 0, by: by.to_owned(), update: "{}".to_owned() };
                    if let Ok(Some(job)) = record_label_event(store, job.id(), event.clone()).await {
                        self.pipeline.events.after_commit(&job, &[event]).await;
                    }
                    let approve = JobAction::Approve(Approval::default());
                    let _crashed = job_service.act(job.id(), &approve, &person, &()).await.is_err();
                }
                OperatorAction::Act(act) => {
                    let result = job_service.act(job.id(), &act, &person, self).await;
                    assert!(result.is_ok() || self.pipeline.store.job(job.id()).is_ok(), "{result:?}");
                }
            }
        }
        done
    }

    fn service(&self) -> FakeService {
        self.pipeline.services.values().next().expect("an account").clone()
    }

    /// Withdraws the labels of a job as `dropship api label cancel` does.
    async fn withdraw_by_hand(&self, job: &Job, by: &str) {
        let (product, submission) =
            (job.product().id().expect("its id"), job.submission().id().expect("its id"));
        for (label, id) in
            job.labels().iter().enumerate().filter_map(|(index, label)| Some((index, label.id()?)))
        {
            let service = &self.pipeline.services["default"];
            let response = service
                .cancel_label(ProductId::of(product), SubmissionId::of(submission), LabelId::of(id))
                .await;
            let event = Event::Withdrawn { label, id, by: by.to_owned() };
            // The daemon may crash here.
            if response.is_ok()
                && let Ok(Some(job)) =
                    record_label_event(&*self.pipeline.store, job.id(), event.clone()).await
            {
                self.pipeline.events.after_commit(&job, &[event]).await;
            }
        }
    }
}

/// Offers a file unless it is known; false if it is not received.
fn offer(admission: &Admission, folder: &Folder, path: &Path) -> bool {
    let identity = Identity::from(&fs::metadata(path).expect("a file"));
    if admission.is_known(&folder.name, path, &identity, None) {
        return true;
    }
    let found = FoundFile {
        progress: Progress::default(),
        folder: folder.name.clone(),
        root: folder.path.clone(),
        path: path.to_owned(),
        name: path.file_name().expect("a name").to_owned(),
        identity,
        settled: true,
        stale: true,
        backlog: false,
        polled: false,
        last_sha256: None,
        sidecar: None,
    };
    admission.receive(&found) == Admitted::Yes
}

/// Plans labels by the rules of the simulation.
impl LabelPlanner for Daemon {
    fn replan(&self, job: &Job) -> Result<Option<Event>, ControlError> {
        let replanned = self.admission.replan(job);
        replanned.map_err(|error| ControlError::new(ControlErrorKind::Illegal, error.to_string()))
    }
}

/// No job runs without a daemon.
pub(super) struct NoActiveJobs;

impl ActiveJobs for NoActiveJobs {
    fn is_running(&self, _: &dropship_job::JobId) -> bool {
        false
    }

    fn rule_change(&self, _: &Job) -> Option<dropship_rules::rule::RuleChange> {
        None
    }

    fn on_event(&self, _: &Job, _: &[Event]) {}
}

/// Passes the acts of the operator on to the daemon.
struct DaemonJobs(Arc<Pipeline<FakeService>>);

impl ActiveJobs for DaemonJobs {
    fn is_running(&self, id: &dropship_job::JobId) -> bool {
        self.0.queue.is_running(id)
    }

    fn rule_change(&self, _: &Job) -> Option<dropship_rules::rule::RuleChange> {
        None
    }

    fn on_event(&self, job: &Job, events: &[Event]) {
        self.0.events.after_commit_in_background(job, events);
    }
}

/// An operator. Different numbers are different people.
pub(crate) fn an_operator(number: u64) -> operations::Operator {
    operations::Operator {
        uid: u32::try_from(number).unwrap_or(u32::MAX),
        name: format!("operator {number}"),
    }
}
