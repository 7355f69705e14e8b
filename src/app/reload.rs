//! Another configuration for a running daemon: all of it comes into force, or none.

use std::path::Path;
use std::sync::Arc;

use super::{Context, Intake, Reception, Rulebook};
use crate::accounts;
use crate::config::model::{After, Config, Folder};
use crate::config::{self, Environment};
use crate::control::{Changes, ControlError, ControlErrorKind, Reloaded};
use crate::observe;
use dropship_hardware::Client;
use dropship_intake::{FolderSpec, Names};

/// Reads the configuration anew.
pub struct Reloader {
    context: Arc<Context<Client>>,
    intake: Arc<Intake>,
    reception: Arc<Reception>,
    /// One after the other.
    turn: tokio::sync::Mutex<()>,
}

impl Reloader {
    pub(super) fn new(context: Arc<Context<Client>>, intake: Arc<Intake>, reception: Arc<Reception>) -> Self {
        Self { context, intake, reception, turn: tokio::sync::Mutex::default() }
    }

    pub(super) fn parts(&self) -> (Arc<Context<Client>>, Arc<Intake>, Arc<Reception>) {
        (Arc::clone(&self.context), Arc::clone(&self.intake), Arc::clone(&self.reception))
    }

    /// Reads the configuration anew, in the name of somebody; answers once it is in force. Jobs under way keep the
    /// plan that they began with.
    ///
    /// # Errors
    /// Every reason why it is refused; the old configuration stays in force then.
    pub async fn reload(&self, by: &str) -> Result<Reloaded, ControlError> {
        let _telling = crate::service::reloading();
        let _one_at_a_time = self.turn.lock().await;
        let done = self.carry_out().await;
        self.context.witness.reloaded(done.is_ok());
        // Whoever shows how things stand looks again.
        self.context.news.send_modify(|_| {});
        match &done {
            Ok(reloaded) => observe::reloaded(by, &reloaded.to_string()),
            Err(refusal) => observe::reload_refused(by, &refusal.message),
        }
        done
    }

    async fn carry_out(&self) -> Result<Reloaded, ControlError> {
        let old = self.reception.rulebook();
        let path = old.config.path.clone();
        let sandbox = self.context.settings.sandbox;
        let read = tokio::task::spawn_blocking(move || read(&path, sandbox)).await;
        let mut new =
            read.map_err(|error| ControlError::new(ControlErrorKind::Failed, error.to_string()))??;
        if sandbox {
            as_in_sandbox(&mut new, &old.config);
        }
        let mut reloaded = difference(&old.config, &new);
        reloaded.restart = keep_until_restart(&old.config, &mut new)?;
        let policy = accounts::policy(&new).map_err(|error| refused(format!("[signers]: {error:#}")))?;
        for spec in new.folders.iter().cloned().map(FolderSpec::from) {
            Names::new(&spec.include, &spec.exclude).map_err(refused)?;
        }

        // Nothing can be refused from here on. A folder that changes rests meanwhile: what lies in it is judged by
        // the new rules.
        let folders = new.folders.clone();
        let stay: Vec<Folder> =
            folders.iter().filter(|folder| old.config.folders.contains(folder)).cloned().collect();
        self.intake.replace(stay).await.map_err(refused)?;
        self.context.settings.folders.replace(&folders);
        self.reception.replace(Rulebook { policy, outbox: old.outbox.clone(), config: new });
        self.intake.replace(folders).await.map_err(refused)?;
        Ok(reloaded)
    }
}

fn refused(why: impl std::fmt::Display) -> ControlError {
    ControlError::new(ControlErrorKind::Configuration, why.to_string())
}

fn read(path: &Path, sandbox: bool) -> Result<Config, ControlError> {
    let loaded = config::load(path, &Environment::from_variables(|name| std::env::var_os(name)));
    let config = loaded.map_err(refused)?;
    if !sandbox {
        config.ready_to_run().map_err(refused)?;
    }
    Ok(config)
}

/// What `run --sandbox` changes in a configuration.
fn as_in_sandbox(new: &mut Config, old: &Config) {
    new.api.endpoint = old.api.endpoint.clone();
    new.api.authority = old.api.authority.clone();
    new.store.path.clone_from(&old.store.path);
    for folder in &mut new.folders {
        folder.outbox = None;
        folder.after = After::Leave;
    }
}

/// What comes into force.
fn difference(old: &Config, new: &Config) -> Reloaded {
    let keys = [
        ("[signers]", old.signers != new.signers),
        ("[preflight]", old.preflight != new.preflight),
        ("[control] operators", old.control.operators != new.control.operators),
        ("[[test]]", old.tests != new.tests),
    ];
    let warnings = new.warnings.problems.iter();
    let warnings =
        warnings.map(|problem| format!("{}:{}: {}", problem.file.display(), problem.line, problem.message));
    Reloaded {
        ok: true,
        rules: Changes::between(&old.rules, &new.rules, |rule| &rule.name),
        folders: Changes::between(&old.folders, &new.folders, |folder| &folder.name),
        keys: keys.into_iter().filter(|(_, changed)| *changed).map(|(key, _)| key.to_owned()).collect(),
        restart: Vec::new(),
        warnings: warnings.collect(),
    }
}

/// Names the keys that only a restart brings into force, and keeps their old values until then.
fn keep_until_restart(old: &Config, new: &mut Config) -> Result<Vec<String>, ControlError> {
    let unknown = new.rules.iter().find(|rule| !old.accounts.contains_key(&rule.account));
    if let Some(rule) = unknown {
        let message = format!(
            "rule `{}` uses the account `{}`, which the running daemon does not have: restart it to bring accounts into force",
            rule.name, rule.account
        );
        return Err(refused(message));
    }
    let accounts = Changes::between(
        &old.accounts.iter().collect::<Vec<_>>(),
        &new.accounts.iter().collect::<Vec<_>>(),
        |account| account.0,
    );
    let accounts = [accounts.added, accounts.removed, accounts.changed].concat();
    let accounts = accounts.into_iter().map(|name| format!("[accounts.{name}]"));
    let (was, is) = (&old.api, &new.api);
    let keys = [
        ("[api] endpoint", was.endpoint != is.endpoint),
        ("[api] authority", was.authority != is.authority),
        ("[api] blob_hosts", was.blob_hosts != is.blob_hosts),
        ("[api] workers", was.workers != is.workers),
        ("[api] uncertain", was.uncertain != is.uncertain),
        ("[api] retry", was.retry != is.retry),
        ("[api] proxy", was.proxy != is.proxy),
        ("[api] ca_file", was.ca_file != is.ca_file),
        ("[api.poll]", was.poll != is.poll),
        ("[api.overdue]", was.overdue != is.overdue),
        ("[api]", was != is),
        ("[store] path", old.store.path != new.store.path),
        ("[store] keep", old.store.keep != new.store.keep),
        ("[store] min_free", old.store.min_free != new.store.min_free),
        ("[store] most_waiting", old.store.most_waiting != new.store.most_waiting),
        ("[control] socket", old.control.socket != new.control.socket),
        ("[metrics] listen", old.metrics != new.metrics),
        ("[[notify]]", old.notify != new.notify),
    ];
    let mut restart: Vec<String> = accounts
        .chain(keys.into_iter().filter(|(_, changed)| *changed).map(|(key, _)| key.to_owned()))
        .collect();
    // The whole table says no more than its keys, unless none of them is known here.
    if restart.iter().any(|key| key.starts_with("[api] ") || key.starts_with("[api.")) {
        restart.retain(|key| key != "[api]");
    }
    new.accounts.clone_from(&old.accounts);
    new.api = old.api.clone();
    new.store = old.store.clone();
    new.control.socket.clone_from(&old.control.socket);
    new.metrics = old.metrics;
    new.notify.clone_from(&old.notify);
    Ok(restart)
}
