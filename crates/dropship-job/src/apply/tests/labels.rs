//! The life of labels: holds, approvals, withdrawals and new plans.

use super::*;

fn held(label: usize, release: Release) -> Event {
    Event::LabelHeld {
        label,
        fault: HoldFault::new(HoldReason::Approval, format!("label {label} waits")),
        release,
    }
}

fn approved(label: usize) -> Event {
    Event::Approved { by: "uid 0".into(), label: Some(label), name: None, request: None, note: None }
}

/// A job with these labels, in the step that creates them.
fn labelling(labels: Vec<PlannedLabel>) -> Vec<Event> {
    let mut events = way()[..14].to_vec();
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
    let anyone = Event::Approved { by: "x".into(), label: None, name: None, request: None, note: None };
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
