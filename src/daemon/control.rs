//! Answers the requests of the control socket.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;

use super::job_counts;
use super::reload::Reloader;
use crate::attention::Attention;
use crate::control::{
    AccountStatus, AdoptRequest, Calls, ConfigurationStanding, ControlHandler, FolderStatus, LabelChange,
    LabelNotWithdrawn, OperatorGroups, PackageRecord, Reloaded, Status, SubmitRequest, nodes_of,
    require_node_of_package,
};
use crate::metrics::CallHistory;
use dropship_engine::admission::{ActiveConfig, Admission, FileStanding, ReplanError, SubmittedFile};
use dropship_engine::approval::ApprovalPage;
use dropship_engine::operations::{
    ActiveJobs, ControlError, ControlErrorKind, JobAction, JobQuery, JobService, LabelPlanner, LabelReach,
    Operator, label_reach, require_folder, require_rule,
};
use dropship_engine::outbox::Receipt;
use dropship_engine::pipeline::{self, Pipeline, label_of, withdraw_now};
use dropship_engine::replay::{RememberedPackage, each_remembered};
use dropship_engine::service_id::ServiceId;
use dropship_hardware::Client;
use dropship_hardware::LabelId;
use dropship_intake::Intake;
use dropship_job::{Event, Job, JobId};
use dropship_rules::rule::RuleChange;
use dropship_store::Finding;

/// How long the answer of `cancel` waits for the service.
pub(super) const WITHDRAWAL_WAIT: Duration = Duration::from_secs(20);

pub(super) struct DaemonControl {
    jobs: JobService,
    pipeline: Arc<Pipeline<Client>>,
    intake: Arc<Intake>,
    admission: Arc<Admission>,
    reloader: Arc<Reloader>,
    attention: Arc<Attention>,
    calls: Arc<CallHistory>,
    since: Timestamp,
}

impl DaemonControl {
    pub(super) fn new(reloader: Arc<Reloader>, attention: Arc<Attention>, calls: Arc<CallHistory>) -> Self {
        let (pipeline, intake, admission) = reloader.parts();
        let workers =
            Arc::new(PipelineWorkers { pipeline: Arc::clone(&pipeline), admission: Arc::clone(&admission) });
        let jobs = JobService::new(
            Arc::clone(pipeline.store()),
            pipeline.packages().clone(),
            workers,
            pipeline.settings().sandbox,
        );
        Self { jobs, pipeline, intake, admission, reloader, attention, calls, since: Timestamp::now() }
    }

    /// Cancels a job and withdraws its labels. Waits until each withdrawal was attempted, for at most [`WITHDRAWAL_WAIT`]; what
    /// is not withdrawn by then is withdrawn in the background.
    async fn cancel(&self, id: &JobId, by: &Operator) -> Result<Receipt, ControlError> {
        // While a worker has the job, it withdraws the labels itself once its call has ended.
        let is_claimed = self.pipeline.queue().claim(id);
        let cancelled = self.jobs.act(id, &JobAction::Cancel, by, &()).await;
        if is_claimed {
            let (pipeline, id, withdraws) = (Arc::clone(&self.pipeline), id.clone(), cancelled.is_ok());
            let withdrawing = tokio::spawn(async move {
                if withdraws && let Err(error) = withdraw_now(&pipeline, &id).await {
                    tracing::error!(job_id = %id, "cannot record the withdrawal of labels of job {id}: {error}");
                }
                pipeline.queue().release(&id);
            });
            drop(tokio::time::timeout(WITHDRAWAL_WAIT, withdrawing).await);
        } else if cancelled.is_ok() {
            drop(tokio::time::timeout(WITHDRAWAL_WAIT, self.wait_for_withdrawal_attempts(id)).await);
        }
        cancelled?;
        self.jobs.current(id)
    }

    /// Returns when each withdrawal of a job was attempted.
    async fn wait_for_withdrawal_attempts(&self, id: &JobId) {
        let mut changes = self.pipeline.events().subscribe();
        while matches!(self.pipeline.store().job(id), Ok(Some(job)) if job.has_untried_withdrawal()) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// The labels that are not withdrawn yet.
    fn not_withdrawn(&self) -> Result<Vec<LabelNotWithdrawn>, ControlError> {
        let mut labels = Vec::new();
        for job in self.pipeline.queue().not_withdrawn() {
            labels.extend(LabelNotWithdrawn::of(self.jobs.current(&job)?));
        }
        Ok(labels)
    }

    /// The store may be older than the receipt of an ended job.
    async fn catch_up_with_receipt(&self, id: &JobId) -> Result<(), ControlError> {
        let Some(job) = self.pipeline.store().job(id)?.filter(|job| job.state().has_ended()) else {
            return Ok(());
        };
        let admission = Arc::clone(&self.admission);
        let catching_up = tokio::task::spawn_blocking(move || admission.catch_up_with_receipt(&job));
        let caught_up = catching_up.await.map_err(|error| {
            ControlError::new(
                ControlErrorKind::Failed,
                format!("cannot read the receipt of job {id}: {error}"),
            )
        })?;
        caught_up?;
        Ok(())
    }

    fn require_folder(&self, folder: Option<&str>) -> Result<(), ControlError> {
        let Some(name) = folder else { return Ok(()) };
        require_folder(&self.admission.active().config, name)
    }

    /// Refuses a folder that is on another node only.
    fn require_folder_here(&self, folder: Option<&str>) -> Result<(), ControlError> {
        let active = self.admission.active();
        let elsewhere = folder.and_then(|name| Some((name, active.config.node_elsewhere(name)?)));
        elsewhere.map_or(Ok(()), |(name, node)| {
            Err(ControlError::failed(format!("folder `{name}` is on node `{node}`; run the command there")))
        })
    }

    fn require_rule(&self, rule: Option<&str>) -> Result<(), ControlError> {
        let Some(name) = rule else { return Ok(()) };
        require_rule(&self.admission.active().config, name)
    }
}

impl ControlHandler for DaemonControl {
    fn jobs(&self) -> &JobService {
        &self.jobs
    }

    fn list(&self, query: &JobQuery) -> Result<Vec<Receipt>, ControlError> {
        self.jobs.list_known(query, &self.admission.active().config)
    }

    fn configuration(&self) -> Arc<ActiveConfig> {
        self.admission.active()
    }

    fn operators(&self) -> &OperatorGroups {
        self.reloader.operators()
    }

    fn max_package(&self) -> u64 {
        self.admission.active().config.store.max_package
    }

    fn status(&self) -> Result<Status, ControlError> {
        let jobs = job_counts::of(&self.pipeline)?;
        let accounts = self.pipeline.accounts().all().into_iter().map(|(name, suspension)| AccountStatus {
            name,
            why: suspension.why,
            since: suspension.since,
            probe: suspension.probe,
        });
        let folders = self.intake.health().into_iter().map(FolderStatus::from);
        Ok(Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            running: true,
            since: Some(self.since),
            node: self.admission.active().config.store.node().map(str::to_owned),
            stands_by_for: None,
            nodes: nodes_of(&**self.pipeline.store()),
            endpoint: self.admission.active().config.api.endpoint.to_string(),
            sandbox: self.pipeline.settings().sandbox,
            jobs,
            paused: self.pipeline.pause().scopes().into_iter().collect(),
            accounts: accounts.collect(),
            not_withdrawn: self.not_withdrawn()?,
            folders: folders.collect(),
            trouble: self.attention.refresh(),
            restart: self
                .attention
                .sources()
                .configuration
                .restart()
                .into_iter()
                .map(|key| key.key)
                .collect(),
        })
    }

    fn doctor(&self) -> Result<Vec<Finding>, ControlError> {
        let comparison = self.admission.compare_with_receipts()?;
        let (store, packages) = (&**self.pipeline.store(), self.pipeline.packages());
        let mut findings = crate::doctor::examine(store, packages, &comparison)?;
        let stale_store = self.admission.stale_store();
        let recovered = || crate::doctor::recovered_store(stale_store, self.admission.undecided_jobs());
        let active = self.admission.active();
        findings.extend(crate::doctor::stale_store(&comparison, &active.config).or_else(recovered));
        Ok(findings)
    }

    fn file_standing(&self, path: &Path) -> Result<FileStanding, ControlError> {
        Ok(self.admission.file_standing(path)?)
    }

    fn rescan(&self, folder: Option<&str>) -> Result<(), ControlError> {
        self.require_folder(folder)?;
        self.require_folder_here(folder)?;
        self.intake.rescan(folder);
        Ok(())
    }

    fn set_paused<'a>(
        &'a self,
        folder: Option<&'a str>,
        paused: bool,
    ) -> BoxFuture<'a, Result<(), ControlError>> {
        async move {
            let is_paused = folder.is_some_and(|name| self.pipeline.pause().has_folder(name));
            // A folder that was removed while it was paused can be resumed.
            if paused || !is_paused {
                self.require_folder(folder)?;
            }
            let (pause, store) = (self.pipeline.pause(), &**self.pipeline.store());
            if paused {
                pause.pause(store, folder).await?;
            } else {
                pause.resume(store, folder).await?;
                self.pipeline.wake_paused().await?;
            }
            dropship_engine::observe::pause_changed(folder, paused);
            Ok(())
        }
        .boxed()
    }

    fn act<'a>(
        &'a self,
        id: &'a JobId,
        action: &'a JobAction,
        by: &'a Operator,
    ) -> BoxFuture<'a, Result<Receipt, ControlError>> {
        async move {
            match action {
                JobAction::Cancel => self.cancel(id, by).await,
                JobAction::Approve(_) => self.jobs.act(id, action, by, &()).await,
                JobAction::Retry { .. } => {
                    let active = self.admission.active();
                    require_node_of_package(self.pipeline.store(), &active.config, id).await?;
                    self.catch_up_with_receipt(id).await?;
                    self.jobs.act(id, action, by, &RulesInForce(Arc::clone(&self.admission))).await
                }
            }
        }
        .boxed()
    }

    fn record_label_change(
        &self,
        label: LabelId,
        change: LabelChange,
        by: String,
    ) -> BoxFuture<'_, Result<Option<JobId>, ControlError>> {
        async move {
            let store = &**self.pipeline.store();
            let Some((job, index)) = label_of(store, label.remote())? else { return Ok(None) };
            let event = change.event(index, label.remote(), &by);
            if let Some(job) = pipeline::record_label_event(store, job.id(), event.clone()).await? {
                self.pipeline.events().after_commit(&job, &[event]).await;
            }
            Ok(Some(job.id().clone()))
        }
        .boxed()
    }

    fn adopt(&self, request: AdoptRequest, by: String) -> BoxFuture<'_, Result<JobId, ControlError>> {
        async move {
            self.require_folder(request.folder.as_deref())?;
            self.require_rule(request.rule.as_deref())?;
            super::adopt::adopt(&self.pipeline, &self.admission, request, by).await
        }
        .boxed()
    }

    fn remembered(
        &self,
        since: Option<Timestamp>,
        each: &mut dyn FnMut(&RememberedPackage, &[u8]) -> std::io::Result<()>,
    ) -> Result<(), ControlError> {
        Ok(each_remembered(&**self.pipeline.store(), self.pipeline.packages(), since, each)?)
    }

    fn package_record(&self, id: &JobId) -> Result<Option<PackageRecord>, ControlError> {
        let job = self.pipeline.store().job(id)?;
        Ok(job.and_then(|job| PackageRecord::read(self.pipeline.packages(), &job)))
    }

    fn driver_metadata(&self, id: &JobId) -> Result<Option<Vec<u8>>, ControlError> {
        self.pipeline.packages().read_metadata(id).map_err(|error| {
            let message = format!("cannot read the driver metadata of job {id}: {error}");
            ControlError::new(ControlErrorKind::Failed, message)
        })
    }

    fn label_reach(&self, id: &JobId) -> Result<Vec<LabelReach>, ControlError> {
        let (store, packages) = (&**self.pipeline.store(), self.pipeline.packages());
        let Some(job) = store.job(id)? else { return Ok(Vec::new()) };
        Ok(label_reach(store, packages, &job, Timestamp::now())?)
    }

    fn configuration_standing(&self) -> ConfigurationStanding {
        let state = &self.attention.sources().configuration;
        ConfigurationStanding {
            generation: state.generation(),
            active_since: state.applied_at(),
            last_reload: state.last_reload(),
            refused: state.last_refused(),
            restart: state.restart().into_iter().map(|key| key.key).collect(),
        }
    }

    fn calls(&self) -> Calls {
        Calls { since: self.calls.begins(), accounts: self.calls.accounts(Timestamp::now()) }
    }

    fn preview_reload(&self, max_jobs: usize) -> BoxFuture<'_, Result<Reloaded, ControlError>> {
        self.reloader.preview(max_jobs).boxed()
    }

    fn reload<'a>(&'a self, by: &'a str) -> BoxFuture<'a, Result<Reloaded, ControlError>> {
        self.reloader.reload(by).boxed()
    }

    fn submit(&self, request: &SubmitRequest, bytes: &mut dyn Read) -> Result<JobId, ControlError> {
        let folder = request.folder.as_deref();
        let checked = self.require_folder(folder).and_then(|()| self.require_folder_here(folder));
        let checked = checked.and_then(|()| self.require_rule(request.rule.as_deref()));
        if let Err(refusal) = checked.and_then(|()| request.check_name()) {
            // The client reads the answer after it has sent the whole package.
            drop(std::io::copy(bytes, &mut std::io::sink()));
            return Err(refusal);
        }
        let file = SubmittedFile { name: &request.name, folder, rule: request.rule.as_deref() };
        self.admission.submit(&file, bytes).map_err(|why| ControlError::new(ControlErrorKind::Failed, why))
    }
}

/// Plans labels by the configuration that the daemon has in force.
struct RulesInForce(Arc<Admission>);

impl LabelPlanner for RulesInForce {
    fn replan(&self, job: &Job) -> Result<Option<Event>, ControlError> {
        let illegal = |error: ReplanError| ControlError::new(ControlErrorKind::Illegal, error.to_string());
        self.0.replan(job).map_err(illegal)
    }
}

/// The workers of the pipeline.
struct PipelineWorkers {
    pipeline: Arc<Pipeline<Client>>,
    admission: Arc<Admission>,
}

impl ActiveJobs for PipelineWorkers {
    fn is_running(&self, id: &JobId) -> bool {
        self.pipeline.queue().is_running(id)
    }

    fn running(&self) -> Vec<JobId> {
        self.pipeline.queue().running_jobs()
    }

    fn rule_change(&self, job: &Job) -> Option<RuleChange> {
        self.admission.rule_change(job)
    }

    fn approval_pages(&self, job: &Job) -> Vec<ApprovalPage> {
        dropship_engine::operations::approval_pages(
            &**self.pipeline.store(),
            self.pipeline.packages(),
            job,
            Timestamp::now(),
        )
    }

    fn on_event(&self, job: &Job, events: &[Event]) {
        self.pipeline.events().after_commit_in_background(job, events);
    }
}
