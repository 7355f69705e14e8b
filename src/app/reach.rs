//! The daemon as the control socket reaches it.

use std::io::Read;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;

use super::reload::Reloader;
use crate::control::{
    AccountStatus, Act, Floor, FolderStatus, Note, Office, Reach, Refusal, RefusalKind, Reloaded, Status,
    Submitted,
};
use crate::doctor::Finding;
use crate::intake::Intake;
use crate::outbox::Receipt;
use crate::pipeline::{self, Context, label_of, withdraw};
use crate::reception::{Handed, Reception};
use dropship_hardware::Client;
use dropship_job::{Event, Job, JobId, State, StateKind};

pub(super) struct DaemonReach {
    office: Office,
    context: Arc<Context<Client>>,
    intake: Arc<Intake>,
    reception: Arc<Reception>,
    reloader: Arc<Reloader>,
    since: Timestamp,
}

impl DaemonReach {
    pub(super) fn new(reloader: Arc<Reloader>) -> Self {
        let (context, intake, reception) = reloader.parts();
        let floor = Arc::new(Workers(Arc::clone(&context)));
        let office = Office::new(Arc::clone(&context.store), floor, context.settings.sandbox);
        Self { office, context, intake, reception, reloader, since: Timestamp::now() }
    }

    /// Before a job is cancelled, its labels that are on their way are; says which the service would not withdraw.
    async fn withdraw_labels(&self, id: &JobId, by: &str) -> Result<Vec<String>, Refusal> {
        let store = &*self.context.store;
        let Some(job) = store.job(id)? else { return Ok(Vec::new()) };
        if matches!(job.state, State::Succeeded | State::Rejected { .. } | State::Cancelled) {
            return Ok(Vec::new());
        }
        let (events, refused) = withdraw(store, &self.context.services, &job, by).await?;
        if let Some(job) = store.job(id)?.filter(|_| !events.is_empty()) {
            self.context.tell(&job, &events).await;
        }
        for why in &refused {
            tracing::warn!(job_id = %id, event = "not_withdrawn", "{}: {why}", job.package.name);
        }
        Ok(refused)
    }

    fn known_folder(&self, folder: Option<&str>) -> Result<(), Refusal> {
        let Some(name) = folder else { return Ok(()) };
        let rulebook = self.reception.rulebook();
        if rulebook.config.folders.iter().any(|folder| folder.name == name) {
            return Ok(());
        }
        Err(Refusal::new(RefusalKind::NotFound, format!("there is no folder named `{name}`")))
    }
}

impl Reach for DaemonReach {
    fn office(&self) -> &Office {
        &self.office
    }

    fn operators(&self) -> Vec<String> {
        self.reception.rulebook().config.control.operators.clone()
    }

    fn status(&self) -> Result<Status, Refusal> {
        let mut jobs = self.office.counts()?;
        jobs.insert(StateKind::Running, self.context.queue.running());
        let accounts = self.context.accounts.all().into_iter().map(|(name, paused)| AccountStatus {
            name,
            why: paused.why,
            since: paused.since,
            probe: paused.probe,
        });
        let folders = self.intake.health().into_iter().map(|health| FolderStatus {
            name: health.name,
            path: health.path.display().to_string(),
            state: format!("{:?}", health.state).to_lowercase(),
            why: health.why,
            advice: health.advice,
            candidates: health.candidates,
            no_room: health.paused,
        });
        Ok(Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            running: true,
            since: Some(self.since),
            endpoint: self.reception.rulebook().config.api.endpoint.to_string(),
            sandbox: self.context.settings.sandbox,
            jobs,
            paused: self.context.brake.scopes().into_iter().collect(),
            accounts: accounts.collect(),
            folders: folders.collect(),
        })
    }

    fn doctor(&self) -> Result<Vec<Finding>, Refusal> {
        Ok(crate::doctor::examine(&*self.context.store, &self.context.depot)?)
    }

    fn rescan(&self, folder: Option<&str>) -> Result<(), Refusal> {
        self.known_folder(folder)?;
        self.intake.rescan(folder);
        Ok(())
    }

    fn brake<'a>(&'a self, folder: Option<&'a str>, on: bool) -> BoxFuture<'a, Result<(), Refusal>> {
        async move {
            self.known_folder(folder)?;
            let (brake, store) = (&self.context.brake, &*self.context.store);
            if on {
                brake.pause(store, folder).await?;
            } else {
                brake.resume(store, folder).await?;
                self.context.wake_paused().await?;
            }
            crate::observe::brake(folder, on);
            Ok(())
        }
        .boxed()
    }

    fn act<'a>(
        &'a self,
        id: &'a JobId,
        act: &'a Act,
        by: &'a str,
    ) -> BoxFuture<'a, Result<Receipt, Refusal>> {
        async move {
            let refused = match act {
                Act::Cancel => self.withdraw_labels(id, by).await?,
                Act::Retry { .. } | Act::Approve { .. } => Vec::new(),
            };
            let mut receipt = self.office.act(id, act, by).await?;
            receipt.warnings.extend(refused);
            Ok(receipt)
        }
        .boxed()
    }

    fn note(&self, label: u64, note: Note, by: String) -> BoxFuture<'_, Result<Option<JobId>, Refusal>> {
        async move {
            let store = &*self.context.store;
            let Some((job, index)) = label_of(store, label)? else { return Ok(None) };
            let event = note.event(index, &by);
            if let Some(job) = pipeline::note(store, &job.id, event.clone()).await? {
                self.context.tell(&job, &[event]).await;
            }
            Ok(Some(job.id))
        }
        .boxed()
    }

    fn reload<'a>(&'a self, by: &'a str) -> BoxFuture<'a, Result<Reloaded, Refusal>> {
        self.reloader.reload(by).boxed()
    }

    fn hand_in(&self, submitted: &Submitted, bytes: &mut dyn Read) -> Result<JobId, Refusal> {
        self.known_folder(submitted.folder.as_deref())?;
        let handed = Handed {
            name: &submitted.name,
            folder: submitted.folder.as_deref(),
            rule: submitted.rule.as_deref(),
        };
        self.reception.hand_in(&handed, bytes).map_err(|why| Refusal::new(RefusalKind::Failed, why))
    }
}

/// The workers, for the office.
struct Workers(Arc<Context<Client>>);

impl Floor for Workers {
    fn is_running(&self, id: &JobId) -> bool {
        self.0.queue.is_running(id)
    }

    fn in_hand(&self) -> Vec<JobId> {
        self.0.queue.in_hand()
    }

    fn told(&self, job: &Job, events: &[Event]) {
        let (context, job, events) = (Arc::clone(&self.0), job.clone(), events.to_vec());
        let runtime = context.runtime.clone();
        runtime.spawn(async move { context.tell(&job, &events).await });
    }
}
