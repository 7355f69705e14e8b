//! A job in a worker's hand: everything that happens to it is recorded before the next thing is done.

use std::time::Duration;

use jiff::Timestamp;

use super::context::{Context, PAUSED};
use super::learnt::Wait;
use super::pace::{back_off, next_look, spread};
use super::service::Service;
use crate::config::model::Pace;
use crate::depot::Dossier;
use crate::outbox::Outbox;
use crate::store::{Commit, Entry, StoreError};
use dropship_hardware::{Class, Error, ProductId, Submission, SubmissionId, TransferError, UNPROVEN};
use dropship_job::{Event, Fault, Job, RemoteKind, State};

/// How long a paused job sleeps before it looks at the brake again by itself.
const BRAKE_LOOK: Duration = Duration::from_secs(30);

/// Why a worker puts a job down.
#[derive(Debug)]
pub(super) enum Stop {
    /// It waits, is held or has ended; that is recorded.
    Parked,
    /// Somebody else changed it meanwhile; it is looked at anew.
    Changed,
    /// The daemon is ending.
    Draining,
    /// The store failed.
    Store(StoreError),
}

/// What a step comes to: the next step, or a reason to put the job down.
pub(super) type Go<T = ()> = Result<T, Stop>;

/// A job that a worker works on.
pub(super) struct Hand<'a, S> {
    pub(super) context: &'a Context<S>,
    pub(super) job: Job,
}

impl<'a, S: Service> Hand<'a, S> {
    pub(super) fn new(context: &'a Context<S>, job: Job) -> Self {
        Self { context, job }
    }

    /// Records what happened; it is durable when this returns.
    pub(super) async fn record(&mut self, events: Vec<Event>) -> Go {
        self.record_with(Vec::new(), events).await
    }

    /// Records what happened together with entries of other kinds.
    pub(super) async fn record_with(&mut self, entries: Vec<Entry>, events: Vec<Event>) -> Go {
        // A wait that a power cut forgets is only shorter: the next start looks at once.
        let waits = events.iter().all(|event| matches!(event, Event::Waited { .. } | Event::Resumed));
        let durable = !waits || !entries.is_empty();
        let mut commit = Commit {
            at: self.context.clock.now(),
            durable,
            ..Commit::of_job(&self.job.id, self.job.rev, events.clone())
        };
        commit.entries.extend(entries);
        match self.context.store.commit(commit).answer().await {
            Ok(jobs) => {
                if let Some(job) = jobs.into_iter().next() {
                    if job.step != self.job.step {
                        self.context.accounts.accepted(self.account(), &job.id);
                    }
                    self.job = job;
                    self.context.tell(&self.job, &events).await;
                }
                Ok(())
            }
            Err(StoreError::Conflict { .. }) => Err(Stop::Changed),
            Err(error) => Err(Stop::Store(error)),
        }
    }

    /// Records that something exists, whatever else happened to the job meanwhile.
    pub(super) async fn record_created(&mut self, kind: RemoteKind, id: u64, adopted: bool) -> Go {
        loop {
            match self.record(vec![Event::Created { kind, id, adopted }]).await {
                Err(Stop::Changed) => {
                    let current = self.context.store.job(&self.job.id).map_err(Stop::Store)?;
                    self.job = current.ok_or(Stop::Changed)?;
                }
                Ok(()) => break,
                other => return other,
            }
        }
        self.context.names.release(&self.job);
        if self.job.state == State::Queued { Ok(()) } else { Err(Stop::Parked) }
    }

    /// Records events and puts the job down.
    pub(super) async fn park<T>(&mut self, event: Event) -> Go<T> {
        self.record(vec![event]).await?;
        Err(Stop::Parked)
    }

    /// Waits until a time; costs no attempt.
    pub(super) async fn wait_until<T>(&mut self, due: Timestamp, why: impl Into<String>) -> Go<T> {
        self.park(Event::Waited { due, why: why.into(), polled: false }).await
    }

    /// Waits for a span.
    pub(super) async fn wait<T>(&mut self, span: Duration, why: impl Into<String>) -> Go<T> {
        let due = self.context.clock.after(span);
        self.wait_until(due, why).await
    }

    /// Sleeps while the brake is on; `resume` wakes it.
    pub(super) async fn wait_paused<T>(&mut self) -> Go<T> {
        self.wait(BRAKE_LOOK, PAUSED).await
    }

    /// Waits for the service to get on with something; looks get rarer with the time that the step has taken.
    pub(super) async fn look_again<T>(&mut self, pace: Pace, why: impl Into<String>) -> Go<T> {
        let due = self.next_look(pace);
        self.park(Event::Waited { due, why: why.into(), polled: true }).await
    }

    /// When to look next, after the time that the step has taken.
    pub(super) fn next_look(&self, pace: Pace) -> Timestamp {
        self.context.clock.after(next_look(pace, self.waited()))
    }

    /// Waits for an end at the service, and looks when one is likely, after how long others took.
    pub(super) async fn look_out<T>(&mut self, wait: Wait, why: impl Into<String>) -> Go<T> {
        let span = self.context.learnt.next_look(&self.job, wait, self.pace(wait), self.waited());
        let due = self.context.clock.after(spread(span));
        self.park(Event::Waited { due, why: why.into(), polled: true }).await
    }

    /// Learns from the end of a wait how long it took; the entries make that last.
    pub(super) fn learn(&self, wait: Wait) -> Vec<Entry> {
        self.context.learnt.ended(&self.job, wait, self.pace(wait), self.context.clock.now())
    }

    fn pace(&self, wait: Wait) -> Pace {
        match wait {
            Wait::Sign => self.context.settings.sign,
            Wait::Publish => self.context.settings.publish,
        }
    }

    /// How long the step has taken.
    pub(super) fn waited(&self) -> Duration {
        let waited = self.context.clock.now().duration_since(self.job.step_started);
        Duration::try_from(waited).unwrap_or_default()
    }

    /// Tells once when the step takes longer than that; it never fails, cancels or repeats anything.
    pub(super) async fn overdue_after(&mut self, span: Duration) -> Go {
        if self.job.overdue || self.waited() <= span {
            return Ok(());
        }
        self.record(vec![Event::Overdue]).await
    }

    /// Ends the job.
    pub(super) async fn fail<T>(&mut self, fault: Fault) -> Go<T> {
        self.park(Event::Failed { fault }).await
    }

    /// Lets the job wait for a person.
    pub(super) async fn hold<T>(&mut self, fault: Fault) -> Go<T> {
        self.park(Event::Held { fault, request: None }).await
    }

    /// Everything is done: the dropped file gets what its folder says, then the job ends.
    pub(super) async fn succeed(&mut self, mut events: Vec<Event>) -> Go {
        if let Some(due) = self.job.duplicate_check_due() {
            return self.wait_until(due, "a last look for twins of what was created twice").await;
        }
        super::after::act(self.context, &self.job).await;
        events.push(Event::Succeeded);
        self.record(events).await
    }

    /// An attempt failed in a way that may pass.
    pub(super) async fn stumble<T>(&mut self, fault: Fault, asked: Option<Duration>) -> Go<T> {
        let delay = back_off(self.context.settings.retry, self.job.attempts, asked);
        let due = self.context.clock.after(delay);
        self.park(Event::AttemptFailed { due, fault }).await
    }

    /// Does with a failed call what its class asks for.
    pub(super) async fn trouble<T>(&mut self, error: Error) -> Go<T> {
        let kind = error.code.clone().unwrap_or_else(|| format!("{:?}", error.class).to_lowercase());
        let fault = Fault::new(&kind, error.to_string());
        if error.has_code(UNPROVEN) {
            let known = self.job.doubt().map(|(_, intent)| {
                let ids: Vec<_> = intent.existing_ids.iter().map(u64::to_string).collect();
                let before = if ids.is_empty() { "nothing".to_owned() } else { ids.join(", ") };
                format!("; the name is `{}`, and {before} bore it before the call", intent.name)
            });
            let message = format!(
                "{error}; what is not in it may be there all the same, so nothing is created{}: look in Partner Center, then \
                 approve to look again, or cancel",
                known.unwrap_or_default()
            );
            return self.hold(Fault::new(UNPROVEN, message)).await;
        }
        match error.class {
            // The service asks for patience; that is no failure.
            Class::Retry if error.status == Some(429) => {
                let delay = back_off(self.context.settings.retry, self.job.attempts + 3, error.retry_after);
                self.wait(delay, fault.message).await
            }
            Class::Retry => self.stumble(fault, error.retry_after).await,
            Class::NotReady => self.look_again(self.context.settings.sign, fault.message).await,
            Class::Credentials | Class::Permission => self.account_refused(&error).await,
            Class::Reconcile | Class::Permanent => self.fail(fault).await,
        }
    }

    /// Pauses the account; one alert for all its jobs. A job that is refused again though the account works is held alone.
    pub(super) async fn account_refused<T>(&mut self, error: &Error) -> Go<T> {
        let account = self.account().to_owned();
        let context = self.context;
        if context.accounts.refused_again(&account, &self.job.id) {
            let message = format!(
                "account `{account}` works, but this call is refused: {error}; mend it, then approve"
            );
            return self.hold(Fault::new("refused", message)).await;
        }
        let probe = context.pause_account(&account, error);
        self.wait_until(probe, format!("account `{account}` is paused: {error}")).await
    }

    /// The name of the job's account.
    pub(super) fn account(&self) -> &str {
        self.job.account.as_deref().unwrap_or("default")
    }

    /// The service of the job's account; a job whose account is no longer configured is held.
    pub(super) async fn service(&mut self) -> Go<S> {
        let account = self.account().to_owned();
        let service = self.context.services.get(&account).cloned();
        match service {
            Some(service) => Ok(service),
            None => {
                let message = format!("account `{account}` is not configured any more; add it, then approve");
                self.hold(Fault::new("no-account", message)).await
            }
        }
    }

    /// The plan that the job began with.
    pub(super) async fn dossier(&mut self) -> Go<Dossier> {
        let digest = self.job.plan.clone().unwrap_or_default();
        match self.context.depot.dossier(&self.job.id, &digest) {
            Ok(dossier) => Ok(dossier),
            Err(error) => {
                let message = format!("the job's plan cannot be read: {error}; restore it, then approve");
                self.hold(Fault::new("plan-lost", message)).await
            }
        }
    }
}

/// What most steps need of the service.
impl<S: Service> Hand<'_, S> {
    /// Id of the product.
    pub(super) async fn product(&mut self) -> Go<u64> {
        match self.job.product.id() {
            Some(id) => Ok(id),
            None => {
                self.fail(Fault::new("no-product", "the job has no product; retry with --new-product")).await
            }
        }
    }

    /// Ids of the product and the submission.
    pub(super) async fn remote(&mut self) -> Go<(ProductId, SubmissionId)> {
        let product = self.product().await?;
        match self.job.submission.id() {
            Some(id) => Ok((ProductId(product), SubmissionId(id))),
            None => {
                let message = "the job has no submission; retry with --new-product";
                self.fail(Fault::new("no-submission", message)).await
            }
        }
    }

    /// The submission as it is now.
    pub(super) async fn look(&mut self, service: &S) -> Go<Submission> {
        let (product, submission) = self.remote().await?;
        match self.unless_draining(service.submission(product, submission)).await? {
            Ok(submission) => Ok(submission),
            // It exists: the service has not come round to knowing it, or somebody hides it for a while.
            Err(error) if error.status == Some(404) => {
                self.stumble(Fault::new("not-shown", error.to_string()), error.retry_after).await
            }
            Err(error) => self.trouble(error).await,
        }
    }

    /// A look or transfer that may be cut off at any instant: what was transferred is taken up again later.
    pub(super) async fn unless_draining<T>(&self, work: impl Future<Output = T>) -> Go<T> {
        tokio::select! {
            done = work => Ok(done),
            () = self.context.draining.cancelled() => Err(Stop::Draining),
        }
    }

    /// Is the job's folder paused?
    pub(super) async fn brake_holds(&self) -> bool {
        self.context.brake.pass(self.job.package.folder.as_deref()).await.is_none()
    }

    /// A transfer failed: it is tried again, with a fresh URL, unless nothing of that can help.
    pub(super) async fn transfer_trouble<T>(&mut self, error: &TransferError) -> Go<T> {
        let fault = Fault::new("transfer", error.to_string());
        match error {
            TransferError::Service(error) => self.trouble(error.clone()).await,
            // The URL has run out: the next attempt asks for a fresh one.
            error if error.is_passing() => self.stumble(fault, None).await,
            // Somebody has to make room or give leave; that passes.
            TransferError::Local { what: "written", .. } => self.stumble(fault, None).await,
            _ => self.fail(fault).await,
        }
    }

    /// The outbox cannot be written: somebody has to make room or give leave; the job tries again.
    pub(super) async fn unwritable<T>(&mut self, outbox: &Outbox, error: &std::io::Error) -> Go<T> {
        let message = format!("cannot write to the outbox {}: {error}", outbox.folder().display());
        self.stumble(Fault::new("outbox", message), None).await
    }
}
