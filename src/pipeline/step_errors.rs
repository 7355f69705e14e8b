//! What a step does about an error: retry, wait, suspend the account, hold the job or fail it.

use std::time::Duration;

use super::service::Service;
use super::step_context::{StepContext, StepResult};
use crate::outbox::Outbox;
use dropship_hardware::{Error, INCOMPLETE_LIST, Recovery, TransferError};
use dropship_job::{ErrorKind, Event, Fault, WaitReason};

/// Throttling is answered with the delay of this many failures more than there were.
const THROTTLED: u32 = 3;

impl<S: Service> StepContext<'_, S> {
    /// Retries after a delay of at least `asked`; for errors that may pass.
    pub(super) async fn retry_later<T>(&mut self, fault: Fault, asked: Option<Duration>) -> StepResult<T> {
        let delay = self.delay(self.job.attempts(), asked);
        let due = self.pipeline.clock.after(delay);
        self.suspend(Event::AttemptFailed { due, fault }).await
    }

    /// Delay after this many failures, at least as long as the service asked for.
    fn delay(&self, failures: u32, asked: Option<Duration>) -> Duration {
        self.pipeline.settings.retry.delay(failures).max(asked.unwrap_or(Duration::ZERO))
    }

    /// Handles a failed call by the class of its error.
    pub(super) async fn on_api_error<T>(&mut self, error: Error) -> StepResult<T> {
        let message = error.to_string();
        if error.has_code(INCOMPLETE_LIST) {
            return self.hold_for_incomplete_list(&error).await;
        }
        match error.recovery {
            // Throttling is not a failed attempt.
            Recovery::Retry if error.status == Some(429) => {
                let failures = self.job.attempts() + THROTTLED;
                let delay = self.delay(failures, error.retry_after);
                self.wait(delay, WaitReason::Throttled { error: message }).await
            }
            Recovery::Retry => {
                self.retry_later(Fault::new(ErrorKind::ServiceUnavailable, message), error.retry_after).await
            }
            Recovery::NotReady => {
                let why = WaitReason::ServiceNotReady { error: message };
                self.poll_again(self.pipeline.settings.sign, why).await
            }
            Recovery::Credentials | Recovery::Permission => self.on_account_refused(&error).await,
            Recovery::Reconcile => self.fail(Fault::new(ErrorKind::StateConflict, message)).await,
            Recovery::Permanent => self.fail(Fault::new(ErrorKind::RequestRefused, message)).await,
        }
    }

    /// Holds the job: a list that ended early cannot prove that something does not exist.
    async fn hold_for_incomplete_list<T>(&mut self, error: &Error) -> StepResult<T> {
        let known = self.job.doubt().map(|(_, intent)| {
            let ids: Vec<_> = intent.existing_ids.iter().map(u64::to_string).collect();
            let before = if ids.is_empty() { "nothing".to_owned() } else { ids.join(", ") };
            format!("; the name is `{}`, and {before} had that name before the call", intent.name)
        });
        let message = format!(
            "{error}; the list is incomplete, so the object may already exist and nothing was created{}; check Partner \
             Center, then approve to try again, or cancel",
            known.unwrap_or_default()
        );
        self.hold(Fault::new(ErrorKind::IncompleteList, message)).await
    }

    /// Suspends the account, with one alert for all its jobs. A job that is refused again although the account works is
    /// held.
    pub(super) async fn on_account_refused<T>(&mut self, error: &Error) -> StepResult<T> {
        let account = self.account().to_owned();
        let pipeline = self.pipeline;
        if pipeline.guards.accounts.refused_again(&account, self.job.id()) {
            let message = format!(
                "account `{account}` works, but the service refuses this call: {error}; correct the cause, then approve"
            );
            return self.hold(Fault::new(ErrorKind::Refused, message)).await;
        }
        let probe = pipeline.suspend_account(&account, error);
        self.wait_until(probe, WaitReason::SuspendedAccount { account, error: error.to_string() }).await
    }

    /// Retries a failed transfer with a fresh URL, unless a retry cannot help.
    pub(super) async fn on_transfer_error<T>(&mut self, error: &TransferError) -> StepResult<T> {
        let fault = Fault::new(ErrorKind::Transfer, error.to_string());
        match error {
            TransferError::Service(error) => self.on_api_error(error.clone()).await,
            // The URL may have expired: the next attempt gets a fresh one.
            error if error.is_passing() => self.retry_later(fault, None).await,
            // A full disk or a missing permission can be corrected while the job retries.
            TransferError::Local { what: "written", .. } => self.retry_later(fault, None).await,
            _ => self.fail(fault).await,
        }
    }

    /// Retries when the outbox cannot be written.
    pub(super) async fn on_outbox_error<T>(
        &mut self,
        outbox: &Outbox,
        error: &std::io::Error,
    ) -> StepResult<T> {
        let folder = outbox.folder().display();
        let message = format!(
            "cannot write to the outbox {folder}: {error}; free space or grant the daemon write access"
        );
        self.retry_later(Fault::new(ErrorKind::Outbox, message), None).await
    }
}
