//! One notification: what is sent.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::model::Occasion;
use crate::outbox::Receipt;
use dropship_job::{Event, Job, State};

/// A notification as it is spooled and sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Note {
    /// The same whenever the same thing is told again.
    pub(super) id: String,
    /// When it happened.
    pub(super) at: Timestamp,
    /// What happened.
    pub(super) event: Occasion,
    /// To which job.
    pub(super) job: Option<Receipt>,
    /// To which account.
    pub(super) account: Option<AccountNote>,
    /// Nothing of it went to Microsoft.
    pub(super) sandbox: bool,
}

/// An account that is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AccountNote {
    name: String,
    why: String,
}

/// Is this among what somebody may want to know?
pub(super) fn is_worth_it(event: &Event) -> bool {
    matches!(
        event,
        Event::Held { .. }
            | Event::Rejected { .. }
            | Event::Failed { .. }
            | Event::Cancelled { .. }
            | Event::Succeeded
    )
}

impl Note {
    /// What is to be told of a job as it stands.
    pub(super) fn of_job(job: &Job, sandbox: bool) -> Option<Self> {
        let event = match job.state {
            State::Held { .. } => Occasion::Held,
            State::Rejected { .. } => Occasion::Rejected,
            State::Failed { .. } => Occasion::Failed,
            State::Cancelled => Occasion::Cancelled,
            State::Succeeded => Occasion::Succeeded,
            State::Queued | State::Waiting { .. } => return None,
        };
        let mut receipt = Receipt::of(job, false);
        receipt.sandbox = sandbox;
        let id = format!("{}-{}", job.id, job.rev);
        Some(Self { id, at: job.updated, event, job: Some(receipt), account: None, sandbox })
    }

    /// That an account is refused.
    pub(super) fn of_account(name: &str, why: &str, sandbox: bool) -> Self {
        let at = Timestamp::now();
        let id = format!("account-{name}-{}", at.as_millisecond());
        let account = AccountNote { name: name.to_owned(), why: why.to_owned() };
        Self { id, at, event: Occasion::Account, job: None, account: Some(account), sandbox }
    }
}
