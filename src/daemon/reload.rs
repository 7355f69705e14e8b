//! Reload: applies a changed configuration to the running daemon, completely or not at all.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::reload_effects::compute_effects;
use super::restart_keys::restart_keys;
use crate::attention::{ConfigurationState, LastReload, PendingKey};
use crate::control::{NameChanges, OperatorGroups, Reloaded};
use crate::requirements::{self, Secrets};
use dropship_config::model::{AfterSuccess, Config, Folder, Store};
use dropship_config::{Environment, Problem, effective};
use dropship_engine::accounts;
use dropship_engine::admission::{ActiveConfig, Admission};
use dropship_engine::observe;
use dropship_engine::operations::{ControlError, ControlErrorKind};
use dropship_engine::pipeline::Pipeline;
use dropship_hardware::Client;
use dropship_intake::{FolderSpec, Intake, NameFilter};
use dropship_package::Policy;
use dropship_store::StoreError;
use dropship_systemd::UnitStatus;

/// Reloads the configuration.
pub struct Reloader {
    pipeline: Arc<Pipeline<Client>>,
    intake: Arc<Intake>,
    admission: Arc<Admission>,
    state: Arc<ConfigurationState>,
    unit: UnitStatus,
    operators: OperatorGroups,
    /// Serialises reloads.
    reload_lock: tokio::sync::Mutex<()>,
    /// Notified after each reload.
    reloaded: Notify,
}

impl Reloader {
    pub(super) fn new(
        pipeline: Arc<Pipeline<Client>>,
        intake: Arc<Intake>,
        admission: Arc<Admission>,
        state: Arc<ConfigurationState>,
        unit: UnitStatus,
        operators: OperatorGroups,
    ) -> Self {
        let (reload_lock, reloaded) = (tokio::sync::Mutex::default(), Notify::new());
        Self { pipeline, intake, admission, state, unit, operators, reload_lock, reloaded }
    }

    pub(super) fn operators(&self) -> &OperatorGroups {
        &self.operators
    }

    pub(super) fn parts(&self) -> (Arc<Pipeline<Client>>, Arc<Intake>, Arc<Admission>) {
        (Arc::clone(&self.pipeline), Arc::clone(&self.intake), Arc::clone(&self.admission))
    }

    /// Reloads the configuration on behalf of `by`; returns once it is active. Jobs keep the plan of their admission.
    ///
    /// # Errors
    /// Every reason why it was refused. The old configuration stays active in that case.
    pub async fn reload(&self, by: &str) -> Result<Reloaded, ControlError> {
        let _reloading = self.unit.reloading();
        let _guard = self.reload_lock.lock().await;
        let applied = self.apply().await;
        let at = jiff::Timestamp::now();
        let lines = match &applied {
            Ok((reloaded, pending)) => {
                self.state.record_applied(pending.clone(), at);
                reloaded.lines()
            }
            Err(refusal) => {
                self.state.record_refused(refusal.message.clone(), at);
                refusal.message.lines().map(str::to_owned).collect()
            }
        };
        self.state.record_reload(LastReload { at, by: by.to_owned(), ok: applied.is_ok(), lines });
        self.pipeline.events().notify_subscribers();
        self.reloaded.notify_one();
        let result = applied.map(|(reloaded, _)| reloaded);
        match &result {
            Ok(reloaded) => observe::reloaded(by, &reloaded.to_string()),
            Err(refusal) => observe::reload_refused(by, &refusal.message),
        }
        result
    }

    /// Ends the trouble of a refused reload, and of keys that need a restart, once the configuration on disk is the active one again:
    /// its errors were undone, and no further reload is needed.
    async fn compare_with_disk(&self) {
        let _guard = self.reload_lock.lock().await;
        let Ok(prepared) = self.prepare().await else { return };
        if prepared.changes_nothing() {
            self.state.record_unchanged(prepared.pending);
            self.pipeline.events().notify_subscribers();
        }
    }

    /// Whether the configuration on disk was different from the active one.
    fn differs_from_disk(&self) -> bool {
        self.state.last_refused().is_some() || !self.state.restart().is_empty()
    }

    /// Reads the configuration on disk, and checks it as far as that is possible before it is applied.
    async fn prepare(&self) -> Result<PreparedReload, ControlError> {
        let old = self.admission.active();
        let path = old.config.path.clone();
        let sandbox = self.pipeline.settings().sandbox;
        let read = tokio::task::spawn_blocking(move || read(&path, sandbox)).await;
        let mut new = read.map_err(failed)??;
        if sandbox {
            apply_sandbox_settings(&mut new, &old.config);
        }
        let mut reloaded = changes_between(&old.config, &new);
        let differences = effective::differences(&old.config, &new);
        reloaded.restart = keep_until_restart(&old.config, &mut new)?;
        let pending = reloaded.restart.iter().map(|key| PendingKey::new(key.clone(), &differences)).collect();
        let policy = accounts::policy(&new).map_err(|error| refused(format!("[signers]: {error:#}")))?;
        for spec in new.folders_here().cloned().map(FolderSpec::from) {
            NameFilter::new(&spec.include, &spec.exclude).map_err(refused)?;
        }
        Ok(PreparedReload { old, new, policy, reloaded, pending })
    }

    /// What a reload would change now, for the newest `max_jobs` unfinished jobs. Nothing is applied, and no reload waits while the
    /// jobs are compared.
    ///
    /// # Errors
    /// Every reason why the reload would be refused.
    pub async fn preview(&self, max_jobs: usize) -> Result<Reloaded, ControlError> {
        let prepared = {
            let _guard = self.reload_lock.lock().await;
            self.prepare().await?
        };
        Ok(self.with_effects(prepared, max_jobs).await?.reloaded)
    }

    async fn apply(&self) -> Result<(Reloaded, Vec<PendingKey>), ControlError> {
        let PreparedReload { old, new, policy, reloaded, pending } =
            self.with_effects(self.prepare().await?, usize::MAX).await?;
        let (operators, names) = (self.operators.clone(), new.control.operators.clone());
        let replaced = tokio::task::spawn_blocking(move || operators.replace(&names));
        replaced.await.map_err(failed)?;

        // All checks have passed. Intake from a changed folder stops until the new rules are active, so that they apply to
        // its files.
        let folders: Vec<Folder> = new.folders_here().cloned().collect();
        let unchanged: Vec<Folder> =
            folders.iter().filter(|folder| old.config.folders.contains(folder)).cloned().collect();
        self.intake.replace(unchanged).await.map_err(refused)?;
        self.pipeline.settings().folders.replace(&new.folders, new.store.node());
        self.pipeline.settings().guard.replace(&new.guard);
        self.admission.replace(ActiveConfig { policy, outbox: old.outbox.clone(), config: new });
        self.intake.replace(folders).await.map_err(refused)?;
        Ok((reloaded, pending))
    }

    /// Adds the effects on the newest `max_jobs` unfinished jobs, which are compared with their packages.
    async fn with_effects(
        &self,
        prepared: PreparedReload,
        max_jobs: usize,
    ) -> Result<PreparedReload, ControlError> {
        let PreparedReload { old, new, policy, mut reloaded, pending } = prepared;
        let (store, packages) = (Arc::clone(self.pipeline.store()), self.pipeline.packages().clone());
        let active = Arc::clone(&old);
        let compared = tokio::task::spawn_blocking(move || {
            let effects = compute_effects(&*store, &packages, &active.config, &new, max_jobs)?;
            Ok::<_, StoreError>((new, effects))
        });
        let (new, effects) = compared.await.map_err(failed)??;
        reloaded.jobs = effects.jobs;
        reloaded.guard = effects.guard;
        Ok(PreparedReload { old, new, policy, reloaded, pending })
    }
}

/// A configuration that was read and checked, but not applied.
struct PreparedReload {
    old: Arc<ActiveConfig>,
    /// As it would become active: keys that need a restart have their old values.
    new: Config,
    policy: Policy,
    reloaded: Reloaded,
    /// The keys that need a restart, with their values.
    pending: Vec<PendingKey>,
}

impl PreparedReload {
    /// Whether the active configuration would stay the same.
    fn changes_nothing(&self) -> bool {
        let Reloaded { ok: _, rules, folders, keys, restart: _, warnings: _, jobs: _, guard: _ } =
            &self.reloaded;
        let none = NameChanges::default();
        (rules, folders) == (&none, &none)
            && keys.is_empty()
            // The dates on which secrets expire take effect without a restart.
            && self.new.accounts == self.old.config.accounts
    }
}

/// Interval between comparisons with the configuration on disk.
const COMPARE_INTERVAL: Duration = Duration::from_secs(5);
/// A comparison takes at most this part of the time, however large the configuration is.
const COMPARE_SHARE: u32 = 10;

/// Compares the configuration on disk with the active one while they differ, until the shutdown.
pub(super) async fn watch_disk(reloader: Arc<Reloader>, shutdown: CancellationToken) {
    let mut pause = COMPARE_INTERVAL;
    let watching = async {
        loop {
            if !reloader.differs_from_disk() {
                reloader.reloaded.notified().await;
                continue;
            }
            tokio::time::sleep(pause).await;
            let started = Instant::now();
            if reloader.differs_from_disk() {
                reloader.compare_with_disk().await;
            }
            pause = COMPARE_INTERVAL.max(started.elapsed().saturating_mul(COMPARE_SHARE));
        }
    };
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = watching => {}
    }
}

fn failed(error: impl std::fmt::Display) -> ControlError {
    ControlError::new(ControlErrorKind::Failed, error.to_string())
}

fn refused(why: impl std::fmt::Display) -> ControlError {
    ControlError::new(ControlErrorKind::Configuration, why.to_string())
}

fn read(path: &Path, sandbox: bool) -> Result<Config, ControlError> {
    let loaded = dropship_config::load(path, &Environment::from_variables(|name| std::env::var_os(name)));
    let mut config = loaded.map_err(refused)?;
    if !sandbox {
        config.ready_to_run().map_err(refused)?;
        // The accounts in force stay, so this is no reason to refuse the rest.
        let unusable = requirements::check_secrets(&config, Secrets::All);
        config.warnings.problems.extend(unusable.into_iter().map(Problem::into_warning));
    }
    Ok(config)
}

/// Makes the same changes to a configuration as `run --sandbox`.
fn apply_sandbox_settings(new: &mut Config, old: &Config) {
    new.api.endpoint = old.api.endpoint.clone();
    new.api.authority = old.api.authority.clone();
    new.without_nodes();
    new.store.path.clone_from(&old.store.path);
    new.store.database.clone_from(&old.store.database);
    for folder in &mut new.folders {
        folder.after = AfterSuccess::Leave;
    }
}

/// The differences that a reload makes active.
fn changes_between(old: &Config, new: &Config) -> Reloaded {
    let keys = [
        ("[signers]", old.signers != new.signers),
        ("[preflight]", old.preflight != new.preflight),
        ("[guard]", old.guard != new.guard),
        ("[store] max_package", old.store.max_package != new.store.max_package),
        ("[control] operators", old.control.operators != new.control.operators),
        ("[[test]]", old.tests != new.tests),
    ];
    let warnings = new.warnings.problems.iter();
    let warnings = warnings.map(|problem| match problem.line {
        0 => format!("{}: {}", problem.file.display(), problem.message),
        line => format!("{}:{line}: {}", problem.file.display(), problem.message),
    });
    Reloaded {
        ok: true,
        rules: NameChanges::between(&old.rules, &new.rules, |rule| &rule.name),
        folders: NameChanges::between(&old.folders, &new.folders, |folder| &folder.name),
        keys: keys.into_iter().filter(|(_, changed)| *changed).map(|(key, _)| key.to_owned()).collect(),
        restart: Vec::new(),
        warnings: warnings.collect(),
        jobs: Vec::new(),
        guard: Vec::new(),
    }
}

/// Returns the changed keys that need a restart, and restores their old values in `new`.
fn keep_until_restart(old: &Config, new: &mut Config) -> Result<Vec<String>, ControlError> {
    let rule_of_new_account = new.rules.iter().find(|rule| !old.accounts.contains_key(&rule.account));
    if let Some(rule) = rule_of_new_account {
        let message = format!(
            "rule `{}` uses the account `{}`, which the running daemon does not have; restart the daemon to add accounts",
            rule.name, rule.account
        );
        return Err(refused(message));
    }
    // The expiry date only controls a warning, so it takes effect at once.
    let mut accounts = old.accounts.clone();
    for (name, account) in &mut accounts {
        if let Some(new) = new.accounts.get(name) {
            account.secret_expires = new.secret_expires;
        }
    }
    let kept_accounts = accounts;
    let accounts = NameChanges::between(
        &kept_accounts.iter().collect::<Vec<_>>(),
        &new.accounts.iter().collect::<Vec<_>>(),
        |account| account.0,
    );
    let accounts = [accounts.added, accounts.removed, accounts.changed].concat();
    let accounts = accounts.into_iter().map(|name| format!("[accounts.{name}]"));
    let keys = restart_keys(old, new).into_iter().map(str::to_owned);
    let restart = accounts.chain(keys).collect();
    new.accounts = kept_accounts;
    new.api = old.api.clone();
    // This limit takes effect at once.
    new.store = Store { max_package: new.store.max_package, ..old.store.clone() };
    for folder in new.folders.iter_mut().filter(|folder| folder.on_node.is_some()) {
        folder.outbox = Some(new.store.shared_outbox(&folder.name));
    }
    new.control.socket.clone_from(&old.control.socket);
    new.metrics = old.metrics;
    new.web.clone_from(&old.web);
    new.notify.clone_from(&old.notify);
    Ok(restart)
}
