//! The audit: compares published labels with the service regularly, one after the other, while no job waits for a worker.
//!
//! Microsoft withdraws and expires drivers on its own, and labels can be changed in Partner Center. A difference and the new record
//! of the label are in one commit, so a crash repeats the comparison and nothing else.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::assembly::Pipeline;
use super::known_audiences;
use super::label_comparison::{Comparison, compare};
use super::published;
use super::service::Service;
use super::step_context::{Interrupt, StepContext};
use crate::label_drift::{self, UnacknowledgedDrift};
use crate::service_id::ServiceId;
use dropship_hardware::{Error, LabelId, ProductId, ShippingLabel, SubmissionId};
use dropship_job::{Drift, Event, Job, Label, State};
use dropship_store::{Commit, Entry, LabelCheck, PublishedLabel, StoreError};

/// Pause between two comparisons, so that the many due comparisons after a long stop do not use up the budget of calls.
const GAP: Duration = Duration::from_secs(1);

/// Maximum time between two searches for a label that is due.
const IDLE: Duration = Duration::from_secs(60);

/// Delay until a comparison that was not possible is tried again.
const RETRY: Duration = Duration::from_secs(600);

/// What one turn of the audit did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AuditTurn {
    /// A label was compared or postponed.
    Done,
    /// No label is due, or a job waits for a worker.
    Nothing,
}

/// Compares labels until the shutdown. Does nothing with `audit = "0s"`.
pub(super) async fn run<S: Service>(pipeline: Arc<Pipeline<S>>) {
    let period = pipeline.settings.audit;
    if period.is_zero() {
        return;
    }
    loop {
        let pause = match turn(&pipeline).await {
            Ok(AuditTurn::Done) => GAP,
            Ok(AuditTurn::Nothing) => IDLE,
            Err(error) => {
                // If the store cannot be written, the daemon ends and reports why. The audit need not report it again.
                tracing::debug!("the audit of published labels was interrupted: {error}");
                IDLE
            }
        };
        tokio::select! {
            () = pipeline.shutdown.cancelled() => return,
            () = tokio::time::sleep(pause.min(period / 10).max(Duration::from_millis(20))) => {}
        }
    }
}

/// Compares the label whose comparison has been due for longest, unless a job waits for a worker.
///
/// # Errors
/// When the store cannot be read or written.
pub(super) async fn turn<S: Service>(pipeline: &Pipeline<S>) -> Result<AuditTurn, StoreError> {
    let now = pipeline.clock.now();
    if pipeline.shutdown.is_cancelled() || pipeline.queue.has_waiting(now) {
        return Ok(AuditTurn::Nothing);
    }
    let due = pipeline.store.labels_checked_before(before(now, pipeline.settings.audit), 1)?;
    let Some(id) = due.first().copied() else { return Ok(AuditTurn::Nothing) };
    let Some(published_label) = published::read_label(&*pipeline.store, id)? else {
        let forgotten = Commit::unsynced(vec![Entry::LabelForgotten { label: id }]);
        pipeline.store.commit(forgotten).committed().await?;
        return Ok(AuditTurn::Done);
    };
    let job = pipeline.store.job(&published_label.job)?;
    let index = job.as_ref().and_then(|job| job.labels().iter().position(|label| label.id() == Some(id)));
    let check = pipeline.store.label_check(id)?.unwrap_or(LabelCheck::passed(Timestamp::UNIX_EPOCH));
    let audit = Audit { pipeline, now, check, owner: job.zip(index), published_label };
    audit.run().await
}

/// `time` minus `span`; the Unix epoch if that is out of range.
fn before(time: Timestamp, span: Duration) -> Timestamp {
    let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
    time.checked_sub(span).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The comparison of one label.
struct Audit<'a, S> {
    pipeline: &'a Pipeline<S>,
    now: Timestamp,
    check: LabelCheck,
    /// The job with the label, and the index of the label in it; absent when the job was pruned or has another label instead.
    owner: Option<(Job, usize)>,
    published_label: PublishedLabel,
}

impl<S: Service> Audit<'_, S> {
    async fn run(&self) -> Result<AuditTurn, StoreError> {
        let own_label = self.owner.as_ref().and_then(|(job, index)| job.labels().get(*index));
        if own_label.is_some_and(|label| !label.is_published()) {
            // The label is being withdrawn. The background work of its job follows that.
            return self.postpone(self.pipeline.settings.audit, self.check.missing_since).await;
        }
        let account = &self.published_label.account;
        let service = self.pipeline.services.get(account).cloned();
        let is_suspended = self.pipeline.guards.accounts.get(account).is_some();
        let Some(service) = service.filter(|_| !is_suspended) else {
            return self.postpone(RETRY, self.check.missing_since).await;
        };
        let (product, submission) =
            (ProductId::of(self.published_label.product), SubmissionId::of(self.published_label.submission));
        let read = service.label(product, submission, LabelId::of(self.published_label.id));
        let result = tokio::select! {
            result = read => result,
            () = self.pipeline.shutdown.cancelled() => return Ok(AuditTurn::Nothing),
        };
        match result {
            Ok(shipping_label) => self.on_found(&shipping_label).await,
            Err(error) => self.on_error(&error).await,
        }
    }

    /// The service has the label.
    async fn on_found(&self, shipping_label: &ShippingLabel) -> Result<AuditTurn, StoreError> {
        if shipping_label.is_failed() {
            let messages = shipping_label.workflow_status.as_ref().map(|status| status.messages.join("; "));
            let reason = messages.filter(|text| !text.is_empty());
            let reason = reason.unwrap_or_else(|| "no reason given".to_owned());
            return self.record_drift(Drift::Withdrawn { reason }, None).await;
        }
        let known_audiences = known_audiences::read(&*self.pipeline.store, &self.published_label.account)?;
        match compare(&self.published_label, shipping_label, &known_audiences) {
            // One answer without targets proves nothing.
            Comparison::NoTargets => self.on_missing(Drift::Expired).await,
            _ if !shipping_label.is_done() => self.postpone(self.recheck(), None).await,
            Comparison::Same => self.record_passed(Vec::new()).await,
            Comparison::First(label) => self.record_passed(vec![Entry::LabelPublished { label }]).await,
            Comparison::Changed { label, .. } if self.check.edited => {
                self.record_passed(vec![Entry::LabelPublished { label }]).await
            }
            Comparison::Changed { label, changes } => {
                self.record_drift(Drift::Changed { changes }, Some(label)).await
            }
        }
    }

    /// The call failed. A 404 proves nothing yet: a part of the service may not know the label for a while.
    async fn on_error(&self, error: &Error) -> Result<AuditTurn, StoreError> {
        if error.status == Some(404) {
            return self.on_missing(Drift::Removed).await;
        }
        tracing::debug!(label_id = %self.published_label.id, "cannot compare label {}: {error}", self.published_label.id);
        let delay = error.retry_after.unwrap_or_default().max(RETRY);
        self.postpone(delay, self.check.missing_since).await
    }

    /// The service does not show the label, or shows no target of it. If this is still so after `[api] uncertain`, the drift is
    /// recorded.
    async fn on_missing(&self, drift: Drift) -> Result<AuditTurn, StoreError> {
        let since = self.check.missing_since.unwrap_or(self.now);
        let span = Duration::try_from(self.now.duration_since(since)).unwrap_or_default();
        if self.check.missing_since.is_some() && span >= self.pipeline.settings.uncertain {
            return self.record_drift(drift, None).await;
        }
        self.postpone(self.recheck(), Some(since)).await
    }

    /// Delay of the next comparison of a label that the service may not show correctly now.
    fn recheck(&self) -> Duration {
        self.pipeline.settings.uncertain.max(Duration::from_millis(20))
    }

    /// The label is as expected, except for the changes in the entries.
    async fn record_passed(&self, mut entries: Vec<Entry>) -> Result<AuditTurn, StoreError> {
        entries.push(Entry::LabelChecked {
            label: self.published_label.id,
            check: LabelCheck::passed(self.now),
        });
        self.pipeline.store.commit(Commit::unsynced(entries)).committed().await?;
        Ok(AuditTurn::Done)
    }

    /// Compares the label again after a delay.
    async fn postpone(
        &self,
        delay: Duration,
        missing_since: Option<Timestamp>,
    ) -> Result<AuditTurn, StoreError> {
        let delay = delay.min(self.pipeline.settings.audit);
        let at = self.pipeline.clock.after(delay);
        let check = LabelCheck { at: before(at, self.pipeline.settings.audit), missing_since, ..self.check };
        let checked = Entry::LabelChecked { label: self.published_label.id, check };
        self.pipeline.store.commit(Commit::unsynced(vec![checked])).committed().await?;
        Ok(AuditTurn::Done)
    }

    /// Records a difference: in the job if the job still exists, otherwise only in the log.
    async fn record_drift(
        &self,
        drift: Drift,
        label: Option<Box<PublishedLabel>>,
    ) -> Result<AuditTurn, StoreError> {
        let id = self.published_label.id;
        let mut entries = vec![match label {
            Some(label) => Entry::LabelPublished { label },
            None => Entry::LabelForgotten { label: id },
        }];
        if !drift.ends_publication() {
            entries.push(Entry::LabelChecked { label: id, check: LabelCheck::passed(self.now) });
        }
        let Some((job, index)) = self.owner.clone() else {
            self.pipeline.store.commit(Commit::new(entries)).committed().await?;
            crate::observe::label_of_pruned_job_drifted(&self.published_label, &drift);
            return Ok(AuditTurn::Done);
        };
        let unacknowledged = UnacknowledgedDrift {
            job: job.id().clone(),
            label: self.published_label.name.clone(),
            what: drift.to_string(),
            at: self.now,
        };
        entries.extend(label_drift::added_entry(id, &unacknowledged));
        record(self.pipeline, job, entries, Event::Drifted { label: index, id, drift }).await
    }
}

/// Records an event of a job that no worker processes. A waiting job continues at once: a label may depend on this one.
async fn record<S: Service>(
    pipeline: &Pipeline<S>,
    job: Job,
    entries: Vec<Entry>,
    event: Event,
) -> Result<AuditTurn, StoreError> {
    let id = job.id().clone();
    if !pipeline.queue.claim(&id) {
        return Ok(AuditTurn::Nothing);
    }
    let mut events = vec![event];
    if matches!(job.state(), State::Waiting { .. }) && job.labels().iter().any(Label::is_missing) {
        events.push(Event::Resumed);
    }
    let mut ctx = StepContext::new(pipeline, job);
    let recorded = ctx.record_with(entries, events).await;
    pipeline.queue.release(&id);
    match recorded {
        Ok(()) => Ok(AuditTurn::Done),
        Err(Interrupt::Store(error)) => Err(error),
        // The job has changed since it was read.
        Err(_) => Ok(AuditTurn::Nothing),
    }
}
