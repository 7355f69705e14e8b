//! A notification in the form in which it is spooled and sent.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use dropship_config::model::Occasion;
use dropship_engine::outbox::Receipt;
use dropship_job::{Event, Job, State};
use dropship_store::HistoryEntry;

/// One event of a job or account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Notification {
    /// Id of the event; a repeated delivery has the same id.
    pub(super) id: String,
    /// Time of the event.
    pub(super) at: Timestamp,
    /// Kind of the event.
    pub(super) event: Occasion,
    /// The job, for events of jobs.
    pub(super) job: Option<Receipt>,
    /// The account, for events of accounts.
    pub(super) account: Option<AccountProblem>,
    /// Whether the job was sent to a sandbox.
    pub(super) sandbox: bool,
}

/// A suspended account and the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AccountProblem {
    name: String,
    why: String,
}

/// Whether targets can be notified of this event.
pub(super) fn is_notifiable(event: &Event) -> bool {
    matches!(
        event,
        Event::Held { .. }
            | Event::LabelHeld { .. }
            | Event::Rejected { .. }
            | Event::Failed { .. }
            | Event::Cancelled { .. }
            | Event::Succeeded
    )
}

impl Notification {
    /// The notification about the current state of a job; `None` unless the job has ended or is held.
    pub(super) fn of_job(job: &Job, sandbox: bool) -> Option<Self> {
        let event = match job.state() {
            State::Held { .. } => Occasion::Held,
            State::Rejected { .. } => Occasion::Rejected,
            State::Failed { .. } => Occasion::Failed,
            State::Cancelled => Occasion::Cancelled,
            State::Succeeded => Occasion::Succeeded,
            State::Queued | State::Waiting { .. } => return None,
        };
        let mut receipt = Receipt::of(job, false);
        receipt.sandbox = sandbox;
        let id = format!("{}-{}", job.id(), job.rev());
        Some(Self { id, at: job.updated(), event, job: Some(receipt), account: None, sandbox })
    }

    /// The notification about the current state of a job as it was when the job entered this state: later events, such as polls of other
    /// labels, change neither its id nor its time.
    pub(super) fn of_history(job: &Job, history: &[HistoryEntry], sandbox: bool) -> Option<Self> {
        let notification = Self::of_job(job, sandbox)?;
        // The history of an old job may be compacted.
        let Some(entered) = history.iter().rposition(|entry| is_notifiable(&entry.event)) else {
            return Some(notification);
        };
        let committed = history.get(entered).map_or(notification.at, |entry| entry.at);
        let later = history.iter().skip(entered).filter(|entry| entry.at != committed).count();
        // The time of a job never goes back, whatever the clock did.
        let at = history.iter().take(entered + 1).map(|entry| entry.at).max().unwrap_or(committed);
        let rev = job.rev().saturating_sub(u64::try_from(later).unwrap_or(u64::MAX));
        Some(Self { id: format!("{}-{rev}", job.id()), at, ..notification })
    }

    /// The notification about a label that had to be withdrawn and was published, or about a published label that dropship did not
    /// change and that is different now. Absent without such an event.
    pub(super) fn of_label(job: &Job, events: &[Event], sandbox: bool) -> Option<Self> {
        let concerns = |event: &Event| matches!(event, Event::PublishedAnyway { .. } | Event::Drifted { .. });
        events.iter().any(concerns).then(|| {
            let mut receipt = Receipt::of(job, false);
            receipt.sandbox = sandbox;
            let id = format!("{}-{}-label", job.id(), job.rev());
            Self { id, at: job.updated(), event: Occasion::Label, job: Some(receipt), account: None, sandbox }
        })
    }

    /// The notification about a suspended account.
    pub(super) fn of_account(name: &str, why: &str, sandbox: bool) -> Self {
        let at = Timestamp::now();
        let id = format!("account-{name}-{}", at.as_millisecond());
        let account = AccountProblem { name: name.to_owned(), why: why.to_owned() };
        Self { id, at, event: Occasion::Account, job: None, account: Some(account), sandbox }
    }
}
