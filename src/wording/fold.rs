//! Folds the history of a job: groups its events by step, and leaves out or counts routine events.

use jiff::{SignedDuration, Timestamp};

use dropship_engine::outbox::HistoryEvent;
use dropship_job::{ErrorKind, Event, RemoteId, Step, WaitReason};

/// The events of one step, from its beginning to the next step. A step that is repeated has several groups.
#[derive(Debug, PartialEq)]
pub(super) struct StepGroup<'a> {
    pub(super) step: Step,
    /// Begin of the step.
    pub(super) start: Timestamp,
    /// Time from the begin of the step to its last event.
    pub(super) duration: SignedDuration,
    pub(super) lines: Vec<HistoryLine<'a>>,
}

/// What a reader sees of one event, or of some that follow each other.
#[derive(Debug, PartialEq)]
pub(super) struct HistoryLine<'a> {
    /// Time of the first of them.
    pub(super) at: Timestamp,
    pub(super) text: LineText<'a>,
}

/// The text of a line. Times in it are formatted for the reader.
#[derive(Debug, PartialEq)]
pub(super) enum LineText<'a> {
    /// The description of the event.
    Described(&'a str),
    /// A label waits for the approval that its rule asks for.
    NeedsApproval,
    /// Attempts that failed: their number, the last error and the time of the next attempt.
    Attempts { count: usize, error: String, next: Timestamp },
    /// Checks of something that has not happened yet: their number, and the reason of the last one.
    Checks { count: usize, reason: String },
    /// Microsoft's steps of the submission, or of the label with this index, with the state of the last one.
    Progress { label: Option<usize>, steps: Vec<String>, state: String },
    /// A withdrawal that is not confirmed yet: number of attempts, the last reason and the time of the next attempt.
    Withdrawals { count: usize, label: RemoteId, why: String, next: Timestamp },
}

/// Whether an event is only of interest as the last one: something is under way.
fn is_routine(event: &Event) -> bool {
    match event {
        Event::Intended { .. } | Event::CommitIntended | Event::Resumed | Event::Idle | Event::Labelled => {
            true
        }
        // The service's progress says more.
        Event::Waited {
            why: WaitReason::Signature { .. } | WaitReason::Predecessors | WaitReason::Publication,
            ..
        } => true,
        Event::DuplicatesChecked { ids, unproven, .. } => ids.is_empty() && unproven.is_empty(),
        _ => false,
    }
}

/// Whether a routine event says what is under way.
fn says_what_is_under_way(event: &Event) -> bool {
    !matches!(event, Event::Resumed | Event::Idle | Event::Waited { .. })
}

/// The history in groups.
pub(super) fn fold(events: &[HistoryEvent]) -> Vec<StepGroup<'_>> {
    let mut groups: Vec<StepGroup<'_>> = Vec::new();
    let mut end = events.first().map_or(Timestamp::UNIX_EPOCH, |event| event.at);
    for (index, event) in events.iter().enumerate() {
        if groups.last().is_none_or(|group| group.step != event.job_step) {
            let (step, start) = (event.job_step, end);
            groups.push(StepGroup { step, start, duration: SignedDuration::ZERO, lines: Vec::new() });
        }
        end = event.at;
        let Some(group) = groups.last_mut() else { continue };
        group.duration = end.duration_since(group.start);
        add(&mut group.lines, event, index + 1 == events.len());
    }
    groups
}

fn add<'a>(lines: &mut Vec<HistoryLine<'a>>, event: &'a HistoryEvent, is_last: bool) {
    let text = match event.stored() {
        Some(stored) if is_routine(&stored) && !(is_last && says_what_is_under_way(&stored)) => return,
        Some(Event::AttemptFailed { due, fault }) => {
            LineText::Attempts { count: 1, error: fault.message, next: due }
        }
        Some(Event::Waited { why, .. }) => LineText::Checks { count: 1, reason: why.to_string() },
        Some(Event::Progressed { label, step, state }) => {
            LineText::Progress { label, steps: vec![step], state }
        }
        Some(Event::NotWithdrawn { id, due, why, .. }) => {
            LineText::Withdrawals { count: 1, label: id, why, next: due }
        }
        Some(Event::LabelHeld { fault, .. }) if fault.kind == ErrorKind::Approval => LineText::NeedsApproval,
        Some(_) | None => LineText::Described(&event.text),
    };
    // The progress of several labels alternates.
    let is_progress = |line: &&mut HistoryLine<'_>| matches!(line.text, LineText::Progress { .. });
    let recent = lines.iter_mut().rev();
    let merged = match &text {
        LineText::Progress { .. } => recent.take_while(is_progress).any(|line| line.text.merge(&text)),
        _ => recent.take(1).any(|line| line.text.merge(&text)),
    };
    if !merged {
        lines.push(HistoryLine { at: event.at, text });
    }
}

impl LineText<'_> {
    /// Adds what happened next, if it is of the same kind.
    fn merge(&mut self, next: &LineText<'_>) -> bool {
        match (self, next) {
            (Self::Attempts { count, error, next }, LineText::Attempts { error: other, next: later, .. })
                if error == other =>
            {
                *count += 1;
                *next = *later;
            }
            (Self::Checks { count, reason }, LineText::Checks { reason: last, .. }) => {
                *count += 1;
                reason.clone_from(last);
            }
            (
                Self::Progress { label, steps, state },
                LineText::Progress { label: other, steps: more, state: last },
            ) if label == other => {
                steps.extend(
                    more.iter().filter(|step| steps.last() != Some(step)).cloned().collect::<Vec<_>>(),
                );
                state.clone_from(last);
            }
            (
                Self::Withdrawals { count, label, why, next },
                LineText::Withdrawals { label: other, why: last, next: later, .. },
            ) if label == other => {
                *count += 1;
                why.clone_from(last);
                *next = *later;
            }
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use dropship_job::Fault;
    use dropship_job::testing::JobBuilder;

    use super::*;

    fn event(at: i64, job_step: Step, event: &Event) -> HistoryEvent {
        let job = JobBuilder::new("a", 1).build().expect("a job");
        let entry = dropship_store::HistoryEntry {
            at: Timestamp::from_second(at).expect("a time"),
            event: event.clone(),
        };
        let mut listed = HistoryEvent::list(&job, &[entry]);
        HistoryEvent { job_step, ..listed.remove(0) }
    }

    #[test]
    fn repeated_events_of_a_step_are_one_line() {
        let due = Timestamp::from_second(100).expect("a time");
        let failed = |message: &str| Event::AttemptFailed {
            due,
            fault: Fault::new(ErrorKind::ServiceUnavailable, message),
        };
        let waited = Event::Waited { due, why: WaitReason::UploadUrl, polled: true };
        let events: Vec<_> = [
            (0, Step::Product, Event::CommitIntended),
            (1, Step::Product, failed("503")),
            (2, Step::Product, Event::Resumed),
            (3, Step::Product, failed("503")),
            (4, Step::Product, failed("500")),
            (9, Step::Upload, waited.clone()),
            (10, Step::Upload, Event::Resumed),
            (19, Step::Upload, waited),
            (20, Step::Product, Event::Committed),
            (21, Step::Product, Event::CommitIntended),
        ]
        .iter()
        .map(|(at, step, stored)| event(*at, *step, stored))
        .collect();
        let groups = fold(&events);
        let count = |line: &HistoryLine<'_>| match &line.text {
            LineText::Attempts { count, .. } | LineText::Checks { count, .. } => *count,
            _ => 1,
        };
        let seen: Vec<_> = groups
            .iter()
            .map(|group| {
                let counts: Vec<_> =
                    group.lines.iter().map(|line| (line.at.as_second(), count(line))).collect();
                (group.step, group.start.as_second(), group.duration.as_secs(), counts)
            })
            .collect();
        assert_eq!(
            seen,
            [
                (Step::Product, 0, 4, vec![(1, 2), (4, 1)]),
                (Step::Upload, 4, 15, vec![(9, 2)]),
                (Step::Product, 19, 2, vec![(20, 1), (21, 1)]),
            ]
        );
    }

    #[test]
    fn progress_of_each_label_is_one_line() {
        let progressed = |label, step: &str, state: &str| Event::Progressed {
            label: Some(label),
            step: step.to_owned(),
            state: state.to_owned(),
        };
        let due = Timestamp::from_second(100).expect("a time");
        let events: Vec<_> = [
            progressed(0, "publishing", "notStarted"),
            progressed(1, "microsoftApproval", "started"),
            Event::Waited { due, why: WaitReason::Publication, polled: true },
            progressed(0, "publishing", "started"),
            progressed(1, "publishing", "started"),
            progressed(0, "finalizePublishing", "completed"),
        ]
        .iter()
        .map(|stored| event(1, Step::Publish, stored))
        .collect();
        let groups = fold(&events);
        let seen: Vec<_> = groups[0].lines.iter().map(|line| &line.text).collect();
        let progress = |label, steps: [&str; 2], state: &str| LineText::Progress {
            label: Some(label),
            steps: steps.map(str::to_owned).to_vec(),
            state: state.to_owned(),
        };
        assert_eq!(
            seen,
            [
                &progress(0, ["publishing", "finalizePublishing"], "completed"),
                &progress(1, ["microsoftApproval", "publishing"], "started"),
            ]
        );
    }
}
