//! The cause that failures of several jobs share.

use std::fmt;

use dropship_job::{ErrorKind, Event, Job, State, Step};

/// Words of at least this length that have a digit are ids, and differ between jobs.
const ID_LENGTH: usize = 8;

/// A cause of failures, which several jobs can share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FailureCause {
    /// The service does not answer the calls of an account, or answers with an error of its own.
    Service { account: String },
    /// The service does not say whether it has carried out the calls of an account.
    LostResponses { account: String, call: String },
    /// Creates of an account had no response, and their objects were not found.
    NotFound { account: String, object: String },
    /// Creates of an account had no response and no effect, and are sent again.
    SentAgain { account: String, object: String },
    /// Attempts of an account fail with this error, without ids and names.
    Attempts { account: String, kind: ErrorKind, error: String },
    /// Results cannot be written to an outbox.
    Outbox { path: String },
    /// Dropped files of a folder cannot be deleted or moved.
    DroppedFiles { folder: String },
}

impl FailureCause {
    /// The shared cause of a failure; `None` for an event that is no failure, or a failure that is not retried.
    pub(super) fn of(job: &Job, event: &Event) -> Option<Self> {
        let account = account(job);
        Some(match event {
            Event::AttemptFailed { fault, .. } => match &fault.kind {
                ErrorKind::ServiceUnavailable => Self::Service { account },
                ErrorKind::Outbox => Self::Outbox { path: outbox_of(job).to_owned() },
                kind => {
                    Self::Attempts { account, kind: kind.clone(), error: without_names(job, &fault.message) }
                }
            },
            Event::NotFound { kind, .. } => Self::NotFound { account, object: kind.to_string() },
            Event::Reissued { kind, .. } => Self::SentAgain { account, object: kind.to_string() },
            Event::AfterFailed { .. } => {
                Self::DroppedFiles { folder: job.package().folder.clone().unwrap_or_default() }
            }
            _ => return None,
        })
    }

    /// The cause of lost responses to a call.
    pub(super) fn lost_response(job: &Job, call: &str) -> Self {
        Self::LostResponses { account: account(job), call: call.to_owned() }
    }

    /// Whether the job, in its state after an event, no longer has this cause.
    pub(super) fn is_over_for(&self, job: &Job) -> bool {
        let is_stopped = matches!(job.state(), State::Held { label: None, .. }) || job.state().has_ended();
        match self {
            Self::DroppedFiles { .. } => job.after_failure().is_none(),
            // A commit without a response is read again in the same step.
            Self::LostResponses { .. } | Self::NotFound { .. } | Self::SentAgain { .. } => {
                is_stopped || (job.doubt().is_none() && job.step() != Step::Commit)
            }
            Self::Service { .. } | Self::Attempts { .. } | Self::Outbox { .. } => {
                job.attempts() == 0 || is_stopped
            }
        }
    }
}

impl fmt::Display for FailureCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service { account } => write!(f, "the service was not available to account `{account}`"),
            Self::LostResponses { account, call } => {
                write!(f, "the service gave no response to the {call} of account `{account}`")
            }
            Self::NotFound { account, object } => {
                write!(f, "a {object} of account `{account}` whose create had no response was not found")
            }
            Self::SentAgain { account, object } => {
                write!(f, "the create of a {object} of account `{account}` had no effect and was sent again")
            }
            Self::Attempts { account, error, .. } => {
                write!(f, "attempts of account `{account}` failed: {error}")
            }
            Self::Outbox { path } => write!(f, "the outbox {path} could not be written"),
            Self::DroppedFiles { folder } => {
                write!(f, "dropped files of folder `{folder}` could not be deleted or moved")
            }
        }
    }
}

fn account(job: &Job) -> String {
    job.account().unwrap_or_default().to_owned()
}

/// A message without the words that differ between jobs: ids, and the names of the package.
pub(super) fn without_names(job: &Job, message: &str) -> String {
    let name = &job.package().name;
    let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
    let package_words: Vec<_> = words(name).chain(words(stem)).collect();
    let is_id = |word: &str| word.len() >= ID_LENGTH && word.bytes().any(|byte| byte.is_ascii_digit());
    // A short name may be part of any word.
    let is_name =
        |word: &str| package_words.contains(&word) || (stem.len() >= MIN_STEM_LENGTH && word.contains(stem));
    words(message).filter(|word| !is_id(word) && !is_name(word)).collect::<Vec<_>>().join(" ")
}

/// Minimum length of a package name that is also searched for inside of words.
const MIN_STEM_LENGTH: usize = 4;

fn words(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|letter: char| !letter.is_alphanumeric() && !"-._".contains(letter));
    words.filter(|word| !word.is_empty())
}

/// The outbox that contains a job's folder.
pub(super) fn outbox_of(job: &Job) -> &str {
    job.package().outbox.rsplit_once('/').map_or("", |(outbox, _)| outbox)
}
