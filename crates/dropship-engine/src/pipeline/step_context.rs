//! One job while a worker processes it. Each change is durable before a request is sent that depends on it.

use std::time::Duration;

use jiff::Timestamp;

use super::assembly::Pipeline;
use super::durability::LossCost;
use super::poll::next_poll;
use super::published_changes;
use super::service::Service;
use dropship_config::model::{DEFAULT_ACCOUNT, PollInterval};
use dropship_job::{
    Event, Fault, HoldFault, Job, Label, Release, RemoteId, RemoteKind, State, Step, WaitReason,
};
use dropship_store::{Commit, Entry, StoreError};

/// Interval at which a paused job checks the pause; `resume` wakes it earlier.
pub(super) const PAUSE_POLL: Duration = Duration::from_secs(30);

/// Why a worker stops processing a job.
#[derive(Debug)]
pub(super) enum Interrupt {
    /// The job waits, is held or has ended, and that is recorded.
    Suspended,
    /// The label in work waits or is held. The other labels of the job continue.
    LabelDeferred,
    /// The job was changed elsewhere; it has to be read again.
    Conflict,
    /// The daemon shuts down.
    ShuttingDown,
    /// The store failed.
    Store(StoreError),
}

/// The result of a step or a part of it.
pub(super) type StepResult<T = ()> = Result<T, Interrupt>;

/// A job and the pipeline that processes it.
pub(super) struct StepContext<'a, S> {
    pub(super) pipeline: &'a Pipeline<S>,
    pub(super) job: Job,
    /// Index of the label in work: holds and waits concern it alone.
    pub(super) label: Option<usize>,
    /// When the labels need the next pass, and what for.
    pub(super) next_pass: Option<(Timestamp, WaitReason)>,
    /// When background work that failed is tried again.
    pub(super) background_retry: Option<Timestamp>,
}

impl<'a, S: Service> StepContext<'a, S> {
    pub(super) fn new(pipeline: &'a Pipeline<S>, job: Job) -> Self {
        Self { pipeline, job, label: None, next_pass: None, background_retry: None }
    }

    /// Commits events. When this returns they are durable, unless they would be found out again after a power cut
    /// ([`LossCost`]).
    pub(super) async fn record(&mut self, events: Vec<Event>) -> StepResult {
        self.record_with(Vec::new(), events).await
    }

    /// Commits events together with entries of other kinds.
    pub(super) async fn record_with(&mut self, entries: Vec<Entry>, events: Vec<Event>) -> StepResult {
        let entries: Vec<_> =
            entries.into_iter().chain(published_changes::forgotten(&self.job, &events)).collect();
        let loss_cost = LossCost::of(&self.job, &events, &entries);
        let unsynced = &self.pipeline.guards.unsynced;
        let durable = unsynced.needs_sync(self.job.id(), loss_cost);
        let mut commit = Commit {
            at: self.pipeline.clock.now(),
            durable,
            ..Commit::of_job(self.job.id(), self.job.rev(), events.clone())
        };
        commit.entries.extend(entries);
        match self.pipeline.store.commit(commit).committed().await {
            Ok(jobs) => {
                unsynced.on_committed(self.job.id(), loss_cost, durable);
                if let Some(job) = jobs.into_iter().next() {
                    if job.step() != self.job.step() {
                        self.pipeline.guards.accounts.on_accepted(self.account(), job.id());
                    }
                    self.job = job;
                    let effects = &self.pipeline.events;
                    match loss_cost == LossCost::Repetition && !durable {
                        true => effects.after_unsynced_commit(&self.job, &events),
                        false => effects.after_commit(&self.job, &events).await,
                    }
                }
                Ok(())
            }
            Err(StoreError::Conflict { .. }) => Err(Interrupt::Conflict),
            Err(error) => Err(Interrupt::Store(error)),
        }
    }

    /// Commits that something exists at the service, also when the job was changed elsewhere in the meantime.
    pub(super) async fn record_created(
        &mut self,
        kind: RemoteKind,
        id: RemoteId,
        adopted: bool,
        go_live: Option<Timestamp>,
    ) -> StepResult {
        loop {
            let mut events = vec![Event::Created { kind, id, adopted, go_live }];
            if self.is_last_label(kind) {
                events.push(Event::Labelled);
            }
            match self.record(events).await {
                Err(Interrupt::Conflict) => {
                    let current = self.pipeline.store.job(self.job.id()).map_err(Interrupt::Store)?;
                    self.job = current.ok_or(Interrupt::Conflict)?;
                }
                Ok(()) => break,
                other => return other,
            }
        }
        self.pipeline.guards.names.release(&self.job);
        let continues = matches!(self.job.state(), State::Queued | State::Held { label: Some(_), .. });
        if continues { Ok(()) } else { Err(Interrupt::Suspended) }
    }

    /// Whether every other label of the job exists: with this one the step ends, unless the job was ended in the meantime.
    fn is_last_label(&self, kind: RemoteKind) -> bool {
        let RemoteKind::Label(index) = kind else { return false };
        let mut others = self.job.labels().iter().enumerate().filter(|(other, _)| *other != index);
        let is_at_work = *self.job.state() == State::Queued && self.job.step() == Step::Label;
        is_at_work && others.all(|(_, label)| !label.is_missing())
    }

    /// Commits an event and stops processing the job.
    pub(super) async fn suspend<T>(&mut self, event: Event) -> StepResult<T> {
        self.record(vec![event]).await?;
        Err(Interrupt::Suspended)
    }

    /// Waits until a time. Does not count as an attempt.
    pub(super) async fn wait_until<T>(&mut self, due: Timestamp, why: WaitReason) -> StepResult<T> {
        self.suspend(Event::Waited { due, why, polled: false }).await
    }

    /// Waits for a span. Does not count as an attempt.
    pub(super) async fn wait<T>(&mut self, span: Duration, why: WaitReason) -> StepResult<T> {
        let due = self.pipeline.clock.after(span);
        self.wait_until(due, why).await
    }

    /// Waits for the pause to end.
    pub(super) async fn wait_paused<T>(&mut self) -> StepResult<T> {
        self.wait(PAUSE_POLL, WaitReason::Paused).await
    }

    /// Waits for the next poll of something that the service is working on.
    pub(super) async fn poll_again<T>(&mut self, interval: PollInterval, why: WaitReason) -> StepResult<T> {
        let due = self.next_poll(interval);
        self.suspend(Event::Waited { due, why, polled: true }).await
    }

    /// Time of the next poll; the interval grows with the time that the step has taken.
    pub(super) fn next_poll(&self, interval: PollInterval) -> Timestamp {
        self.pipeline.clock.after(next_poll(interval, self.time_in_step()))
    }

    /// How long the job has been in its step.
    pub(super) fn time_in_step(&self) -> Duration {
        let time = self.pipeline.clock.now().duration_since(self.job.step_started());
        Duration::try_from(time).unwrap_or_default()
    }

    /// Reports once that the step takes longer than this. The job continues.
    pub(super) async fn report_overdue(&mut self, limit: Duration) -> StepResult {
        if self.job.is_overdue() || self.time_in_step() <= limit {
            return Ok(());
        }
        self.record(vec![Event::Overdue]).await
    }

    /// Ends the job as failed. A failure of one label holds that label while others are unfinished, unless its kind concerns the
    /// whole job.
    pub(super) async fn fail<T>(&mut self, fault: Fault) -> StepResult<T> {
        let unfinished = |label: &Label| label.is_missing() || label.is_processing();
        let mut others = self.job.labels().iter().enumerate().filter(|(index, _)| Some(*index) != self.label);
        if self.label.is_some()
            && others.any(|(_, label)| unfinished(label))
            && let Ok(fault) = HoldFault::try_from(fault.clone())
        {
            return self.hold(fault).await;
        }
        self.suspend(Event::Failed { fault }).await
    }

    /// Holds the job for an operator; while a label is in work, only that label.
    pub(super) async fn hold<T>(&mut self, fault: HoldFault) -> StepResult<T> {
        match self.label {
            Some(index) => self.hold_label(index, fault, Release::Attempt).await,
            None => self.suspend(Event::Held { fault, request: None }).await,
        }
    }

    /// The same; an approval releases the request with this digest.
    pub(super) async fn hold_for_request<T>(&mut self, fault: HoldFault, request: String) -> StepResult<T> {
        match self.label {
            Some(index) => self.hold_label(index, fault, Release::Request(request)).await,
            None => self.suspend(Event::Held { fault, request: Some(request) }).await,
        }
    }

    /// Whether the job's folder or everything is paused.
    pub(super) async fn is_paused(&self) -> bool {
        self.pipeline.guards.pause.permit(self.job.package().folder.as_deref()).await.is_none()
    }

    /// Runs a read or a transfer that may be interrupted at any time; a transfer is resumed later.
    pub(super) async fn unless_shutting_down<T>(&self, work: impl Future<Output = T>) -> StepResult<T> {
        tokio::select! {
            done = work => Ok(done),
            () = self.pipeline.shutdown.cancelled() => Err(Interrupt::ShuttingDown),
        }
    }

    /// The name of the job's account.
    pub(super) fn account(&self) -> &str {
        self.job.account().unwrap_or(DEFAULT_ACCOUNT)
    }
}
