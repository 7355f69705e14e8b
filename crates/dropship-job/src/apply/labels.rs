//! The fold of events of labels.

use jiff::Timestamp;

use super::require;
use crate::label::{LabelApproval, LabelHold};
use crate::{
    Drift, HoldFault, Job, Label, LabelDrift, LabelLife, LabelStage, PlannedLabel, Release, RemoteId,
    RemoteLabel, State, StrayLabel, Withdrawal,
};

/// Sets the state of a job that can continue: `state_without_hold`, or held while a label waits for an operator. The other labels of a
/// held job continue at `due`.
pub(super) fn continue_as(job: &mut Job, state_without_hold: State, due: Option<Timestamp>) {
    let first = job.labels.iter().enumerate().find_map(|(index, label)| Some((index, label.hold.clone()?)));
    job.state = match first {
        Some((index, hold)) => State::Held {
            request: hold.request().map(str::to_owned),
            fault: hold.fault,
            label: Some(index),
            due,
        },
        None => state_without_hold,
    };
}

/// Puts a label on hold. The pass over the labels continues.
pub(super) fn hold(
    job: &mut Job,
    at: Timestamp,
    index: usize,
    fault: &HoldFault,
    release: &Release,
) -> Result<(), &'static str> {
    let label = label_mut(job, index)?;
    label.hold = Some(LabelHold::new(fault.clone(), release.clone(), label.planned.approvals));
    continue_as(job, State::Queued, Some(at));
    Ok(())
}

/// The labels that are not on hold need nothing more for now.
pub(super) fn idle(job: &mut Job) -> Result<(), &'static str> {
    require(job.labels.iter().any(|label| label.hold.is_some()), "no label is on hold")?;
    continue_as(job, State::Queued, None);
    Ok(())
}

/// An operator approves a label that is on hold. The last of the operators who have to approve it releases it.
pub(super) fn approve(
    job: &mut Job,
    at: Timestamp,
    index: usize,
    approval: LabelApproval,
) -> Result<(), &'static str> {
    let label = label_mut(job, index)?;
    let hold = label.hold.as_mut().ok_or("the label is not on hold")?;
    if !hold.approve(approval)? {
        return Ok(());
    }
    label.released |= label.needs_approval();
    let hold = label.hold.take().ok_or("the label is not on hold")?;
    match (&mut label.life, hold.release) {
        (LabelLife::Intended(intent), release) => {
            // An operator has looked: the call may be made again, as the request that was shown if one was.
            intent.reissued = 0;
            let proposed = intent.proposed.take();
            match release {
                Release::Request(digest) => {
                    intent.request.clone_from(&digest);
                    label.approved = Some(digest);
                }
                Release::WithoutPredecessor => label.predecessor_waived = true,
                // The hold presented what a search could not prove.
                Release::Attempt => intent.decided = proposed.or(intent.decided),
            }
        }
        (_, Release::Request(digest)) => label.approved = Some(digest),
        (_, Release::WithoutPredecessor) => label.predecessor_waived = true,
        (
            LabelLife::Exists(RemoteLabel { stage: LabelStage::Failed { acknowledged, .. }, .. }),
            Release::Attempt,
        ) => {
            *acknowledged = true;
        }
        (_, Release::Attempt) => {}
    }
    // The label has its full time again.
    job.attempts = 0;
    job.failing_since = None;
    continue_as(job, State::Queued, Some(at));
    Ok(())
}

/// The label exists at the service.
pub(super) fn created(
    job: &mut Job,
    at: Timestamp,
    index: usize,
    id: RemoteId,
    go_live: Option<Timestamp>,
) -> Result<(), &'static str> {
    let stage = match job.state {
        // The wish of a cancelled job is older than the label.
        State::Cancelled => LabelStage::WithdrawalWanted(Withdrawal::wanted("the cancelled job", at)),
        _ => LabelStage::Processing,
    };
    let label = label_mut(job, index)?;
    let remote = RemoteLabel { requested: Some(at), ..RemoteLabel::new(id, go_live, stage) };
    label.life = LabelLife::Exists(remote);
    label.hold = None;
    Ok(())
}

/// The service's step and state of a label.
pub(super) fn progressed(job: &mut Job, index: usize, step: &str, state: &str) -> Result<(), &'static str> {
    let remote = existing_remote(job, index)?;
    (remote.step, remote.state) = (Some(step.to_owned()), Some(state.to_owned()));
    Ok(())
}

/// The label is published.
pub(super) fn published(job: &mut Job, at: Timestamp, index: usize) -> Result<(), &'static str> {
    existing_remote(job, index)?.stage = LabelStage::Published { at, superseded: None };
    Ok(())
}

/// A label with a pending withdrawal is published.
pub(super) fn published_anyway(
    job: &mut Job,
    at: Timestamp,
    index: usize,
    id: RemoteId,
) -> Result<(), &'static str> {
    remote(job, index, id)?.stage = LabelStage::Published { at, superseded: None };
    Ok(())
}

/// Microsoft failed the label, or no longer has it.
pub(super) fn failed(job: &mut Job, index: usize, reason: &str) -> Result<(), &'static str> {
    let remote = existing_remote(job, index)?;
    require(!remote.stage.is_withdrawn(), "the label is withdrawn")?;
    remote.stage = LabelStage::Failed { reason: reason.to_owned(), acknowledged: false };
    Ok(())
}

/// A published label was withdrawn, has expired or was changed, and dropship did not do it.
pub(super) fn drifted(
    job: &mut Job,
    at: Timestamp,
    index: usize,
    id: RemoteId,
    drift: &Drift,
) -> Result<(), &'static str> {
    let label = label_mut(job, index)?;
    require(label.id() == Some(id) && label.is_published(), "no label with this id is published")?;
    label.drift = Some(LabelDrift { drift: drift.clone(), at, acknowledged_by: None });
    if drift.ends_publication() {
        existing_remote(job, index)?.stage = LabelStage::Gone;
    }
    Ok(())
}

/// An operator knows of the change of a published label.
pub(super) fn acknowledged(job: &mut Job, index: usize, by: &str) -> Result<(), &'static str> {
    let drift = label_mut(job, index)?.drift.as_mut().ok_or("the label was not changed")?;
    require(drift.acknowledged_by.is_none(), "the change is acknowledged already")?;
    drift.acknowledged_by = Some(by.to_owned());
    Ok(())
}

/// The published label takes over from older labels.
pub(super) fn superseded_mut(job: &mut Job, index: usize) -> Result<&mut Option<Timestamp>, &'static str> {
    match &mut existing_remote(job, index)?.stage {
        LabelStage::Published { superseded, .. } => Ok(superseded),
        _ => Err("the label is not published"),
    }
}

/// Hardware ids were removed from older labels because this one targets them, or from this one because a newer one does.
pub(super) fn taken_over(
    job: &mut Job,
    index: usize,
    from: RemoteId,
    rows: usize,
) -> Result<(), &'static str> {
    superseded_mut(job, index)?;
    let label = label_mut(job, index)?;
    if label.id() != Some(from) {
        label.taken_over += rows;
    }
    Ok(())
}

/// The service has agreed to withdraw a label.
pub(super) fn withdrawn(
    job: &mut Job,
    at: Timestamp,
    index: usize,
    id: RemoteId,
    by: &str,
) -> Result<(), &'static str> {
    let remote = remote(job, index, id)?;
    let pending = remote.stage.withdrawal().cloned();
    let withdrawal = pending.unwrap_or_else(|| Withdrawal::wanted(by, at));
    remote.stage = LabelStage::Withdrawing(Withdrawal { due: at, why: None, ..withdrawal });
    if let Some(label) = job.labels.get_mut(index).filter(|label| label.id() == Some(id)) {
        label.hold = None;
    }
    Ok(())
}

/// A label is not withdrawn yet.
pub(super) fn not_withdrawn(
    job: &mut Job,
    index: usize,
    id: RemoteId,
    due: Timestamp,
    why: &str,
) -> Result<(), &'static str> {
    match &mut remote(job, index, id)?.stage {
        LabelStage::WithdrawalWanted(withdrawal) | LabelStage::Withdrawing(withdrawal) => {
            withdrawal.due = due;
            withdrawal.why = Some(why.to_owned());
            Ok(())
        }
        _ => Err("the label has no pending withdrawal"),
    }
}

/// A label is withdrawn.
pub(super) fn withdrawal_confirmed(job: &mut Job, index: usize, id: RemoteId) -> Result<(), &'static str> {
    remote(job, index, id)?.stage = LabelStage::Withdrawn;
    Ok(())
}

/// The job is cancelled: its labels are to be withdrawn.
pub(super) fn withdraw_all(job: &mut Job, at: Timestamp, by: &str) {
    for label in &mut job.labels {
        label.hold = None;
        if matches!(label.life, LabelLife::Planned | LabelLife::Intended(_)) {
            // What operators decided about it ends with the job.
            label.approved = None;
            label.predecessor_waived = false;
        }
        if let LabelLife::Exists(remote) = &mut label.life
            && remote.stage == LabelStage::Processing
        {
            remote.stage = LabelStage::WithdrawalWanted(Withdrawal::wanted(by, at));
        }
    }
}

/// The cancelled job is started again: labels whose withdrawal the service has not accepted are kept.
pub(super) fn keep_all(job: &mut Job) {
    for label in &mut job.labels {
        label.hold = None;
        if let LabelLife::Intended(intent) = &mut label.life {
            // No operator has decided about it, and the next search may prove more.
            intent.proposed = None;
        }
        if let LabelLife::Exists(remote) = &mut label.life
            && matches!(remote.stage, LabelStage::WithdrawalWanted(_))
        {
            remote.stage = LabelStage::Processing;
        }
    }
}

/// Late duplicates of a label are to be withdrawn.
pub(super) fn add_strays(
    job: &mut Job,
    at: Timestamp,
    index: usize,
    ids: &[RemoteId],
) -> Result<(), &'static str> {
    let name = label_mut(job, index)?.name().to_owned();
    for id in ids {
        let stage = LabelStage::WithdrawalWanted(Withdrawal::wanted("the check for duplicates", at));
        let remote = RemoteLabel::new(*id, None, stage);
        job.strays.push(StrayLabel { label: index, name: name.clone(), remote });
    }
    Ok(())
}

/// The labels by the rules in force. Existing labels and those in doubt are kept as they are.
pub(super) fn replan(
    job: &mut Job,
    labels: &[PlannedLabel],
    dropped: &[usize],
    again: &[usize],
) -> Result<(), &'static str> {
    require(labels.len() >= job.labels.len(), "the new plan lacks a label")?;
    for index in dropped {
        let label = label_mut(job, *index)?;
        require(!label.is_processing() && !label.is_published(), "the label exists")?;
        set_aside(job, *index);
        label_mut(job, *index)?.life = LabelLife::Dropped;
    }
    for index in again {
        require(label_mut(job, *index)?.is_lost(), "the label is neither refused nor withdrawn")?;
        set_aside(job, *index);
        label_mut(job, *index)?.life = LabelLife::Planned;
    }
    for (index, planned) in labels.iter().enumerate() {
        match job.labels.get_mut(index) {
            None => job.labels.push(Label::planned(planned.clone())),
            Some(label) if label.life == LabelLife::Planned => {
                if *planned != label.planned {
                    // Operators have approved a label of another rule.
                    label.approved = None;
                }
                label.predecessor_waived &= !changes_predecessors(&label.planned, planned, again);
                label.planned = planned.clone();
                label.hold = None;
            }
            // The request stays the one that was sent, but it is sent again only by the rules in force.
            Some(label) if matches!(label.life, LabelLife::Intended(_)) => {
                if planned.approvals > label.planned.approvals {
                    label.approved = None;
                }
                label.predecessor_waived &= !changes_predecessors(&label.planned, planned, again);
                label.planned.after.clone_from(&planned.after);
                label.planned.soak_seconds = planned.soak_seconds;
                label.planned.approvals = planned.approvals;
            }
            // Indices may have moved; nothing else of it changes.
            Some(label) => label.planned.after.clone_from(&planned.after),
        }
    }
    Ok(())
}

/// Whether a new plan of a label makes it depend on other labels, or on one that is requested again. An operator who did without the
/// former ones has not decided about these.
fn changes_predecessors(before: &PlannedLabel, after: &PlannedLabel, again: &[usize]) -> bool {
    before.after != after.after || after.after.iter().any(|index| again.contains(index))
}

/// Remembers the id of a label that is requested again or dropped. One that is still being withdrawn is followed further.
fn set_aside(job: &mut Job, index: usize) {
    let Some(label) = job.labels.get_mut(index) else { return };
    (label.hold, label.approved, label.drift) = (None, None, None);
    (label.released, label.predecessor_waived) = (false, false);
    let Some(remote) = label.remote().cloned() else { return };
    label.former_ids.push(remote.id);
    if remote.stage.withdrawal().is_some() {
        job.strays.push(StrayLabel { label: index, name: label.planned.name.clone(), remote });
    }
}

fn label_mut(job: &mut Job, index: usize) -> Result<&mut Label, &'static str> {
    job.labels.get_mut(index).ok_or("there is no such label")
}

/// A label that exists at the service.
pub(super) fn existing_remote(job: &mut Job, index: usize) -> Result<&mut RemoteLabel, &'static str> {
    match &mut label_mut(job, index)?.life {
        LabelLife::Exists(remote) => Ok(remote),
        LabelLife::Planned | LabelLife::Dropped | LabelLife::Intended(_) => Err("the label does not exist"),
    }
}

/// The label of the job at this index, or a duplicate of it, that has this id.
fn remote(job: &mut Job, index: usize, id: RemoteId) -> Result<&mut RemoteLabel, &'static str> {
    if job.labels.get(index).and_then(Label::id) == Some(id) {
        return existing_remote(job, index);
    }
    let stray = job.strays.iter_mut().find(|stray| stray.remote.id == id);
    stray.map(|stray| &mut stray.remote).ok_or("the job has no label with this id")
}
