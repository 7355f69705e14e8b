//! Random histories: no sequence of events makes an invalid job.

use proptest::prelude::*;

use super::*;
use crate::testing::{a_life, at, job_id, one_of_each_event};
use crate::{HoldFault, HoldReason, RemoteId, RemoteKind};

/// Events of every kind, about every object that a job with two labels has.
fn pool() -> Vec<Event> {
    let mut pool = one_of_each_event();
    pool.extend(a_life());
    let kinds = [RemoteKind::Product, RemoteKind::Submission, RemoteKind::Label(0), RemoteKind::Label(1)];
    let intent = pool.iter().find_map(|event| match event {
        Event::Intended { intent, .. } => Some(intent.clone()),
        _ => None,
    });
    for (number, kind) in (1..).zip(kinds) {
        let intent = intent.clone().expect("an intent");
        pool.push(Event::Intended { kind, intent });
        pool.push(Event::NotFound { kind, due: at(60) });
        pool.push(Event::Reissued { kind, may_complete_until: at(1200) });
        pool.push(Event::NotCreated { kind, why: "refused".into() });
        for adopted in [false, true] {
            pool.push(Event::Created { kind, id: RemoteId::new(number), adopted, go_live: None });
        }
    }
    for label in [0, 1, 2] {
        pool.push(Event::Published { label });
        pool.push(Event::Superseded { label, kept: Vec::new() });
        pool.push(Event::Progressed { label: Some(label), step: "s".into(), state: "started".into() });
    }
    pool.push(Event::Held { fault: HoldFault::new(HoldReason::Internal, "held"), request: None });
    pool.push(Event::Retried { by: "alice".into(), new_product: false });
    pool
}

proptest! {
    #[test]
    fn random_history_reaches_no_invalid_job(picks in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..8), 1..120)) {
        let pool = pool();
        let arrived = pool[0].clone();
        let mut accepted = vec![(at(0), arrived)];
        let mut job = apply(None, &job_id(), at(0), &accepted[0].1).expect("a job begins");
        for (second, (pick, tries)) in (1..).zip(picks) {
            // Most events are illegal in most states: try several, so that histories become long.
            for offset in 0..usize::from(tries) * 16 {
                let event = &pool[(pick.index(pool.len()) + offset) % pool.len()];
                let before = job.clone();
                let Ok(next) = apply(Some(&job), &job_id(), at(second), event) else {
                    prop_assert_eq!(&before, &job, "a refused event changes nothing");
                    continue;
                };
                prop_assert_eq!(invariants::check(&next), Ok(()), "after {}", event.name());
                prop_assert_eq!(next.rev, job.rev + 1);
                accepted.push((at(second), event.clone()));
                job = next;
                break;
            }
        }
        let folded = fold(&job_id(), accepted.iter().map(|(at, event)| (*at, event)));
        prop_assert_eq!(folded.expect("each event was legal"), Some(job.clone()));
        let stored = serde_json::to_string(&job).expect("a job is JSON");
        prop_assert_eq!(serde_json::from_str::<Job>(&stored).expect("a job is read as it was written"), job);
    }
}
