use std::collections::BTreeMap;
use std::sync::Mutex;

use super::*;
use crate::store::Memory;
use dropship_job::Package;

/// Workers who have these jobs in hand.
#[derive(Default)]
struct Hands(Mutex<Vec<JobId>>);

impl Floor for Hands {
    fn is_running(&self, id: &JobId) -> bool {
        self.in_hand().contains(id)
    }

    fn in_hand(&self) -> Vec<JobId> {
        self.0.lock().expect("hands").clone()
    }

    fn told(&self, _: &Job, _: &[Event]) {}
}

fn id(number: u32) -> JobId {
    JobId::new(1_790_000_000_000 + u64::from(number), number)
}

fn begin(store: &Memory, number: u32) {
    let package = Package {
        name: "a.cab".into(),
        path: None,
        folder: Some("in".into()),
        sha256: number.to_string(),
        size: 1,
        outbox: "/o".into(),
    };
    let accepted = Event::Accepted {
        rule: "r".into(),
        account: "default".into(),
        plan: "p".into(),
        labels: vec![],
        warnings: vec![],
        vars: BTreeMap::new(),
    };
    let commit = Commit::of_job(&id(number), 0, vec![Event::Arrived { package }, accepted]);
    store.commit(commit).wait().expect("committed");
}

/// The numbers of the jobs that are listed.
fn listed(office: &Office, state: Option<StateKind>, before: Option<u32>, limit: usize) -> Vec<String> {
    let wanted = Wanted { state, before: before.map(id), limit };
    office.jobs(&wanted).expect("jobs").into_iter().map(|receipt| receipt.sha256).collect()
}

#[test]
fn those_in_hand_are_running_and_nothing_else() {
    let (store, hands) = (Arc::new(Memory::new()), Arc::new(Hands::default()));
    (1..=9).for_each(|number| begin(&store, number));
    *hands.0.lock().expect("hands") = vec![id(7), id(8), id(3)];
    let office = Office::new(store, hands, false);
    assert_eq!(listed(&office, Some(StateKind::Running), None, 0), ["8", "7", "3"]);
    assert_eq!(listed(&office, Some(StateKind::Running), None, 1), ["8"]);
    assert_eq!(listed(&office, Some(StateKind::Running), Some(8), 9), ["7", "3"]);
    assert_eq!(listed(&office, Some(StateKind::Queued), None, 0), ["9", "6", "5", "4", "2", "1"]);
    assert_eq!(
        listed(&office, Some(StateKind::Queued), None, 2),
        ["9", "6"],
        "as many as asked for, though two run"
    );
    assert_eq!(listed(&office, Some(StateKind::Queued), Some(9), 4), ["6", "5", "4", "2"]);
    assert_eq!(listed(&office, Some(StateKind::Queued), Some(3), 9), ["2", "1"]);
    assert_eq!(listed(&office, None, None, 3), ["9", "8", "7"]);
    assert_eq!(listed(&office, None, None, 0).len(), 9);
}
