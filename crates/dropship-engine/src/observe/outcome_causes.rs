//! Failed, rejected and held jobs that share a cause: a few are logged in full, the others briefly.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

use super::failure_cause::without_names;
use dropship_job::{ErrorKind, Event, Fault, Job, JobId};

/// A cause is forgotten when no further job has met it for this time.
const FORGET_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// Number of jobs with one cause that are logged in full.
const IN_FULL: u64 = 5;

/// Maximum number of causes that are remembered.
const MAX_CAUSES: usize = 1000;

/// The causes for which jobs failed, were rejected or were held lately.
#[derive(Debug, Default)]
pub(super) struct OutcomeCauses(Mutex<BTreeMap<OutcomeCause, Occurrences>>);

/// What jobs with one cause have in common.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct OutcomeCause {
    /// Name of the event.
    event: &'static str,
    kind: ErrorKind,
    /// The message without ids and names.
    error: String,
}

/// The jobs with one cause.
#[derive(Debug)]
struct Occurrences {
    /// The first of them.
    example: JobId,
    jobs: u64,
    last: Timestamp,
}

/// How the outcome of a job is logged.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum OutcomeRepetition {
    /// In full.
    InFull,
    /// In full, with the number of jobs so far: 10, 100, and so on.
    Counted { jobs: u64 },
    /// Briefly, because it equals the outcome of this job.
    Brief { example: JobId },
}

impl OutcomeCauses {
    /// Counts a job that failed, was rejected or was held; `job` is its state after the event.
    pub(super) fn count(&self, job: &Job, event: &Event) -> OutcomeRepetition {
        let Some(fault) = fault(event) else { return OutcomeRepetition::InFull };
        let error = without_names(job, &fault.message);
        let cause = OutcomeCause { event: event.name(), kind: fault.kind.clone(), error };
        let now = job.updated();
        let mut causes = self.0.lock();
        if causes.len() >= MAX_CAUSES || causes.get(&cause).is_some_and(|found| is_over(found, now)) {
            causes.retain(|_, found| !is_over(found, now));
        }
        if causes.len() >= MAX_CAUSES {
            return OutcomeRepetition::InFull;
        }
        let occurrences = causes.entry(cause).or_insert_with(|| Occurrences {
            example: job.id().clone(),
            jobs: 0,
            last: now,
        });
        occurrences.jobs += 1;
        occurrences.last = now;
        match occurrences.jobs {
            jobs if jobs <= IN_FULL => OutcomeRepetition::InFull,
            jobs if is_power_of_ten(jobs) => OutcomeRepetition::Counted { jobs },
            _ => OutcomeRepetition::Brief { example: occurrences.example.clone() },
        }
    }
}

fn is_over(occurrences: &Occurrences, now: Timestamp) -> bool {
    now.duration_since(occurrences.last) >= FORGET_AFTER
}

/// The error of an outcome. `None` for other events, and for an approval, which the rule asks for.
fn fault(event: &Event) -> Option<&Fault> {
    match event {
        Event::Failed { fault } | Event::Rejected { fault } => Some(fault),
        Event::Held { fault, .. } | Event::LabelHeld { fault, .. } => {
            (fault.kind != ErrorKind::Approval).then_some(fault)
        }
        _ => None,
    }
}

fn is_power_of_ten(number: u64) -> bool {
    number.checked_ilog10().is_some_and(|exponent| 10_u64.checked_pow(exponent) == Some(number))
}

#[cfg(test)]
mod tests {
    use dropship_job::testing::JobBuilder;
    use dropship_job::{HoldFault, HoldReason};

    use super::*;

    fn count(causes: &OutcomeCauses, number: u32, event: &Event) -> OutcomeRepetition {
        causes.count(&JobBuilder::new("a", number).event(event.clone()).build().expect("a job"), event)
    }

    #[test]
    fn outcomes_with_one_cause_are_logged_in_full_a_few_times() {
        let causes = OutcomeCauses::default();
        let failed = |number: u32| {
            let message = format!("cannot create product: 400: reserved [request 0d1a84b8-{number:04}]");
            Event::Failed { fault: Fault::new(ErrorKind::RequestRefused, message) }
        };
        let seen: Vec<_> = (0..500).map(|number| count(&causes, number, &failed(number))).collect();
        let full = seen.iter().filter(|one| **one == OutcomeRepetition::InFull).count();
        let counted: Vec<_> =
            seen.iter().filter(|one| matches!(one, OutcomeRepetition::Counted { .. })).collect();
        assert_eq!(
            (full, counted),
            (5, vec![&OutcomeRepetition::Counted { jobs: 10 }, &OutcomeRepetition::Counted { jobs: 100 }])
        );
        let other = Event::Failed { fault: Fault::new(ErrorKind::RequestRefused, "another reason") };
        assert_eq!(count(&causes, 501, &other), OutcomeRepetition::InFull);
        let approval =
            Event::Held { fault: HoldFault::new(HoldReason::Approval, "needs an approval"), request: None };
        assert!((0..50).all(|number| count(&causes, number, &approval) == OutcomeRepetition::InFull));
    }

    #[test]
    fn cause_is_forgotten_after_an_hour_without_a_job() {
        let occurrences = |last: i64| Occurrences {
            example: JobId::new(1, 1),
            jobs: 9,
            last: Timestamp::from_second(last).expect("a time"),
        };
        let now = Timestamp::from_second(10_000).expect("a time");
        assert!(is_over(&occurrences(6_400), now) && !is_over(&occurrences(6_401), now));
    }
}
