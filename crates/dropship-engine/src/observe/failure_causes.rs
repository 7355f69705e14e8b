//! One log line for an error that many jobs meet at the same time, and one with their number when it is over.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

use super::failure_cause::FailureCause;
use dropship_job::{Event, Job, JobId};

/// Interval between repetitions of the line while the error lasts.
const REPEAT: SignedDuration = SignedDuration::from_hours(1);

/// The errors that jobs meet now, which are caused by something that they share.
#[derive(Debug, Default)]
pub(super) struct FailureCauses(Mutex<BTreeMap<FailureCause, ActiveFailure>>);

/// The jobs that meet an error.
#[derive(Debug)]
struct ActiveFailure {
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
pub(super) enum FailureRepetition {
    /// It has no cause that jobs share.
    Single,
    /// It is the first one of its cause.
    First,
    /// The cause has lasted for a while since its last line: jobs and failures so far.
    Again { jobs: usize, failures: u64 },
    /// A line of its cause was logged before.
    Counted,
}

/// A cause of failures that no job has any more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct EndedFailure {
    pub(super) cause: FailureCause,
    pub(super) since: Timestamp,
    pub(super) jobs: usize,
    pub(super) failures: u64,
}

impl FailureCauses {
    /// Counts a failure of a job; `job` is its state after the event.
    pub(super) fn count(&self, job: &Job, event: &Event) -> FailureRepetition {
        FailureCause::of(job, event).map_or(FailureRepetition::Single, |cause| self.count_cause(job, cause))
    }

    /// Counts a failure of a job with a known cause.
    pub(super) fn count_cause(&self, job: &Job, cause: FailureCause) -> FailureRepetition {
        let now = job.updated();
        let mut causes = self.0.lock();
        let is_first = !causes.contains_key(&cause);
        let new =
            ActiveFailure { since: now, last_logged: now, jobs: BTreeMap::new(), current: 0, failures: 0 };
        let failing = causes.entry(cause).or_insert(new);
        failing.failures += 1;
        if failing.jobs.insert(job.id().clone(), true) != Some(true) {
            failing.current += 1;
        }
        if is_first {
            return FailureRepetition::First;
        }
        if now.duration_since(failing.last_logged) < REPEAT {
            return FailureRepetition::Counted;
        }
        failing.last_logged = now;
        FailureRepetition::Again { jobs: failing.jobs.len(), failures: failing.failures }
    }

    /// Notes the state of a job after an event. Returns the causes that no job meets any more, if some of their failures were
    /// only counted.
    pub(super) fn ended(&self, job: &Job) -> Vec<EndedFailure> {
        let mut causes = self.0.lock();
        let mut ended = Vec::new();
        causes.retain(|cause, failing| {
            if let Some(meets) = failing.jobs.get_mut(job.id()).filter(|meets| **meets)
                && cause.is_over_for(job)
            {
                *meets = false;
                failing.current -= 1;
            }
            if failing.current == 0 && failing.failures > 1 {
                ended.push(EndedFailure {
                    cause: cause.clone(),
                    since: failing.since,
                    jobs: failing.jobs.len(),
                    failures: failing.failures,
                });
            }
            failing.current > 0
        });
        ended
    }
}

#[cfg(test)]
mod tests {
    use dropship_job::testing::JobBuilder;
    use dropship_job::{ErrorKind, Fault, WaitReason};

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
            causes.count(&job(*number, std::slice::from_ref(&event)), &event) != FailureRepetition::Counted
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
        assert_eq!(causes.count(&job(1, std::slice::from_ref(&event)), &event), FailureRepetition::First);
    }

    #[test]
    fn failures_with_different_causes_are_logged_each() {
        let causes = FailureCauses::default();
        for (number, kind, message, repetition) in [
            (
                1,
                ErrorKind::Transfer,
                "signedPackage: no space left [request 0d1a84b8-c9a5]",
                FailureRepetition::First,
            ),
            (
                2,
                ErrorKind::Transfer,
                "signedPackage: no space left [request 77777777-c9a5]",
                FailureRepetition::Counted,
            ),
            (3, ErrorKind::Transfer, "signedPackage: connection refused", FailureRepetition::First),
            (4, ErrorKind::ServiceUnavailable, "503", FailureRepetition::First),
            (
                5,
                ErrorKind::NotShown,
                "the new submission 1152921504621465124 is not shown",
                FailureRepetition::First,
            ),
            (
                6,
                ErrorKind::NotShown,
                "the new submission 1152921504621465777 is not shown",
                FailureRepetition::Counted,
            ),
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
