//! The description of events: one sentence for each.

use jiff::Timestamp;

use crate::{Event, Job, KeptTargets, Label, Release, RemoteId, RemoteKind, Step, apply, words};

/// One sentence about an event, in the past tense and without the name of the package. `job` is its state after the event.
///
/// The log, `show`, `demo` and notifications use it. Texts from the package and the service are not escaped.
#[must_use]
pub fn describe(job: &Job, event: &Event) -> String {
    let text = package_text(job, event)
        .or_else(|| create_text(job, event))
        .or_else(|| label_text(job, event))
        .or_else(|| wait_text(job, event))
        .or_else(|| end_text(job, event));
    text.unwrap_or_else(|| event.name().to_owned())
}

/// One event of a history: when and in which step of the job it happened, and its description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The step of the job before the event.
    pub step: Step,
    /// The description.
    pub text: String,
}

/// The descriptions of a job's history. `job` is its present state.
///
/// Each event is described with the job as it was then. If the history is incomplete, the present state is used instead.
#[must_use]
pub fn describe_history<'a>(
    job: &Job,
    history: impl IntoIterator<Item = (Timestamp, &'a Event)>,
) -> Vec<Described> {
    let mut then: Option<Job> = None;
    let mut step = Step::Inspect;
    let describe_next = |(at, event): (Timestamp, &Event)| {
        let during = step;
        then = apply(then.as_ref(), job.id(), at, event).ok();
        step = then.as_ref().map_or(during, Job::step);
        Described { step: during, text: describe(then.as_ref().unwrap_or(job), event) }
    };
    history.into_iter().map(describe_next).collect()
}

/// Events from the dropped file to the signed package.
fn package_text(job: &Job, event: &Event) -> Option<String> {
    Some(match event {
        Event::Arrived { package } => {
            let from = package.folder.as_ref();
            let from = from.map_or_else(|| "submitted".to_owned(), |folder| format!("found in `{folder}`"));
            format!("{from}, {} bytes, sha256 {}", package.size, job.short_sha())
        }
        Event::Accepted { rule, .. } => format!("accepted by rule `{rule}`"),
        Event::SameBytes { path: Some(path) } => format!("found again with the same bytes: {path}"),
        Event::SameBytes { path: None } => "the same bytes were submitted again".to_owned(),
        Event::AfterFailed { why, .. } => format!("{why}; tried again automatically"),
        Event::AfterDone { how } => how.clone(),
        Event::Rejected { fault } => format!("rejected: {fault}"),
        Event::Uploaded { bytes } => format!("uploaded, {bytes} bytes"),
        Event::CommitIntended => "committing".to_owned(),
        Event::Committed => "committed".to_owned(),
        Event::FoundCommitted { verified } => {
            let package =
                if *verified { "with this package" } else { "the service does not return its package" };
            format!("the submission is committed already ({package}); following it")
        }
        Event::Progressed { label: None, step, state } => format!("Microsoft: {step} {state}"),
        Event::Signed => "signed by Microsoft".to_owned(),
        Event::Collected { files } => format!("{} results in {}", files.len(), job.package().outbox),
        _ => return None,
    })
}

/// Events of creates, and of the checks of creates in doubt.
fn create_text(job: &Job, event: &Event) -> Option<String> {
    Some(match event {
        Event::Intended { kind, intent } => format!("creating {} `{}`", kind, intent.name),
        Event::NotFound { kind, due } => {
            format!("the {} was not found; checking again at {due:.0}", kind)
        }
        Event::Unproven { kind, .. } => {
            format!("no list can prove whether the create of the {} took effect", kind)
        }
        Event::NotCreated { kind, why } => format!("the {} was not created: {why}", kind),
        Event::Created { kind, id, adopted, .. } => {
            let how = if *adopted { "found and adopted" } else { "created" };
            format!("{} {id} {how}", kind)
        }
        Event::Reissued { kind, may_complete_until } => {
            format!(
                "the {} was not found twice; creating it again, in doubt until {may_complete_until:.0}",
                kind
            )
        }
        Event::DuplicatesChecked { kind, ids, unproven, .. } if ids.is_empty() && unproven.is_empty() => {
            format!("no duplicate of the {kind}")
        }
        Event::DuplicatesChecked { kind: RemoteKind::Label(index), ids, unproven, .. } => {
            duplicate_labels(label(job, *index).0, ids, unproven)
        }
        Event::DuplicatesChecked { kind, ids, .. }
            if job.creation(*kind).is_some_and(|made| made.intent().is_some()) =>
        {
            format!(
                "the {} whose response was lost was created after all and is unused: {}; `dropship retry {}` continues with it",
                kind,
                RemoteId::list(ids),
                job.id()
            )
        }
        Event::DuplicatesChecked { kind, ids, .. } => format!(
            "a late response created more than one {}; no job uses these, check them in Partner Center: {}",
            kind,
            RemoteId::list(ids)
        ),
        _ => return None,
    })
}

/// Events of existing labels.
fn label_text(job: &Job, event: &Event) -> Option<String> {
    Some(match event {
        Event::Labelled => "all labels created".to_owned(),
        Event::Progressed { label: Some(index), step, state } => {
            format!("label `{}`: {step} {state}", label(job, *index).0)
        }
        Event::Published { label: index } => format!("label `{}` published", label(job, *index).0),
        Event::LabelFailed { label: index, reason } => format!("label `{}` {reason}", label(job, *index).0),
        Event::LabelHeld { label: index, fault, release } => {
            let digest = match release {
                Release::Request(digest) => format!("; request digest {digest}"),
                Release::WithoutPredecessor | Release::Attempt => String::new(),
            };
            format!("label `{}` held: {fault}{digest}", label(job, *index).0)
        }
        Event::Withdrawn { label: index, id, by } => {
            let (name, lost) = (label(job, *index).0, lost_targets(job, *index, *id));
            format!("label `{name}` ({id}): Microsoft agreed to withdraw it, requested by {by}{lost}")
        }
        Event::NotWithdrawn { label: index, id, due, why } => {
            let name = label(job, *index).0;
            format!("label `{name}` ({id}) is not withdrawn yet: {why}; next attempt at {due:.0}")
        }
        Event::WithdrawalConfirmed { label: index, id } => {
            format!("label `{}` ({id}) is withdrawn", label(job, *index).0)
        }
        Event::PublishedAnyway { label: index, id } => format!(
            "label `{}` ({id}) had to be withdrawn, but Microsoft published it before; remove its targets with `dropship api \
             label update`, or ask Microsoft to expire it",
            label(job, *index).0
        ),
        Event::Drifted { label: index, id, drift } => {
            let own = job.labels().get(*index);
            let lost = match own.filter(|_| drift.ends_publication()).map_or(0, Label::taken_over) {
                0 => String::new(),
                rows => format!(
                    "; it had taken over {rows} hardware ids from older labels, and those devices get no driver from them now"
                ),
            };
            format!(
                "label `{}` ({id}) {drift}{lost}; check it in Partner Center, then acknowledge it with `dropship approve {} \
                 --label NAME`",
                label(job, *index).0,
                job.id()
            )
        }
        Event::Acknowledged { label: index, by, note } => {
            let note = note.as_ref().map(|note| format!(", note: {}", printable(note))).unwrap_or_default();
            format!("the change of label `{}` was acknowledged by {by}{note}", label(job, *index).0)
        }
        Event::Replanned { rule, changes, .. } if changes.is_empty() => {
            format!("planned again by rule `{rule}`; nothing differs")
        }
        Event::Replanned { rule, changes, .. } => {
            format!("planned again by rule `{rule}`: {}", changes.join("; "))
        }
        Event::Edited { label: index, by, update } => {
            // The stored change is the body of the request.
            let update =
                serde_json::from_str(update).map_or_else(|_| update.clone(), |update| words(&update));
            format!("label `{}` changed by {by}: {update}", label(job, *index).0)
        }
        Event::TakenOver { label: index, from, rows } => match label(job, *index) {
            (name, id) if id == Some(*from) => {
                format!(
                    "label `{name}` gave up {rows} hardware ids to a newer label, which was published earlier"
                )
            }
            (name, _) => format!("label `{name}` took over {rows} hardware ids from label {from}"),
        },
        Event::Superseded { label: index, kept } => {
            let name = label(job, *index).0;
            format!("label `{name}` has no hardware ids left to take over{}", kept_targets(name, kept))
        }
        _ => return None,
    })
}

/// The warning about targets that no label covers any more once a label that has taken them over is withdrawn.
fn lost_targets(job: &Job, index: usize, id: RemoteId) -> String {
    let own = job.labels().get(index).filter(|label| label.id() == Some(id));
    match own.map_or(0, Label::taken_over) {
        0 => String::new(),
        rows => format!(
            "; it had taken over {rows} hardware ids from older labels, which no longer target them: those devices get no driver \
             from these labels until `dropship api label update` adds the hardware ids to an older label again"
        ),
    }
}

/// The targets of the label `name` that older labels keep.
fn kept_targets(name: &str, kept: &[KeptTargets]) -> String {
    let texts = kept.iter().map(|kept| {
        format!(
            "; label {} keeps {} hardware ids that `{name}` also targets: {}",
            kept.label, kept.rows, kept.why
        )
    });
    texts.collect()
}

fn wait_text(job: &Job, event: &Event) -> Option<String> {
    Some(match event {
        Event::Waited { due, why, .. } => format!("waits until {due:.0} for {why}"),
        Event::Overdue => {
            let days = job.updated().duration_since(job.step_started()).as_hours() / 24;
            format!("has waited for {days} days; ask Microsoft, dropship keeps polling")
        }
        Event::AttemptFailed { due, fault } => {
            format!("{fault}; attempt {} failed, next at {due:.0}", job.attempts())
        }
        Event::Resumed => "continues".to_owned(),
        Event::Held { fault, .. } => format!("held: {fault}"),
        Event::Idle => "waits for an operator".to_owned(),
        Event::Approved { by, label, name, request, note, .. } => {
            let what = name.as_ref().map(|name| format!("label `{name}` ")).unwrap_or_default();
            let request = request.as_ref().map(|request| format!(", request {request}")).unwrap_or_default();
            let note = note.as_ref().map(|note| format!(", note: {}", printable(note))).unwrap_or_default();
            let hold = label.and_then(|index| job.labels().get(index)?.hold());
            let rest = hold.filter(|hold| !hold.approvals.is_empty()).map(|hold| {
                let (given, needed) = (hold.approvals.len(), hold.needed);
                format!("; approval {given} of {needed}, another operator has to approve it too")
            });
            format!("{what}approved by {by}{request}{}{note}", rest.unwrap_or_default())
        }
        _ => return None,
    })
}

/// An operator's text, without characters that a terminal interprets or that change the direction of what follows.
fn printable(text: &str) -> String {
    let shown = |letter: char| match letter {
        '"' | '\'' | '\\' => letter.to_string(),
        _ => letter.escape_debug().to_string(),
    };
    text.chars().map(shown).collect()
}

fn end_text(job: &Job, event: &Event) -> Option<String> {
    Some(match event {
        Event::Failed { fault } => format!("failed: {fault}"),
        Event::Cancelled { by } => match job.doubt() {
            Some((_, intent)) => format!(
                "cancelled by {by} while the create of `{}` is in doubt; check Partner Center for it",
                intent.name
            ),
            None => format!("cancelled by {by}"),
        },
        Event::Retried { by, new_product } => {
            let how = if *new_product { " with a new product" } else { "" };
            format!("retried by {by}{how}")
        }
        Event::Succeeded => "done".to_owned(),
        _ => return None,
    })
}

/// The text about late duplicates of a label.
fn duplicate_labels(name: &str, ids: &[RemoteId], unproven: &[RemoteId]) -> String {
    let mut texts = Vec::new();
    if !ids.is_empty() {
        texts.push(format!(
            "a late response created label `{name}` more than once; withdrawing {}",
            RemoteId::list(ids)
        ));
    }
    if !unproven.is_empty() {
        texts.push(format!(
            "labels named `{name}` appeared that are not provably of this job and are left alone, check them in Partner \
             Center: {}",
            RemoteId::list(unproven)
        ));
    }
    texts.join("; ")
}

/// The name and the id of a job's label.
fn label(job: &Job, index: usize) -> (&str, Option<RemoteId>) {
    let label = job.labels().get(index);
    (label.map_or("?", |label| label.name()), label.and_then(Label::id))
}
