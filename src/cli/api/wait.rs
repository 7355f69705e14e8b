//! `api … wait`: asks for an object until its work has ended.

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::Instant;

use super::session::{ApiSession, call_error};
use crate::cli::exit::{Exit, ExitError};
use dropship_config::model::PollInterval;
use dropship_hardware::{Client, Error, Recovery};
use dropship_redact::Escaped;
use dropship_rules::duration;

/// How long a command waits.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct WaitLimit {
    /// Give up after this time, such as 30m or 2h [default: wait without limit]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    timeout: Option<Duration>,
}

/// The state of an object.
pub(super) enum WaitStatus {
    /// The service still works on it; the progress as text.
    Pending(String),
    /// It has reached the state that the command waits for.
    Done,
    /// It will never reach that state; the reason.
    Failed(String),
}

/// A wait for the end of one object's work.
pub(super) struct ObjectWait<'a> {
    pub(super) session: &'a ApiSession<'a>,
    /// The object in messages: `submission 5`.
    pub(super) subject: String,
    /// Poll interval.
    pub(super) pace: PollInterval,
    pub(super) limit: WaitLimit,
}

impl ObjectWait<'_> {
    /// Asks until the object is done or has failed. Returns the object, and why it failed.
    pub(super) async fn wait_for_end<T>(
        &self,
        ask: impl AsyncFn(&Client) -> Result<T, Error>,
        classify: impl Fn(&T) -> WaitStatus,
    ) -> anyhow::Result<(T, Option<String>)> {
        let progress = RefCell::new("nothing is known of it".to_owned());
        let outcome = self.poll(ask, classify, &progress);
        let Some(timeout) = self.limit.timeout else { return outcome.await };
        let timed_out = |_| {
            let text = format!("{} did not end in time: {}", self.subject, Escaped(&progress.borrow()));
            anyhow::Error::from(ExitError(Exit::TimedOut, text))
        };
        tokio::time::timeout(timeout, outcome).await.map_err(timed_out)?
    }

    async fn poll<T>(
        &self,
        ask: impl AsyncFn(&Client) -> Result<T, Error>,
        classify: impl Fn(&T) -> WaitStatus,
        progress: &RefCell<String>,
    ) -> anyhow::Result<(T, Option<String>)> {
        let client = self.session.client()?;
        let started = Instant::now();
        let mut interval = self.pace.first;
        loop {
            let status = match ask(client).await {
                Ok(object) => match classify(&object) {
                    WaitStatus::Done => return Ok((object, None)),
                    WaitStatus::Failed(why) => return Ok((object, Some(why))),
                    WaitStatus::Pending(status) => status,
                },
                Err(error) if self.is_temporary(&error, started) => error.to_string(),
                Err(error) => return Err(call_error(error)),
            };
            if *progress.borrow() == status {
                interval = interval.saturating_mul(2).min(self.pace.max);
            } else {
                self.session.output.note(&format!("{}: {}", self.subject, Escaped(&status)));
                interval = self.pace.first;
                progress.replace(status);
            }
            tokio::time::sleep(interval).await;
        }
    }

    /// Whether a failed call is repeated: the service is not available, or does not know a new object yet.
    fn is_temporary(&self, error: &Error, started: Instant) -> bool {
        match error.recovery {
            Recovery::Retry | Recovery::NotReady | Recovery::Reconcile => true,
            Recovery::Permanent => error.status == Some(404) && started.elapsed() < self.session.uncertain(),
            Recovery::Permission | Recovery::Credentials => false,
        }
    }
}
