//! Answers requests on the control socket of a node that stands by. It answers queries from its own tables. It commits the changes
//! that operators make to jobs; the active node then acts on them.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::watch;

use super::own_folders::OwnFolders;
use crate::attention::{AttentionItem, AttentionKind};
use crate::control::{
    AdoptRequest, Calls, ConfigurationStanding, ControlHandler, FolderStatus, LabelChange, OperatorGroups,
    PackageRecord, Reloaded, Status, SubmitRequest, require_node_of_package,
};
use crate::daemon::control::WITHDRAWAL_WAIT;
use crate::daemon::{ConfiguredPlanner, stored_status};
use crate::store_binding::refuse_copy;
use crate::web::JobRows;
use dropship_config::model::Config;
use dropship_engine::accounts;
use dropship_engine::admission::{self, ActiveConfig, FileStanding, ReceiptComparison, SubmittedFile};
use dropship_engine::approval::ApprovalPage;
use dropship_engine::operations::{
    ActiveJobs, ControlError, ControlErrorKind, JobAction, JobQuery, JobService, LabelReach, Operator,
    label_reach, require_folder, require_rule,
};
use dropship_engine::outbox::Receipt;
use dropship_engine::package_store::PackageStore;
use dropship_engine::pipeline::{self, PauseGate, PauseRequest, label_of, request_resume};
use dropship_engine::replay::{RememberedPackage, each_remembered};
use dropship_engine::service_id::ServiceId;
use dropship_hardware::LabelId;
use dropship_job::{Event, Job, JobId};
use dropship_redact::Escaped;
use dropship_rules::rule::RuleChange;
use dropship_store::{Finding, SharedStore, Store};

/// Interval between checks whether the active node has acted.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

pub(super) struct StandbyControl {
    store: Arc<SharedStore>,
    jobs: JobService,
    active_config: Arc<ActiveConfig>,
    packages: PackageStore,
    operators: OperatorGroups,
    /// The name of this node.
    node: String,
    /// The name of the active node.
    active: watch::Receiver<Option<String>>,
    since: Timestamp,
    /// The folders that this node watches.
    own_folders: Option<Arc<OwnFolders>>,
}

impl StandbyControl {
    pub(super) fn new(
        store: Arc<SharedStore>,
        config: &Config,
        operators: OperatorGroups,
        active: watch::Receiver<Option<String>>,
        own_folders: Option<Arc<OwnFolders>>,
        rows: Option<Arc<JobRows>>,
    ) -> anyhow::Result<Self> {
        let packages = crate::package_objects::for_reading(&config.store)?;
        let (policy, outbox) = (accounts::policy(config)?, config.store.path.join("outbox"));
        let active_config = Arc::new(ActiveConfig { policy, outbox, config: config.clone() });
        let workers = ActiveJobsElsewhere {
            store: Arc::clone(&store),
            config: Arc::clone(&active_config),
            packages: packages.clone(),
            own_folders: own_folders.clone(),
            rows,
        };
        let jobs = JobService::new(Arc::clone(&store) as _, packages.clone(), Arc::new(workers), false);
        let node = config.store.node().unwrap_or_default().to_owned();
        let since = Timestamp::now();
        Ok(Self { store, jobs, active_config, packages, operators, node, active, since, own_folders })
    }

    /// The refusal of a request that only the active node can carry out.
    fn refusal(&self, advice: &str) -> ControlError {
        let (node, active) = (Escaped(&self.node).to_string(), self.active.borrow().clone());
        let active = active.map(|name| Escaped(&name).to_string()).unwrap_or_default();
        ControlError::failed(format!(
            "node `{node}` stands by, and nothing was changed: node `{active}` processes the jobs; {advice}"
        ))
    }

    fn wrong_node_error(&self) -> ControlError {
        self.refusal("run the command on that node")
    }

    /// Refuses changes of a store that is an unfinished copy, or that was copied elsewhere.
    fn require_changeable(&self) -> Result<(), ControlError> {
        let refused = refuse_copy(&*self.store, &self.active_config.config);
        refused.map_err(|error| ControlError::new(ControlErrorKind::Configuration, format!("{error:#}")))
    }

    /// Whether this node has the lease now. Then no other node will act on a change, and this node has not sent anything yet.
    fn has_taken_over(&self) -> bool {
        self.store.lease().is_some()
    }

    /// Waits until the active node has attempted each withdrawal of a job.
    async fn wait_for_withdrawal_attempts(&self, id: &JobId) {
        while matches!(self.store.job(id), Ok(Some(job)) if job.has_untried_withdrawal())
            && !self.has_taken_over()
        {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    pub(super) fn store(&self) -> &SharedStore {
        &self.store
    }

    pub(super) fn packages(&self) -> &PackageStore {
        &self.packages
    }

    fn folders(&self) -> Vec<FolderStatus> {
        self.own_folders
            .iter()
            .flat_map(|own_folders| own_folders.intake().health())
            .map(FolderStatus::from)
            .collect()
    }

    /// What needs attention on this node.
    pub(super) fn trouble(&self) -> Vec<AttentionItem> {
        let item = |why: String| {
            let kind = AttentionKind::DatabaseAway;
            AttentionItem {
                kind,
                object: "store".to_owned(),
                message: format!("the database of the store does not respond: {}", Escaped(&why)),
                since: Timestamp::now(),
                severity: kind.info().severity,
            }
        };
        let database = self.store.away().map(item);
        database
            .into_iter()
            .chain(self.own_folders.iter().flat_map(|own_folders| own_folders.trouble()))
            .collect()
    }
}

impl ControlHandler for StandbyControl {
    fn jobs(&self) -> &JobService {
        &self.jobs
    }

    fn list(&self, query: &JobQuery) -> Result<Vec<Receipt>, ControlError> {
        self.jobs.list_known(query, &self.active_config.config)
    }

    fn configuration(&self) -> Arc<ActiveConfig> {
        Arc::clone(&self.active_config)
    }

    fn operators(&self) -> &OperatorGroups {
        &self.operators
    }

    fn max_package(&self) -> u64 {
        self.active_config.config.store.max_package
    }

    fn status(&self) -> Result<Status, ControlError> {
        Ok(Status {
            running: true,
            since: Some(self.since),
            stands_by_for: self.active.borrow().clone(),
            trouble: self.trouble(),
            folders: self.folders(),
            ..stored_status(&*self.store, &self.active_config.config, &self.jobs)?
        })
    }

    fn doctor(&self) -> Result<Vec<Finding>, ControlError> {
        // The active node has compared the store with the receipts.
        Ok(crate::doctor::examine(&*self.store, &self.packages, &ReceiptComparison::default())?)
    }

    fn file_standing(&self, path: &Path) -> Result<FileStanding, ControlError> {
        if let Some(own_folders) = &self.own_folders
            && let Some(standing) = own_folders.file_standing(path)?
        {
            return Ok(standing);
        }
        Err(self.refusal("it watches only folders of its own until it takes over; ask that node"))
    }

    fn rescan(&self, folder: Option<&str>) -> Result<(), ControlError> {
        match &self.own_folders {
            Some(own_folders) if folder.is_none_or(|name| own_folders.contains(name)) => {
                own_folders.intake().rescan(folder);
                Ok(())
            }
            _ => Err(self.wrong_node_error()),
        }
    }

    fn set_paused<'a>(
        &'a self,
        folder: Option<&'a str>,
        paused: bool,
    ) -> BoxFuture<'a, Result<(), ControlError>> {
        async move {
            self.require_changeable()?;
            let pause = PauseGate::remembered(&*self.store)?;
            let is_paused = folder.is_some_and(|name| pause.has_folder(name));
            // A folder that was removed while it was paused can be resumed.
            if let Some(name) = folder.filter(|_| paused || !is_paused) {
                require_folder(&self.active_config.config, name)?;
            }
            if !paused {
                return Ok(request_resume(&*self.store, folder).await?);
            }
            let request = PauseRequest::commit(&*self.store, folder).await?;
            while !request.is_confirmed(&*self.store)? && !self.has_taken_over() {
                if let Some(why) = self.store.stopped().borrow().clone() {
                    return Err(ControlError::failed(format!(
                        "the pause is stored, and not confirmed by the active node: {why}"
                    )));
                }
                tokio::time::sleep(POLL_INTERVAL).await;
            }
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
            self.require_changeable()?;
            match action {
                JobAction::Approve(_) => self.jobs.act(id, action, by, &()).await,
                JobAction::Retry { .. } => {
                    let (config, packages) = (&self.active_config.config, &self.packages);
                    require_node_of_package(&self.store, config, id).await?;
                    self.jobs.act(id, action, by, &ConfiguredPlanner { config, packages }).await
                }
                JobAction::Cancel => {
                    self.jobs.act(id, action, by, &()).await?;
                    drop(tokio::time::timeout(WITHDRAWAL_WAIT, self.wait_for_withdrawal_attempts(id)).await);
                    self.jobs.current(id)
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
            self.require_changeable()?;
            let Some((job, index)) = label_of(&*self.store, label.remote())? else { return Ok(None) };
            let event = change.event(index, label.remote(), &by);
            pipeline::record_label_event(&*self.store, job.id(), event).await?;
            Ok(Some(job.id().clone()))
        }
        .boxed()
    }

    fn remembered(
        &self,
        since: Option<Timestamp>,
        each: &mut dyn FnMut(&RememberedPackage, &[u8]) -> io::Result<()>,
    ) -> Result<(), ControlError> {
        Ok(each_remembered(&*self.store, &self.packages, since, each)?)
    }

    fn package_record(&self, id: &JobId) -> Result<Option<PackageRecord>, ControlError> {
        Ok(self.store.job(id)?.and_then(|job| PackageRecord::read(&self.packages, &job)))
    }

    fn driver_metadata(&self, id: &JobId) -> Result<Option<Vec<u8>>, ControlError> {
        self.packages.read_metadata(id).map_err(|error| {
            ControlError::failed(format!("cannot read the driver metadata of job {id}: {error}"))
        })
    }

    fn label_reach(&self, id: &JobId) -> Result<Vec<LabelReach>, ControlError> {
        let Some(job) = self.store.job(id)? else { return Ok(Vec::new()) };
        Ok(label_reach(&*self.store, &self.packages, &job, Timestamp::now())?)
    }

    fn configuration_standing(&self) -> ConfigurationStanding {
        ConfigurationStanding {
            generation: 1,
            active_since: self.since,
            last_reload: None,
            refused: None,
            restart: Vec::new(),
        }
    }

    fn calls(&self) -> Calls {
        Calls { since: self.since, accounts: Vec::new() }
    }

    fn preview_reload(&self, _: usize) -> BoxFuture<'_, Result<Reloaded, ControlError>> {
        async { Err(self.wrong_node_error()) }.boxed()
    }

    fn reload<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Reloaded, ControlError>> {
        async { Err(self.refusal("this node reads its configuration when its daemon is restarted")) }.boxed()
    }

    fn adopt(&self, _: AdoptRequest, _: String) -> BoxFuture<'_, Result<JobId, ControlError>> {
        async { Err(self.wrong_node_error()) }.boxed()
    }

    fn submit(&self, request: &SubmitRequest, bytes: &mut dyn Read) -> Result<JobId, ControlError> {
        let folder = request.folder.as_deref();
        if let Some(own_folders) = self
            .own_folders
            .as_ref()
            .filter(|own_folders| folder.is_some_and(|name| own_folders.contains(name)))
        {
            let checked =
                request.rule.as_deref().map_or(Ok(()), |rule| require_rule(&self.active_config.config, rule));
            if let Err(refusal) =
                checked.and_then(|()| request.check_name()).and_then(|()| self.require_changeable())
            {
                drop(io::copy(bytes, &mut io::sink()));
                return Err(refusal);
            }
            let file = SubmittedFile { name: &request.name, folder, rule: request.rule.as_deref() };
            return own_folders.admission().submit(&file, bytes).map_err(ControlError::failed);
        }
        // The client reads the answer after it has sent the whole package.
        drop(io::copy(bytes, &mut io::sink()));
        Err(self.wrong_node_error())
    }
}

/// A node that stands by has no workers: they are on the active node, which also writes the receipts.
struct ActiveJobsElsewhere {
    store: Arc<SharedStore>,
    config: Arc<ActiveConfig>,
    packages: PackageStore,
    own_folders: Option<Arc<OwnFolders>>,
    rows: Option<Arc<JobRows>>,
}

impl ActiveJobs for ActiveJobsElsewhere {
    fn is_running(&self, _: &JobId) -> bool {
        false
    }

    fn rule_change(&self, job: &Job) -> Option<RuleChange> {
        admission::rule_change(&self.config.config.rules, &self.packages, job)
    }

    fn approval_pages(&self, job: &Job) -> Vec<ApprovalPage> {
        dropship_engine::operations::approval_pages(&*self.store, &self.packages, job, Timestamp::now())
    }

    /// The commits of this node are not in its own subscription, so they are passed on here.
    fn on_event(&self, job: &Job, events: &[Event]) {
        if let Some(own_folders) = &self.own_folders {
            own_folders.on_change(job);
        }
        if let Some(rows) = &self.rows {
            rows.on_event(job, events);
        }
    }
}
