//! Which events are legal in which state and step: one table, whatever its length, so that a reader sees all rows at once.

use crate::{Event, RemoteKind, StateKind, Step};

/// Checks that an event can happen to a job in this state and step.
///
/// Conditions on the job's objects (does the label exist, is the create in doubt) are checked when the event is applied.
///
/// # Errors
/// When the event is illegal there. The error says why.
pub(crate) fn check_legal(state: StateKind, step: Step, event: &Event) -> Result<(), &'static str> {
    use Event as E;
    use StateKind as S;
    match (state, step, event) {
        // Facts about files and objects at the service, and operators' changes to labels that exist: true in every state.
        // Refusing a late `Created` could lead to a duplicate.
        (
            _,
            _,
            E::Created { .. }
            | E::DuplicatesChecked { .. }
            | E::Progressed { label: Some(_), .. }
            | E::LabelFailed { .. }
            | E::Withdrawn { .. }
            | E::NotWithdrawn { .. }
            | E::WithdrawalConfirmed { .. }
            | E::PublishedAnyway { .. }
            | E::Edited { .. }
            | E::Drifted { .. }
            | E::Acknowledged { .. }
            | E::SameBytes { .. }
            | E::AfterFailed { .. }
            | E::AfterDone { .. },
        )
        // Operators.
        | (S::Held, _, E::Approved { .. })
        | (S::Failed | S::Rejected | S::Cancelled, _, E::Retried { .. })
        | (S::Held, Step::Label | Step::Publish, E::Retried { .. })
        | (S::Succeeded, Step::Publish, E::Retried { .. })
        | (S::Queued, _, E::Replanned { .. })
        | (S::Queued | S::Waiting | S::Held | S::Failed | S::Rejected, _, E::Cancelled { .. })
        // Calls at the service.
        | (S::Queued, Step::Product, E::Intended { kind: RemoteKind::Product, .. })
        | (S::Queued, Step::Submission, E::Intended { kind: RemoteKind::Submission, .. })
        | (S::Queued | S::Waiting | S::Held, Step::Label, E::Intended { kind: RemoteKind::Label(_), .. })
        | (S::Queued, _, E::Reissued { .. })
        // The end of a step.
        | (S::Queued | S::Waiting, Step::Inspect, E::Accepted { .. } | E::Rejected { .. })
        | (S::Queued | S::Waiting, Step::Upload, E::Uploaded { .. })
        | (S::Queued | S::Waiting, Step::Commit, E::CommitIntended | E::Committed)
        | (S::Queued | S::Waiting, Step::Upload | Step::Commit, E::FoundCommitted { .. })
        | (S::Queued | S::Waiting, Step::Sign, E::Signed)
        // Results are collected again when the service has completed the driver metadata.
        | (S::Queued | S::Waiting, Step::Collect, E::Collected { .. })
        | (S::Queued | S::Waiting | S::Held, Step::Label, E::Collected { .. })
        | (S::Queued | S::Waiting, Step::Label, E::Labelled)
        | (S::Queued | S::Waiting, Step::Collect | Step::Publish, E::Succeeded)
        // Progress and waits in any step.
        | (S::Waiting, _, E::Resumed)
        | (
            S::Queued | S::Waiting,
            _,
            E::NotFound { .. }
            | E::Unproven { .. }
            | E::NotCreated { .. }
            | E::Progressed { .. }
            | E::Published { .. }
            | E::TakenOver { .. }
            | E::Superseded { .. }
            | E::Waited { .. }
            | E::Overdue
            | E::AttemptFailed { .. }
            | E::Held { .. }
            | E::Failed { .. },
        )
        // A label on hold does not stop the others of its job.
        | (S::Queued | S::Waiting, Step::Label | Step::Publish, E::LabelHeld { .. })
        | (
            S::Held,
            Step::Label | Step::Publish,
            E::NotFound { .. }
            | E::Unproven { .. }
            | E::Reissued { .. }
            | E::NotCreated { .. }
            | E::Labelled
            | E::Published { .. }
            | E::TakenOver { .. }
            | E::Superseded { .. }
            | E::LabelHeld { .. }
            | E::Idle
            | E::Waited { .. }
            | E::Overdue
            | E::AttemptFailed { .. }
            | E::Held { .. }
            | E::Failed { .. },
        ) => Ok(()),
        (state, _, event) => Err(refusal(state, event)),
    }
}

/// The reason of a refusal, in words.
fn refusal(state: StateKind, event: &Event) -> &'static str {
    match (state, event) {
        (_, Event::Arrived { .. }) => "the job has started already",
        (_, Event::Approved { .. }) => "the job is not held",
        (_, Event::Retried { .. }) => {
            "only a failed, rejected or cancelled job, or one that is held at a label, can be retried"
        }
        (StateKind::Held, _) => "the job is held until an operator decides",
        (state, _) if state.has_ended() => "the job has ended",
        _ => "the event belongs to another step or state",
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::testing::one_of_each_event;

    /// Facts about objects at the service, which are accepted in every state.
    const LATE_FACTS: [&str; 14] = [
        "same_bytes",
        "after_failed",
        "after_done",
        "created",
        "duplicates_checked",
        "progressed",
        "label_failed",
        "withdrawn",
        "not_withdrawn",
        "withdrawal_confirmed",
        "published_anyway",
        "drifted",
        "acknowledged",
        "edited",
    ];

    #[test]
    fn held_job_accepts_operators_and_late_facts_only() {
        let accepted = |step| {
            let events = one_of_each_event();
            let legal = events.iter().filter(|event| check_legal(StateKind::Held, step, event).is_ok());
            legal.map(Event::name).collect::<Vec<_>>()
        };
        // At its labels a job is held for one of them, and the others continue.
        for step in Step::ALL.into_iter().filter(|step| *step < Step::Label) {
            assert_eq!(accepted(step), [&LATE_FACTS[..], &["approved", "cancelled"]].concat(), "{step}");
        }
    }

    #[test]
    fn ended_job_accepts_no_event_of_a_worker() {
        let late = [&LATE_FACTS[..], &["cancelled", "retried"]].concat();
        for (state, step) in
            StateKind::ENDED.into_iter().flat_map(|state| Step::ALL.map(|step| (state, step)))
        {
            for event in one_of_each_event() {
                let is_legal = check_legal(state, step, &event).is_ok();
                assert!(!is_legal || late.contains(&event.name()), "{state} {step} {}", event.name());
            }
        }
    }

    /// The whole table, for review: a change of this file is a change of what can happen to a job.
    #[test]
    fn table_of_legal_events_is_as_recorded() {
        let mut table = String::new();
        for (state, step) in
            StateKind::STORED.into_iter().flat_map(|state| Step::ALL.map(|step| (state, step)))
        {
            let events = one_of_each_event();
            let legal = events.iter().filter(|event| check_legal(state, step, event).is_ok());
            let names: Vec<_> = legal.map(Event::name).collect();
            writeln!(table, "{state} {step}: {}", names.join(" ")).expect("a string grows");
        }
        insta::with_settings!({
            snapshot_path => "../tests/golden", prepend_module_to_snapshot => false, omit_expression => true
        }, {
            insta::assert_snapshot!("transitions", table);
        });
    }
}
