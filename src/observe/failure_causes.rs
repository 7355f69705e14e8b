//! One log line for an error that many jobs meet at the same time, and one with their number when it is over.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

use super::jobs::outbox_of;
use dropship_job::{ErrorKind, Event, Job, JobId, State};

/// Interval between repetitions of the line while the error lasts.
const REPEAT: SignedDuration = SignedDuration::from_hours(1);

/// Words of at least this length that have a digit are ids, and differ between jobs.
const ID_LENGTH: usize = 8;

/// The errors that jobs meet now, which are caused by something that they share.
#[derive(Debug, Default)]
pub struct FailureCauses(Mutex<BTreeMap<Cause, Failing>>);

/// The common cause of the failures of several jobs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    /// The service does not answer the calls of an account, or answers with an error of its own.
    Service { account: String },
    /// Uploads or downloads of an account fail with this error, without ids.
    Transfer { account: String, error: String },
    /// Results cannot be written to an outbox.
    Outbox { path: String },
    /// Dropped files of a folder cannot be deleted or moved.
    DroppedFiles { folder: String },
}

impl Cause {
    /// The shared cause of a failure. `None` for an error of one job.
    fn of(job: &Job, event: &Event) -> Option<Self> {
        let account = || job.account().unwrap_or_default().to_owned();
        match event {
            Event::AttemptFailed { fault, .. } => match fault.kind {
                ErrorKind::ServiceUnavailable => Some(Self::Service { account: account() }),
                ErrorKind::Transfer => {
                    Some(Self::Transfer { account: account(), error: without_ids(&fault.message) })
                }
                ErrorKind::Outbox => Some(Self::Outbox { path: outbox_of(job).to_owned() }),
                _ => None,
            },
            Event::AfterFailed { .. } => {
                Some(Self::DroppedFiles { folder: job.package().folder.clone().unwrap_or_default() })
            }
            _ => None,
        }
    }

    /// Whether a job that is in this state after an event no longer meets the error.
    fn is_over_for(&self, job: &Job) -> bool {
        match self {
            Self::DroppedFiles { .. } => job.after_failure().is_none(),
            _ => {
                let is_stopped = matches!(job.state(), State::Held { label: None, .. });
                job.attempts() == 0 || is_stopped || job.state().has_ended()
            }
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service { account } => write!(f, "the service was not available to account `{account}`"),
            Self::Transfer { account, error } => {
                write!(f, "transfers of account `{account}` failed: {error}")
            }
            Self::Outbox { path } => write!(f, "the outbox {path} could not be written"),
            Self::DroppedFiles { folder } => {
                write!(f, "dropped files of folder `{folder}` could not be deleted or moved")
            }
        }
    }
}

/// The jobs that meet an error.
#[derive(Debug)]
struct Failing {
    since: Timestamp,
    last_logged: Timestamp,
    /// Each job that has met it, and whether it still does.
    jobs: BTreeMap<JobId, bool>,
    /// Number of jobs that still meet it.
    current: usize,
    failures: u64,
}

/// How a failure is logged.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Repetition {
    /// It has no cause that jobs share.
    Single,
    /// It is the first one of its cause.
    First,
    /// The cause has lasted for a while since its last line: jobs and failures so far.
    Again { jobs: usize, failures: u64 },
    /// A line of its cause was logged before.
    Counted,
}

/// A cause that no job meets any more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Over {
    pub(super) cause: Cause,
    pub(super) since: Timestamp,
    pub(super) jobs: usize,
    pub(super) failures: u64,
}

impl FailureCauses {
    /// Counts a failure of a job; `job` is its state after the event.
    pub(super) fn count(&self, job: &Job, event: &Event) -> Repetition {
        let Some(cause) = Cause::of(job, event) else { return Repetition::Single };
        let now = job.updated();
        let mut causes = self.0.lock();
        let is_first = !causes.contains_key(&cause);
        let new = Failing { since: now, last_logged: now, jobs: BTreeMap::new(), current: 0, failures: 0 };
        let failing = causes.entry(cause).or_insert(new);
        failing.failures += 1;
        if failing.jobs.insert(job.id().clone(), true) != Some(true) {
            failing.current += 1;
        }
        if is_first {
            return Repetition::First;
        }
        if now.duration_since(failing.last_logged) < REPEAT {
            return Repetition::Counted;
        }
        failing.last_logged = now;
        Repetition::Again { jobs: failing.jobs.len(), failures: failing.failures }
    }

    /// Notes the state of a job after an event. Returns the causes that no job meets any more, if some of their failures were
    /// only counted.
    pub(super) fn ended(&self, job: &Job) -> Vec<Over> {
        let mut causes = self.0.lock();
        let mut over = Vec::new();
        causes.retain(|cause, failing| {
            if let Some(meets) = failing.jobs.get_mut(job.id()).filter(|meets| **meets)
                && cause.is_over_for(job)
            {
                *meets = false;
                failing.current -= 1;
            }
            if failing.current == 0 && failing.failures > 1 {
                over.push(Over {
                    cause: cause.clone(),
                    since: failing.since,
                    jobs: failing.jobs.len(),
                    failures: failing.failures,
                });
            }
            failing.current > 0
        });
        over
    }
}

/// A message without the words that differ between jobs.
fn without_ids(message: &str) -> String {
    let is_id = |word: &str| word.len() >= ID_LENGTH && word.bytes().any(|byte| byte.is_ascii_digit());
    let words = message.split(|letter: char| !letter.is_alphanumeric() && !"-._".contains(letter));
    words.filter(|word| !word.is_empty() && !is_id(word)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use dropship_job::testing::JobBuilder;
    use dropship_job::{Fault, WaitReason};

    use super::*;

    fn job(number: u32, events: &[Event]) -> Job {
        events
            .iter()
            .fold(JobBuilder::new("a", number), |job, event| job.event(event.clone()))
            .build()
            .expect("a job")
    }

    fn failed(kind: ErrorKind, message: &str) -> Event {
        Event::AttemptFailed { due: Timestamp::UNIX_EPOCH, fault: Fault::new(kind, message) }
    }

    #[test]
    fn failures_of_many_jobs_with_one_cause_are_logged_once_and_counted() {
        let causes = FailureCauses::default();
        let event = failed(ErrorKind::ServiceUnavailable, "cannot list products");
        let logged = (0..500).filter(|number| {
            causes.count(&job(*number, std::slice::from_ref(&event)), &event) != Repetition::Counted
        });
        assert_eq!(logged.count(), 1);
        let wait = Event::Waited { due: Timestamp::UNIX_EPOCH, why: WaitReason::Paused, polled: false };
        let resumed = [event.clone(), Event::Resumed, wait];
        assert_eq!((0..499).flat_map(|number| causes.ended(&job(number, &resumed))).count(), 0);
        assert_eq!(
            causes.ended(&job(499, &[event.clone(), Event::Resumed])),
            [],
            "its next attempt may fail"
        );
        let over = causes.ended(&job(499, &resumed));
        assert_eq!(over.iter().map(|over| (over.jobs, over.failures)).collect::<Vec<_>>(), [(500, 500)]);
        assert_eq!(causes.count(&job(1, std::slice::from_ref(&event)), &event), Repetition::First);
    }

    #[test]
    fn failures_with_different_causes_are_logged_each() {
        let causes = FailureCauses::default();
        for (number, kind, message, repetition) in [
            (
                1,
                ErrorKind::Transfer,
                "signedPackage: no space left [request 0d1a84b8-c9a5]",
                Repetition::First,
            ),
            (
                2,
                ErrorKind::Transfer,
                "signedPackage: no space left [request 77777777-c9a5]",
                Repetition::Counted,
            ),
            (3, ErrorKind::Transfer, "signedPackage: connection refused", Repetition::First),
            (4, ErrorKind::ServiceUnavailable, "503", Repetition::First),
            (5, ErrorKind::NotShown, "404", Repetition::Single),
        ] {
            let event = failed(kind, message);
            assert_eq!(
                causes.count(&job(number, std::slice::from_ref(&event)), &event),
                repetition,
                "{message}"
            );
        }
    }
}
