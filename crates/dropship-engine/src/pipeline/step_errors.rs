//! How a step handles an error: retry, wait, suspend the account, hold the job or fail it.

use std::time::Duration;

use super::service::Service;
use super::step_context::{StepContext, StepResult};
use crate::outbox::ResultPlace;
use dropship_hardware::{Error, ForbiddenOrigin, Recovery, TransferError};
use dropship_job::{ErrorKind, Event, Fault, HoldFault, HoldReason, WaitReason};

/// Throttling is answered with the delay of this many failures more than there were.
const THROTTLED_FAILURES: u32 = 3;

impl<S: Service> StepContext<'_, S> {
    /// Retries after a delay of at least `min_delay`; for errors that may pass.
    pub(super) async fn retry_later<T>(
        &mut self,
        fault: Fault,
        min_delay: Option<Duration>,
    ) -> StepResult<T> {
        let delay = self.delay(self.job.attempts(), min_delay);
        let due = self.pipeline.clock.after(delay);
        self.suspend(Event::AttemptFailed { due, fault }).await
    }

    /// Delay after this many failures, at least as long as the service asked for.
    fn delay(&self, failures: u32, min_delay: Option<Duration>) -> Duration {
        self.pipeline.settings.retry.delay(failures).max(min_delay.unwrap_or(Duration::ZERO))
    }

    /// Handles a failed call by the class of its error.
    pub(super) async fn on_api_error<T>(&mut self, error: Error) -> StepResult<T> {
        let message = error.to_string();
        match error.recovery {
            // Throttling is not a failed attempt.
            Recovery::Retry if error.status == Some(429) => {
                let failures = self.job.attempts() + THROTTLED_FAILURES;
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

    /// Handles the failure of a call on an object that this job has created. One part of the service may not know the object
    /// yet: 404 or 400 passes for a while. After that an operator decides; the object is never given up.
    pub(super) async fn on_own_object_error<T>(&mut self, error: Error) -> StepResult<T> {
        if error.recovery == Recovery::Permanent && error.may_not_know_object() {
            self.retry_unknown_object(error).await
        } else {
            self.on_api_error(error).await
        }
    }

    /// The same for a read: no answer to a read says anything about the object that a later one could not correct.
    pub(super) async fn on_read_error<T>(&mut self, error: Error) -> StepResult<T> {
        match error.recovery {
            Recovery::Permanent | Recovery::Reconcile => self.retry_unknown_object(error).await,
            _ => self.on_api_error(error).await,
        }
    }

    /// Whether the attempts at this step have failed for longer than a change can take to be visible.
    pub(super) fn has_failed_for_long(&self) -> bool {
        let since = self.job.failing_since().map(|since| self.pipeline.clock.now().duration_since(since));
        since.is_some_and(|span| {
            Duration::try_from(span).unwrap_or_default() >= self.pipeline.settings.uncertain
        })
    }

    async fn retry_unknown_object<T>(&mut self, error: Error) -> StepResult<T> {
        if !self.has_failed_for_long() {
            return self
                .retry_later(Fault::new(ErrorKind::NotShown, error.to_string()), error.retry_after)
                .await;
        }
        let message = format!(
            "{error}; this job created the object, and the service has rejected its calls for more than `[api] uncertain`; check the \
             object in Partner Center, then approve to try again, or cancel"
        );
        self.hold(HoldFault::new(HoldReason::NotShown, message)).await
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
            return self.hold(HoldFault::new(HoldReason::Refused, message)).await;
        }
        let probe = pipeline.suspend_account(&account, error);
        self.wait_until(probe, WaitReason::SuspendedAccount { account, error: error.to_string() }).await
    }

    /// Handles the failed transfer of an item, which is a download type of the service: retries with a new URL, unless a retry
    /// cannot help.
    pub(super) async fn on_transfer_error<T>(&mut self, item: &str, error: &TransferError) -> StepResult<T> {
        let fault = Fault::new(ErrorKind::Transfer, format!("{item}: {error}"));
        match error {
            TransferError::Service(error) => self.on_api_error(error.clone()).await,
            TransferError::TooLong { .. } => {
                self.retry_or_hold_transfer(item, HoldReason::BadDownload, fault.message).await
            }
            TransferError::Page { .. }
            | TransferError::Empty
            | TransferError::ErrorDocument { .. }
            | TransferError::Digest { .. } => {
                self.retry_or_hold_transfer(item, HoldReason::Transfer, fault.message).await
            }
            // The URL may have expired: the next attempt gets a fresh one.
            error if error.is_passing() => self.retry_later(fault, None).await,
            // The store may not have the blob yet, or may not accept a URL yet that was signed a moment ago.
            TransferError::Refused { .. } => {
                self.retry_or_hold_transfer(item, HoldReason::Transfer, fault.message).await
            }
            // A full disk or a missing permission can be corrected while the job retries.
            TransferError::Local { what: "written", .. } => self.retry_later(fault, None).await,
            TransferError::Forbidden { reason, .. } => {
                let advice = match reason {
                    ForbiddenOrigin::NotListed => {
                        "if it is a blob store of Microsoft, add its host to `[api] blob_hosts`, restart the daemon and approve, \
                         otherwise cancel"
                    }
                    _ => "approve to request another URL, or cancel",
                };
                let message = format!("cannot transfer {item}: {error}; {advice}");
                self.hold(HoldFault::new(HoldReason::UnusableUrl, message)).await
            }
            _ => self.fail(fault).await,
        }
    }

    /// Retries the transfer of an item with a new URL, and holds the job when that has failed for longer than a change can
    /// take to be visible.
    pub(super) async fn retry_or_hold_transfer<T>(
        &mut self,
        item: &str,
        reason: HoldReason,
        message: String,
    ) -> StepResult<T> {
        if !self.has_failed_for_long() {
            return self.retry_later(Fault::new(reason.into(), message), None).await;
        }
        let message = format!(
            "{message}; it has failed for more than `[api] uncertain`; check {item} of the submission in Partner Center, then approve to try \
             again, or cancel"
        );
        self.hold(HoldFault::new(reason, message)).await
    }

    /// Holds the job when the URL of an item is not a usable one.
    pub(super) async fn hold_for_unusable_url<T>(&mut self, item: &str, url: &str) -> StepResult<T> {
        let message = format!(
            "the service names `{url}` as the URL of {item}, which is not a usable URL; check the submission in Partner Center, \
             then approve to read it again, or cancel"
        );
        self.hold(HoldFault::new(HoldReason::UnusableUrl, message)).await
    }

    /// Holds the job when the service has offered no URL for an item for too long.
    pub(super) async fn hold_for_missing_url<T>(&mut self, item: &str) -> StepResult<T> {
        let message = format!(
            "the submission has offered no URL of {item} for more than `[api] uncertain`; check it in Partner Center, then approve to \
             read it again, or cancel"
        );
        self.hold(HoldFault::new(HoldReason::UnusableUrl, message)).await
    }

    /// Retries when a result cannot be stored before it is delivered.
    pub(super) async fn on_store_full<T>(&mut self, error: &std::io::Error) -> StepResult<T> {
        let message = format!("cannot store a download: {error}; free space on the disk of the store");
        self.retry_later(Fault::new(ErrorKind::Transfer, message), None).await
    }

    /// Retries when the outbox cannot be written.
    pub(super) async fn on_outbox_error<T>(
        &mut self,
        outbox: &ResultPlace,
        error: &std::io::Error,
    ) -> StepResult<T> {
        let folder = outbox.folder().display();
        let message = format!(
            "cannot write to the outbox {folder}: {error}; free space, or make the outbox writable for the daemon and for no other user"
        );
        self.retry_later(Fault::new(ErrorKind::Outbox, message), None).await
    }
}
