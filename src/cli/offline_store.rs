//! Access of commands to the store while no daemon runs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Context;
use jiff::Timestamp;

use super::owner::become_owner;
use crate::control::{NoDaemon, Status, require_node_of_package};
use crate::daemon::{ConfiguredPlanner, stored_status};
use crate::package_objects;
use crate::store_binding::refuse_copy;
use dropship_config::model::Config;
use dropship_engine::approval::ApprovalPage;
use dropship_engine::operations::{
    ActiveJobs, ControlError, ControlErrorKind, JobAction, JobQuery, JobService, Operator, require_folder,
};
use dropship_engine::outbox::{Ownership, Receipt, ResultPlace, is_newer};
use dropship_engine::package_store::PackageStore;
use dropship_engine::pipeline::PauseGate;
use dropship_engine::replay::{RememberedPackage, each_remembered};
use dropship_hardware::ChangeGate;
use dropship_job::{Event, Job, JobId};
use dropship_rules::Rule;
use dropship_rules::rule::RuleChange;
use dropship_shared_folder::hung_places;
use dropship_store::{DiskStore, Lease, Role, SharedStore, Store, StoreError, Unwatched};

/// Maximum time to read a receipt.
const MAX_READ: Duration = Duration::from_secs(10);

/// A store that this process has locked.
pub(super) struct OfflineStore {
    store: Arc<dyn Store>,
    packages: PackageStore,
    jobs: JobService,
    config: Config,
    ownership: Ownership,
    /// Closed once this process has no lease of a store in a database.
    gate: ChangeGate,
    /// The user that started the command, before it switched to the store's owner.
    operator: Operator,
}

impl OfflineStore {
    /// Opens the store of a configuration as the store's owner.
    pub(super) fn open(config: Config, no_daemon: NoDaemon) -> anyhow::Result<Self> {
        let home: &Path = &config.store.path;
        let no_daemon = require_store(&config, no_daemon)?;
        let operator = Operator::of_process();
        become_owner(home).with_context(|| no_daemon.to_string())?;
        let (store, gate) =
            open_store(&config).with_context(|| format!("{no_daemon}; cannot open its store"))?;
        let packages = package_objects::for_reading(&config.store)?;
        let modes =
            config.folders.iter().filter_map(|folder| Some((folder.name.clone(), folder.outbox_mode?)));
        let ownership = dropship_engine::accounts::ownership(&config, false);
        let active = NoActiveJobs {
            store: Arc::clone(&store),
            outbox_modes: modes.collect(),
            rules: config.rules.clone(),
            ownership: ownership.clone(),
            packages: packages.clone(),
        };
        let jobs = JobService::new(Arc::clone(&store), packages.clone(), Arc::new(active), false);
        Ok(Self { store, packages, jobs, config, ownership, gate, operator })
    }

    pub(super) fn jobs(&self) -> &JobService {
        &self.jobs
    }

    pub(super) fn list(&self, query: &JobQuery) -> Result<Vec<Receipt>, ControlError> {
        self.jobs.list_known(query, &self.config)
    }

    pub(super) fn status(&self) -> anyhow::Result<Status> {
        Ok(stored_status(&*self.store, &self.config, &self.jobs)?)
    }

    pub(super) fn export(&self, each: &mut dyn FnMut(&[u8]) -> std::io::Result<()>) -> anyhow::Result<()> {
        Ok(self.store.export(&mut |exported| each(&serde_json::to_vec(&exported)?))?)
    }

    pub(super) fn remembered(
        &self,
        since: Option<Timestamp>,
        each: &mut dyn FnMut(&RememberedPackage, &[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut each =
            |package: &RememberedPackage, record: &[u8]| each(package, record).map_err(std::io::Error::other);
        Ok(each_remembered(&*self.store, &self.packages, since, &mut each)?)
    }

    pub(super) fn driver_metadata(&self, id: &JobId) -> anyhow::Result<Option<Vec<u8>>> {
        Ok(self.packages.read_metadata(id)?)
    }

    /// Refuses changes of a store that was copied elsewhere.
    fn refuse_copy(&self) -> Result<(), ControlError> {
        let refused = refuse_copy(&*self.store, &self.config);
        refused.map_err(|error| ControlError::new(ControlErrorKind::Configuration, format!("{error:#}")))
    }

    /// Refuses to act on a job whose receipt shows more than the store, because the store was restored from a backup. The receipt is the
    /// only record of what was sent: a daemon takes it over when it starts, and an action would replace it.
    fn refuse_older_job(&self, id: &JobId) -> Result<(), ControlError> {
        let Some(job) = self.store.job(id)? else { return Ok(()) };
        let place = ResultPlace::of(&self.packages, &job.package().outbox, None);
        let at = place.clone();
        let receipt = hung_places::within(place.outbox(), MAX_READ, move || at.receipt()).flatten();
        let receipt = receipt.map_err(|error| {
            let folder = place.folder().display();
            ControlError::failed(format!(
                "nothing was changed: cannot compare job {id} with its receipt in {folder}: {error}"
            ))
        })?;
        let Some(receipt) = receipt.filter(|receipt| self.ownership.owns(receipt)) else { return Ok(()) };
        if !is_newer(&receipt, &job, &*self.store)? {
            return Ok(());
        }
        let message = format!(
            "nothing was changed: the receipt of job {id} in {} shows more than the store, which was probably restored from a backup; \
             start the daemon, which takes over the receipt, then repeat the command",
            place.folder().display()
        );
        Err(ControlError::new(ControlErrorKind::Illegal, message))
    }

    pub(super) async fn act(&self, id: &JobId, action: &JobAction) -> Result<Receipt, ControlError> {
        self.refuse_copy()?;
        self.refuse_older_job(id)?;
        let operator = &self.operator;
        let receipt = match action {
            JobAction::Retry { .. } => {
                require_node_of_package(&self.store, &self.config, id).await?;
                let planner = ConfiguredPlanner { config: &self.config, packages: &self.packages };
                return self.jobs.act(id, action, operator, &planner).await;
            }
            JobAction::Cancel | JobAction::Approve(_) => self.jobs.act(id, action, operator, &()).await?,
        };
        if *action != JobAction::Cancel {
            return Ok(receipt);
        }
        self.withdraw_labels(id).await?;
        self.jobs.current(id)
    }

    pub(super) async fn pause(&self, folder: Option<&str>) -> anyhow::Result<()> {
        self.refuse_copy()?;
        folder.map_or(Ok(()), |name| require_folder(&self.config, name))?;
        Ok(PauseGate::remembered(&*self.store)?.pause(&*self.store, folder).await?)
    }

    pub(super) async fn resume(&self, folder: Option<&str>) -> anyhow::Result<()> {
        self.refuse_copy()?;
        let pause = PauseGate::remembered(&*self.store)?;
        // A folder that was removed while it was paused can be resumed.
        if let Some(name) = folder.filter(|name| !pause.has_folder(name)) {
            require_folder(&self.config, name)?;
        }
        Ok(pause.resume(&*self.store, folder).await?)
    }

    /// Attempts to withdraw the labels of a cancelled job once. The next daemon continues.
    async fn withdraw_labels(&self, id: &JobId) -> Result<(), ControlError> {
        let Some(job) = self.store.job(id)? else { return Ok(()) };
        if job.pending_withdrawals().is_empty() {
            return Ok(());
        }
        let memory = |account: &String| {
            Ok((account.clone(), dropship_engine::call_limits::memory(&self.store, account)?))
        };
        let memories: Result<BTreeMap<_, _>, StoreError> = self.config.accounts.keys().map(memory).collect();
        let memories = memories?;
        let adjust = |account: &str, settings: &mut dropship_hardware::Settings| {
            settings.gate = self.gate.clone();
            settings.limit_memory = memories.get(account).cloned().unwrap_or_default();
            Ok(())
        };
        let clients = dropship_engine::accounts::adjusted_clients(&self.config, false, &adjust)
            .map_err(|error| ControlError::new(ControlErrorKind::Configuration, format!("{error:#}")))?;
        let paused = PauseGate::remembered(&*self.store)?.scopes();
        let folder = job.package().folder.as_deref();
        let is_paused = paused.iter().any(|scope| scope.covers(folder));
        Ok(dropship_engine::pipeline::withdraw_offline(&*self.store, &clients, is_paused, &job).await?)
    }
}

/// Opens the store of a configuration. One in a database is only read while a node processes its jobs.
pub(super) fn open_store(config: &Config) -> anyhow::Result<(Arc<dyn Store>, ChangeGate)> {
    let home = &config.store.path;
    let Some(database) = &config.store.database else {
        return Ok((Arc::new(DiskStore::open(home)?.0), ChangeGate::default()));
    };
    let role = Role::Command { name: database.node.clone() };
    let (journal, never_cancelled) = (crate::database::connect(database)?, AtomicBool::new(false));
    let (store, _) = SharedStore::open_shared(home, journal, role, Arc::new(Unwatched), &never_cancelled)?;
    let lease = store.lease();
    let gate = ChangeGate::new(move || lease.as_ref().is_some_and(Lease::is_valid));
    Ok((Arc::new(store), gate))
}

/// Fails if there is no store that could be opened instead of connecting to a daemon.
pub(super) fn require_store(config: &Config, no_daemon: NoDaemon) -> anyhow::Result<NoDaemon> {
    let home = &config.store.path;
    let content_folder = if config.store.database.is_some() { "node" } else { "journal" };
    match std::fs::metadata(home.join(content_folder)) {
        Ok(found) if found.is_dir() => Ok(no_daemon),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            let message = format!("this user may not read the store at {}", home.display());
            Err(anyhow::Error::new(no_daemon).context(message))
        }
        _ => Err(anyhow::Error::new(no_daemon).context(format!("there is no store at {}", home.display()))),
    }
}

/// No job is running, but receipts are written after an action.
struct NoActiveJobs {
    store: Arc<dyn Store>,
    /// The `outbox_mode` of each folder that sets one.
    outbox_modes: BTreeMap<String, u32>,
    rules: Vec<Rule>,
    ownership: Ownership,
    packages: PackageStore,
}

impl ActiveJobs for NoActiveJobs {
    fn is_running(&self, _: &JobId) -> bool {
        false
    }

    fn rule_change(&self, job: &Job) -> Option<RuleChange> {
        dropship_engine::admission::rule_change(&self.rules, &self.packages, job)
    }

    fn approval_pages(&self, job: &Job) -> Vec<ApprovalPage> {
        dropship_engine::operations::approval_pages(&*self.store, &self.packages, job, Timestamp::now())
    }

    fn on_event(&self, job: &Job, _: &[Event]) {
        let mode = job.package().folder.as_ref().and_then(|folder| self.outbox_modes.get(folder)).copied();
        let outbox = ResultPlace::of(&self.packages, &job.package().outbox, mode);
        let mut receipt = Receipt::of(job, false);
        self.ownership.mark_as_own(&mut receipt);
        if let Err(error) = outbox.replace_receipt(&receipt, &|_| Ok(false)) {
            tracing::warn!(
                "cannot write the receipt to {}: {error}; grant this user write access to the outbox (job {})",
                job.package().outbox,
                job.id()
            );
        }
    }
}
