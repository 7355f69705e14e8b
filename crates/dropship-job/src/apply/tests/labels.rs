//! The life of labels: holds, approvals, withdrawals and new plans.

use super::*;
use crate::{Drift, LabelStatus};

fn held(label: usize, release: Release) -> Event {
    Event::LabelHeld {
        label,
        fault: HoldFault::new(HoldReason::Approval, format!("label {label} waits")),
        release,
    }
}

fn approved(label: usize) -> Event {
    approved_by(0, label)
}

fn approved_by(uid: u32, label: usize) -> Event {
    Event::Approved {
        by: format!("uid {uid}"),
        uid,
        label: Some(label),
        name: None,
        request: None,
        note: None,
    }
}

/// A job with these labels, in the step that creates them.
fn labelling(labels: Vec<PlannedLabel>) -> Vec<Event> {
    let mut events = successful_history()[..14].to_vec();
    if let Event::Accepted { labels: of_plan, .. } = &mut events[1] {
        *of_plan = labels;
    }
    events
}

#[test]
fn approval_releases_the_request_that_was_shown_of_its_label_only() {
    let mut events = labelling(vec![planned("a", &[]), planned("b", &[])]);
    events.extend([held(0, Release::Request("one".into())), held(1, Release::Request("two".into()))]);
    let job = after(&events);
    assert!(
        matches!(&job.state, State::Held { label: Some(0), request: Some(one), due: Some(_), .. } if one == "one")
    );
    events.push(approved(1));
    let job = after(&events);
    assert_eq!((job.labels[0].approved(), job.labels[1].approved()), (None, Some("two")));
    assert!(matches!(job.state, State::Held { label: Some(0), .. }) && job.has_approved_label());
    events.push(approved(0));
    assert_eq!(after(&events).state, State::Queued);
    let twice = apply(Some(&after(&events)), &id(), at(50), &approved(0)).expect_err("twice");
    assert!(twice.to_string().contains("not held"), "{twice}");
}

/// A job whose first label waits for two operators.
fn job_that_needs_two_approvals(request: &str) -> Vec<Event> {
    let mut events = labelling(vec![PlannedLabel { approvals: 2, ..planned("a", &[]) }, planned("b", &[])]);
    events.push(held(0, Release::Request(request.into())));
    events
}

#[test]
fn label_that_needs_two_operators_waits_for_a_different_second_one() {
    let mut events = job_that_needs_two_approvals("one");
    let before = after(&events);
    events.push(approved_by(1000, 0));
    let job = after(&events);
    let hold = job.labels[0].hold().expect("still on hold");
    assert_eq!((hold.needed, hold.approvals.len(), hold.request()), (2, 1, Some("one")));
    assert_eq!((&job.state, job.labels[0].approved()), (&before.state, None));
    assert!(!job.has_approved_label());
    // The same person under another name.
    let again = Event::Approved {
        by: "alice".into(),
        uid: 1000,
        label: Some(0),
        name: None,
        request: None,
        note: None,
    };
    let refused = apply(Some(&job), &id(), at(50), &again).expect_err("the same operator");
    assert!(refused.to_string().contains("another one has to"), "{refused}");
    events.push(approved_by(1001, 0));
    let job = after(&events);
    assert_eq!((&job.state, job.labels[0].approved()), (&State::Queued, Some("one")));
}

#[test]
fn approval_of_one_operator_ends_when_the_request_changes() {
    let mut events = job_that_needs_two_approvals("one");
    events.extend([approved_by(1000, 0), held(0, Release::Request("two".into())), approved_by(1001, 0)]);
    let job = after(&events);
    assert_eq!(job.labels[0].hold().map(|hold| hold.approvals.len()), Some(1), "of the new request");
    events.push(approved_by(1000, 0));
    assert_eq!(after(&events).labels[0].approved(), Some("two"));
}

#[test]
fn hold_that_releases_no_request_needs_one_operator() {
    let mut events = job_that_needs_two_approvals("one");
    events.extend([held(0, Release::Attempt), approved(0)]);
    assert_eq!(after(&events).state, State::Queued);
}

#[test]
fn new_plan_that_needs_more_operators_ends_the_approval() {
    let mut events = labelling(vec![PlannedLabel { approvals: 1, ..planned("a", &[]) }]);
    events.extend([held(0, Release::Request("one".into())), approved(0)]);
    let replanned = |approvals| Event::Replanned {
        rule: "ring".into(),
        plan: "p".into(),
        labels: vec![PlannedLabel { approvals, ..planned("a", &[]) }],
        dropped: Vec::new(),
        again: Vec::new(),
        changes: Vec::new(),
    };
    events.push(replanned(1));
    assert_eq!(after(&events).labels[0].approved(), Some("one"));
    events.push(replanned(2));
    assert_eq!(after(&events).labels[0].approved(), None);
}

#[test]
fn decisions_about_a_label_end_with_the_job_and_with_its_plan() {
    let with_soak = |soak_seconds| PlannedLabel { approvals: 1, soak_seconds, ..planned("a", &[]) };
    let mut events = labelling(vec![with_soak(0), planned("b", &[0])]);
    events.extend([held(0, Release::Request("one".into())), approved(0)]);
    events.extend([held(1, Release::WithoutPredecessor), approved(1)]);
    let job = after(&events);
    assert_eq!((job.labels[0].approved(), job.labels[1].is_predecessor_waived()), (Some("one"), true));
    let cancelled = [events.clone(), vec![Event::Cancelled { by: "uid 0".into() }]].concat();
    let job = after(&[cancelled, vec![Event::Retried { by: "uid 0".into(), new_product: false }]].concat());
    assert_eq!((job.labels[0].approved(), job.labels[1].is_predecessor_waived()), (None, false));
    events.push(Event::Replanned {
        rule: "ring".into(),
        plan: "p".into(),
        labels: vec![with_soak(60), planned("b", &[0])],
        dropped: Vec::new(),
        again: Vec::new(),
        changes: Vec::new(),
    });
    let job = after(&events);
    assert_eq!((job.labels[0].approved(), job.labels[1].is_predecessor_waived()), (None, true));
}

#[test]
fn approval_of_a_label_in_doubt_counts_when_it_is_sent_again() {
    let mut events = labelling(vec![planned("a", &[]), planned("b", &[0])]);
    events.extend([intended(RemoteKind::Label(0)), held(0, Release::Request("two".into())), approved(0)]);
    events.extend([held(1, Release::WithoutPredecessor), approved(1)]);
    let job = after(&events);
    assert_eq!(job.labels[0].intent().map(|intent| intent.request.as_str()), Some("two"));
    assert_eq!((job.labels[0].approved(), job.labels[1].is_predecessor_waived()), (Some("two"), true));
}

#[test]
fn label_on_hold_does_not_stop_the_others() {
    let mut events = labelling(vec![planned("a", &[]), planned("b", &[])]);
    events.extend([
        held(0, Release::Attempt),
        intended(RemoteKind::Label(1)),
        created(RemoteKind::Label(1), remote(9)),
    ]);
    events.push(Event::Waited { due: at(500), why: WaitReason::Publication, polled: true });
    let job = after(&events);
    assert_eq!((job.state.kind(), job.due()), (StateKind::Held, Some(at(500))));
    events.extend([Event::Published { label: 1 }, Event::Idle]);
    let job = after(&events);
    assert_eq!((job.state.kind(), job.due()), (StateKind::Held, None), "only the operator can continue it");
    // A hold of the whole job stops all.
    events.push(Event::Held { fault: HoldFault::new(HoldReason::PlanLost, "no plan"), request: None });
    let job = after(&events);
    apply(Some(&job), &id(), at(50), &Event::Superseded { label: 1, kept: Vec::new() })
        .expect_err("all labels wait");
    let anyone =
        Event::Approved { by: "x".into(), uid: 1, label: None, name: None, request: None, note: None };
    events.push(anyone);
    assert!(matches!(after(&events).state, State::Held { label: Some(0), .. }), "the label still waits");
}

#[test]
fn soak_counts_from_the_later_of_publication_and_go_live() {
    let mut events = labelling(vec![planned("a", &[]), planned("b", &[0])]);
    let gate = |events: &[Event]| after(events).label_gate(1);
    assert_eq!(gate(&events), LabelGate::Unpublished);
    events.push(intended(RemoteKind::Label(0)));
    let live = at(10_000);
    events.push(Event::Created {
        kind: RemoteKind::Label(0),
        id: remote(9),
        adopted: false,
        go_live: Some(live),
    });
    assert_eq!(gate(&events), LabelGate::Unpublished);
    events.push(Event::Published { label: 0 });
    assert_eq!(gate(&events), LabelGate::From(at(10_060)));
    events.push(Event::LabelFailed { label: 0, reason: "expired".into() });
    assert_eq!(gate(&events), LabelGate::PredecessorLost(0));
    events.extend([held(1, Release::WithoutPredecessor), approved(1)]);
    assert_eq!(gate(&events), LabelGate::From(Timestamp::MIN));
}

fn cancelled() -> Event {
    Event::Cancelled { by: "uid 0".into() }
}

#[test]
fn cancelled_job_is_not_over_before_its_labels_are_withdrawn() {
    let mut events = labelling(vec![planned("a", &[]), planned("b", &[])]);
    events.extend([
        intended(RemoteKind::Label(0)),
        created(RemoteKind::Label(0), remote(9)),
        intended(RemoteKind::Label(1)),
        cancelled(),
    ]);
    let job = after(&events);
    let pending = |job: &Job| job.pending_withdrawals().iter().map(|one| one.id).collect::<Vec<_>>();
    assert_eq!(pending(&job), [Some(remote(9)), None]);
    let cancelled_at = Some(job.updated);
    assert_eq!((job.background_due(), job.duplicate_check_due()), (cancelled_at, cancelled_at));
    // The create that was in flight took effect.
    events.push(created(RemoteKind::Label(1), remote(10)));
    assert_eq!(pending(&after(&events)), [Some(remote(9)), Some(remote(10))]);
    events.push(Event::NotWithdrawn { label: 0, id: remote(9), due: at(900), why: "not now".into() });
    events.push(Event::Withdrawn { label: 1, id: remote(10), by: "uid 0".into() });
    events.push(Event::WithdrawalConfirmed { label: 1, id: remote(10) });
    let job = after(&events);
    assert_eq!(
        (pending(&job), job.background_due(), job.is_over()),
        (vec![Some(remote(9))], Some(at(900)), false)
    );
    events.push(Event::PublishedAnyway { label: 0, id: remote(9) });
    let job = after(&events);
    assert!(job.is_over() && job.labels[0].is_published());
}

#[test]
fn late_duplicate_of_a_label_has_to_go() {
    let mut events = labelling(vec![planned("a", &[])]);
    events.extend([intended(RemoteKind::Label(0)), created(RemoteKind::Label(0), remote(9))]);
    let kind = RemoteKind::Label(0);
    events.push(Event::DuplicatesChecked {
        kind,
        ids: vec![remote(10)],
        unproven: vec![remote(11)],
        next: None,
    });
    let job = after(&events);
    let strays: Vec<_> = job.pending_withdrawals().iter().map(|one| (one.label, one.id)).collect();
    assert_eq!((strays, job.labels[0].is_processing()), (vec![(0, Some(remote(10)))], true));
}

#[test]
fn replanned_job_keeps_existing_labels_and_asks_again_for_lost_ones() {
    let mut events = labelling(vec![planned("a", &[]), planned("b", &[]), planned("c", &[])]);
    events.extend([
        intended(RemoteKind::Label(0)),
        created(RemoteKind::Label(0), remote(9)),
        intended(RemoteKind::Label(1)),
        created(RemoteKind::Label(1), remote(10)),
        Event::LabelFailed { label: 1, reason: "refused".into() },
        Event::Failed { fault: Fault::new(ErrorKind::LabelFailed, "refused") },
        Event::Retried { by: "uid 0".into(), new_product: false },
        Event::Replanned {
            rule: "r".into(),
            plan: "q".into(),
            labels: vec![planned("a", &[]), planned("b", &[]), planned("c", &[]), planned("d", &[1])],
            dropped: vec![2],
            again: vec![1],
            changes: vec![],
        },
    ]);
    let job = after(&events);
    let statuses: Vec<_> = job.labels.iter().map(|label| label.status().as_str()).collect();
    assert_eq!(statuses, ["processing", "planned", "dropped", "planned"]);
    assert_eq!(
        (job.labels[1].former_ids(), job.plan(), job.step),
        (&[remote(10)][..], Some("q"), Step::Label)
    );
    let wrong = Event::Replanned {
        rule: "r".into(),
        plan: "q".into(),
        labels: vec![planned("a", &[]); 4],
        dropped: vec![0],
        again: vec![],
        changes: vec![],
    };
    apply(Some(&job), &id(), at(90), &wrong).expect_err("it exists");
}

/// A job that has published its one label.
fn with_published(id: u64) -> Vec<Event> {
    let mut events = labelling(vec![planned("a", &[])]);
    events.push(intended(RemoteKind::Label(0)));
    events.push(Event::Created {
        kind: RemoteKind::Label(0),
        id: RemoteId::new(id),
        adopted: false,
        go_live: None,
    });
    events.extend([Event::Labelled, Event::Published { label: 0 }, Event::Succeeded]);
    events
}

fn drifted(id: u64, drift: Drift) -> Event {
    Event::Drifted { label: 0, id: RemoteId::new(id), drift }
}

#[test]
fn label_that_was_withdrawn_elsewhere_is_lost_and_its_job_stays_succeeded() {
    let mut events = with_published(9);
    let withdrawn = Drift::Withdrawn { reason: "cancelled".into() };
    apply(Some(&after(&events)), &id(), at(50), &drifted(10, withdrawn.clone())).expect_err("another id");
    events.push(drifted(9, withdrawn.clone()));
    let job = after(&events);
    assert_eq!((job.state.clone(), job.labels[0].status()), (State::Succeeded, LabelStatus::Gone));
    assert!(job.labels[0].is_lost() && job.labels[0].live_at().is_none());
    assert_eq!(job.labels[0].unacknowledged_drift().map(|drift| &drift.drift), Some(&withdrawn));
    apply(Some(&job), &id(), at(50), &drifted(9, Drift::Removed)).expect_err("reported once");
    let acknowledged = Event::Acknowledged { label: 0, by: "alice".into(), note: None };
    events.push(acknowledged.clone());
    let job = after(&events);
    assert_eq!((job.labels[0].unacknowledged_drift(), job.labels[0].is_gone()), (None, true));
    apply(Some(&job), &id(), at(50), &acknowledged).expect_err("once");
    // It can be requested again.
    events.push(Event::Retried { by: "alice".into(), new_product: false });
    assert_eq!(after(&events).state, State::Queued);
}

#[test]
fn changed_label_stays_published_and_can_change_again() {
    let mut events = with_published(9);
    let changed = |text: &str| drifted(9, Drift::Changed { changes: vec![text.into()] });
    events.extend([
        changed("one"),
        Event::Acknowledged { label: 0, by: "alice".into(), note: None },
        changed("two"),
    ]);
    let job = after(&events);
    assert!(job.labels[0].is_published() && job.labels[0].unacknowledged_drift().is_some());
}

#[test]
fn predecessor_that_is_gone_is_lost_for_the_label_after_it() {
    let mut events = labelling(vec![planned("a", &[]), planned("b", &[0])]);
    events.push(intended(RemoteKind::Label(0)));
    events.push(Event::Created {
        kind: RemoteKind::Label(0),
        id: RemoteId::new(9),
        adopted: false,
        go_live: None,
    });
    events.extend([
        Event::Published { label: 0 },
        drifted(9, Drift::Changed { changes: vec!["floor".into()] }),
    ]);
    assert!(matches!(after(&events).label_gate(1), LabelGate::From(_)), "it is still published");
    events.push(drifted(9, Drift::Expired));
    assert_eq!(after(&events).label_gate(1), LabelGate::PredecessorLost(0));
}
