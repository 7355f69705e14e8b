use super::*;
use crate::{
    Asset, ErrorKind, Fault, HoldFault, HoldReason, Intent, LabelGate, PlannedLabel, Release, RemoteId,
    RemoteKind, StateKind,
};

mod labels;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).expect("time")
}

fn id() -> JobId {
    JobId::new(1, 1)
}

fn package() -> Package {
    Package {
        name: "a.cab".into(),
        path: Some("/in/a.cab".into()),
        folder: Some("in".into()),
        sha256: "ab".repeat(32),
        size: 3,
        outbox: "/out".into(),
    }
}

fn planned(name: &str, after: &[usize]) -> PlannedLabel {
    PlannedLabel { name: name.into(), after: after.to_vec(), soak_seconds: 60, ..PlannedLabel::default() }
}

fn accepted(labels: &[&str]) -> Event {
    Event::Accepted {
        rule: "r".into(),
        account: "default".into(),
        plan: "p".into(),
        content: None,
        labels: labels.iter().map(|name| planned(name, &[])).collect(),
        warnings: vec![],
        vars: std::collections::BTreeMap::new(),
    }
}

fn intended(kind: RemoteKind) -> Event {
    let intent = Intent { existing_ids: vec![remote(7)], ..Intent::new("n", "q", at(600)) };
    Event::Intended { kind, intent }
}

fn remote(number: u64) -> RemoteId {
    RemoteId::new(number)
}

fn created(kind: RemoteKind, id: RemoteId) -> Event {
    Event::Created { kind, id, adopted: false, go_live: None }
}

/// The events of a package with one label, without a disturbance.
fn successful_history() -> Vec<Event> {
    vec![
        Event::Arrived { package: package() },
        accepted(&["ring"]),
        intended(RemoteKind::Product),
        created(RemoteKind::Product, remote(14_631_253_285_588_838)),
        intended(RemoteKind::Submission),
        created(RemoteKind::Submission, remote(1_152_921_504_621_465_124)),
        Event::Uploaded { bytes: 3 },
        Event::CommitIntended,
        Event::Committed,
        Event::Waited { due: at(9), why: WaitReason::Signature { workflow: None }, polled: true },
        Event::Progressed { label: None, step: "signing".into(), state: "started".into() },
        Event::Resumed,
        Event::Signed,
        Event::Collected { files: vec![Asset { name: "signed.zip".into(), size: 1, sha256: "c".into() }] },
        intended(RemoteKind::Label(0)),
        created(RemoteKind::Label(0), remote(9)),
        Event::Labelled,
        Event::Published { label: 0 },
        Event::Succeeded,
    ]
}

fn after(events: &[Event]) -> Job {
    let timed = events.iter().zip(0..).map(|(event, second)| (at(second), event));
    fold(&id(), timed).expect("legal").expect("begun")
}

#[test]
fn undisturbed_job_succeeds_and_folds_to_the_same_job_through_json() {
    let job = after(&successful_history());
    assert_eq!(job.state, State::Succeeded);
    assert_eq!(job.step, Step::Publish);
    assert_eq!(job.rev, 19);
    let text = serde_json::to_string(&successful_history()).expect("events to JSON");
    let back: Vec<Event> = serde_json::from_str(&text).expect("events from JSON");
    assert_eq!(after(&back), job);
    let record = serde_json::to_string(&job).expect("job to JSON");
    assert_eq!(serde_json::from_str::<Job>(&record).expect("job from JSON"), job);
    assert!(record.contains("\"1152921504621465124\""), "ids are strings: {record}");
}

#[test]
fn job_that_skips_a_step_is_refused() {
    let successful_history = successful_history();
    for missing in [1, 2, 3, 4, 5, 6, 8, 12, 13, 14, 15, 16, 17] {
        let mut events = successful_history.clone();
        events.remove(missing);
        let timed = events.iter().zip(0..).map(|(event, second)| (at(second), event));
        fold(&id(), timed).expect_err(&format!("without {}", successful_history[missing].name()));
    }
}

#[test]
fn nothing_is_created_twice() {
    let mut events = successful_history()[..4].to_vec();
    let job = after(&events);
    let error = apply(Some(&job), &id(), at(5), &created(RemoteKind::Product, remote(8)))
        .expect_err("a second product");
    assert!(error.to_string().contains("it exists already"), "{error}");
    events.truncate(3);
    let job = after(&events);
    apply(Some(&job), &id(), at(5), &intended(RemoteKind::Product)).expect_err("a second intent");
}

#[test]
fn create_in_doubt_is_closed_by_proof_only() {
    let mut events = successful_history()[..3].to_vec();
    events.push(Event::NotFound { kind: RemoteKind::Product, due: at(600) });
    let job = after(&events);
    assert_eq!(job.due(), Some(at(600)));
    assert_eq!(
        job.doubt().map(|(kind, intent)| (kind, intent.not_found_count)),
        Some((RemoteKind::Product, 1))
    );
    events.extend([
        Event::Resumed,
        Event::NotCreated { kind: RemoteKind::Product, why: "absent twice".into() },
    ]);
    let job = after(&events);
    assert_eq!((job.product.clone(), job.doubt()), (Creation::Open, None));
    apply(Some(&job), &id(), at(700), &intended(RemoteKind::Product)).expect("it may be called again");
}

#[test]
fn created_event_after_a_cancel_is_accepted() {
    let mut events = successful_history()[..3].to_vec();
    events.push(Event::Cancelled { by: "uid 0".into() });
    events.push(Event::Created { kind: RemoteKind::Product, id: remote(5), adopted: true, go_live: None });
    let job = after(&events);
    assert_eq!((job.state, job.product), (State::Cancelled, Creation::Done { id: remote(5) }));
}

#[test]
fn create_in_doubt_at_the_end_of_a_job_is_checked_once() {
    let failed = Event::Failed { fault: Fault::new(ErrorKind::Internal, "x") };
    let cancelled = Event::Cancelled { by: "uid 0".into() };
    let doubted = || successful_history()[..3].to_vec();
    let checks = |more: &[&Event]| {
        let mut events = doubted();
        events.extend(more.iter().map(|event| (*event).clone()));
        after(&events).duplicate_checks.len()
    };
    assert_eq!((checks(&[&failed]), checks(&[&cancelled]), checks(&[&failed, &cancelled])), (1, 1, 1));
    let checked = Event::DuplicatesChecked {
        kind: RemoteKind::Product,
        ids: vec![remote(5)],
        unproven: vec![],
        next: None,
    };
    assert_eq!(checks(&[&failed, &checked]), 0);
    assert_eq!(checks(&[&failed, &checked, &cancelled]), 0, "it was looked for");
    // The answer came after all.
    let answered = created(RemoteKind::Product, remote(5));
    assert_eq!(checks(&[&cancelled, &answered]), 0, "there is nothing to be looked for");
}

/// A job that was ended in doubt of its submission, whose product was created twice.
fn job_with_two_checks() -> Job {
    let mut events = successful_history()[..3].to_vec();
    let name = |kind| Event::NotFound { kind, due: at(600) };
    events.extend([name(RemoteKind::Product), Event::Resumed]);
    events.push(Event::Reissued { kind: RemoteKind::Product, may_complete_until: at(1200) });
    events.extend([created(RemoteKind::Product, remote(8)), intended(RemoteKind::Submission)]);
    events.push(Event::Cancelled { by: "uid 0".into() });
    after(&events)
}

#[test]
fn retried_job_takes_over_the_check_of_its_own_create_only() {
    let job = job_with_two_checks();
    let check_kinds = |job: &Job| job.duplicate_checks.iter().map(|check| check.kind).collect::<Vec<_>>();
    assert_eq!(check_kinds(&job), [RemoteKind::Product, RemoteKind::Submission]);
    let retried = Event::Retried { by: "uid 0".into(), new_product: false };
    let job = apply(Some(&job), &id(), at(60), &retried).expect("retry");
    assert_eq!(check_kinds(&job), [RemoteKind::Product]);
    assert!(job.doubt().is_some());
    // One of the same kind that is of another create stays too.
    let mut other = job_with_two_checks();
    other.duplicate_checks[0].kind = RemoteKind::Submission;
    other.duplicate_checks[0].name = "another".into();
    let other = apply(Some(&other), &id(), at(60), &retried).expect("retry");
    assert_eq!(other.duplicate_checks.len(), 1);
}

#[test]
fn duplicates_checked_event_closes_the_check_that_was_due_first() {
    let mut job = job_with_two_checks();
    job.duplicate_checks[0].kind = RemoteKind::Submission;
    let (first, later) = (
        job.duplicate_checks[0].due.min(job.duplicate_checks[1].due),
        job.duplicate_checks[0].due.max(job.duplicate_checks[1].due),
    );
    assert!(first < later);
    let checked =
        Event::DuplicatesChecked { kind: RemoteKind::Submission, ids: vec![], unproven: vec![], next: None };
    let job = apply(Some(&job), &id(), at(2000), &checked).expect("legal");
    assert_eq!(job.duplicate_check_due(), Some(later));
}

#[test]
fn time_of_the_last_poll_is_known_within_its_step() {
    let mut events = successful_history();
    let waited = events.iter().position(|event| matches!(event, Event::Waited { .. })).expect("a wait");
    events.truncate(waited + 1);
    let last_polled = after(&events).last_polled;
    assert!(last_polled.is_some());
    // A wait for something else is not a poll.
    events.push(Event::Resumed);
    events.push(Event::Waited { due: at(50), why: WaitReason::Paused, polled: false });
    assert_eq!(after(&events).last_polled, last_polled);
    events.extend([Event::Resumed, Event::Signed]);
    assert_eq!(after(&events).last_polled, None);
}

#[test]
fn ended_job_continues_by_retry_only() {
    let fault = Fault::new(ErrorKind::SigningFailed, "refused");
    let mut events = successful_history()[..9].to_vec();
    events.push(Event::Failed { fault });
    let job = after(&events);
    for event in successful_history().iter().skip(1).filter(|event| !matches!(event, Event::Created { .. })) {
        apply(Some(&job), &id(), at(50), event).expect_err(event.name());
    }
    let retried = Event::Retried { by: "uid 0".into(), new_product: false };
    let continued = apply(Some(&job), &id(), at(60), &retried).expect("retry");
    assert_eq!((continued.step, &continued.state), (Step::Sign, &State::Queued));
    let retried_with_new_product = Event::Retried { by: "uid 0".into(), new_product: true };
    let restarted =
        apply(Some(&job), &id(), at(60), &retried_with_new_product).expect("retry with a new product");
    assert_eq!(
        (restarted.step, restarted.product, restarted.abandoned_products),
        (Step::Product, Creation::Open, vec![remote(14_631_253_285_588_838)])
    );
}

#[test]
fn cancelled_job_without_a_product_gets_no_new_product() {
    let mut events = successful_history()[..2].to_vec();
    events.push(Event::Cancelled { by: "uid 0".into() });
    let job = after(&events);
    let retried = |new_product| Event::Retried { by: "uid 0".into(), new_product };
    let refused = apply(Some(&job), &id(), at(60), &retried(true)).expect_err("its copy is deleted");
    assert!(refused.to_string().contains("retry it without a new product"), "{refused}");
    let job = apply(Some(&job), &id(), at(60), &retried(false)).expect("retry");
    assert_eq!((job.step, job.state), (Step::Inspect, State::Queued));
}

#[test]
fn rejected_package_is_inspected_again_on_retry() {
    let events = [
        Event::Arrived { package: package() },
        Event::Rejected { fault: Fault::new(ErrorKind::from("unsigned"), "u") },
    ];
    let job = after(&events);
    assert!(job.accepted.is_none());
    let job = apply(Some(&job), &id(), at(3), &Event::Retried { by: "x".into(), new_product: false })
        .expect("retry");
    assert_eq!((job.step, job.state), (Step::Inspect, State::Queued));
}

#[test]
fn approval_of_driver_metadata_does_not_approve_a_label() {
    let mut events = successful_history()[..14].to_vec();
    let fault = HoldFault::new(HoldReason::MetadataMismatch, "an INF is missing");
    events.push(Event::Held { fault, request: Some(Job::metadata_request("digest")) });
    events.push(Event::Approved {
        by: "uid 0".into(),
        uid: 0,
        label: None,
        name: None,
        request: None,
        note: None,
    });
    let job = after(&events);
    assert_eq!(job.approved_metadata(), Some("digest"));
    assert_eq!((&job.labels[0].approved, &job.state), (&None, &State::Queued));
}

#[test]
fn held_job_with_late_created_product_stays_held() {
    let mut events = successful_history()[..3].to_vec();
    let fault = HoldFault::new(HoldReason::Ambiguous, "several objects have the name");
    events.push(Event::Held { fault: fault.clone(), request: None });
    events.push(created(RemoteKind::Product, remote(5)));
    let job = after(&events);
    assert_eq!((job.step, job.state.fault()), (Step::Submission, Some(&*fault)));
    events.push(Event::Approved {
        by: "x".into(),
        uid: 1,
        label: None,
        name: None,
        request: None,
        note: None,
    });
    assert_eq!(after(&events).state, State::Queued);
}
