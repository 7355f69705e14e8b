use std::collections::BTreeMap;
use std::path::Path;

use parking_lot::Mutex;

use super::*;
use dropship_job::Package;
use dropship_store::MemoryStore;

/// Simulated workers that process these jobs.
#[derive(Default)]
struct SimulatedWorkers(Mutex<Vec<JobId>>);

impl ActiveJobs for SimulatedWorkers {
    fn is_running(&self, id: &JobId) -> bool {
        self.running().contains(id)
    }

    fn running(&self) -> Vec<JobId> {
        self.0.lock().clone()
    }

    fn rule_change(&self, _: &Job) -> Option<dropship_rules::rule::RuleChange> {
        None
    }

    fn on_event(&self, _: &Job, _: &[Event]) {}
}

fn id(number: u32) -> JobId {
    JobId::new(1_790_000_000_000 + u64::from(number), number)
}

fn create(store: &MemoryStore, number: u32) {
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
        content: None,
        labels: vec![],
        warnings: vec![],
        vars: BTreeMap::new(),
    };
    let commit = Commit::of_job(&id(number), 0, vec![Event::Arrived { package }, accepted]);
    store.commit(commit).wait().expect("committed");
}

/// Numbers of the listed jobs.
fn listed(service: &JobService, state: Option<StateKind>, before: Option<u32>, limit: usize) -> Vec<String> {
    let query = JobQuery { state, before: before.map(id), limit, ..JobQuery::default() };
    service.list(&query).expect("jobs").into_iter().map(|receipt| receipt.sha256).collect()
}

#[test]
fn jobs_that_workers_process_are_listed_as_running_only() {
    let (store, workers) = (Arc::new(MemoryStore::new()), Arc::new(SimulatedWorkers::default()));
    (1..=9).for_each(|number| create(&store, number));
    *workers.0.lock() = vec![id(7), id(8), id(3)];
    let service = JobService::new(store, PackageStore::for_reading(Path::new("unused")), workers, false);
    assert_eq!(listed(&service, Some(StateKind::Running), None, 0), ["8", "7", "3"]);
    assert_eq!(listed(&service, Some(StateKind::Running), None, 1), ["8"]);
    assert_eq!(listed(&service, Some(StateKind::Running), Some(8), 9), ["7", "3"]);
    assert_eq!(listed(&service, Some(StateKind::Queued), None, 0), ["9", "6", "5", "4", "2", "1"]);
    assert_eq!(
        listed(&service, Some(StateKind::Queued), None, 2),
        ["9", "6"],
        "a full page although two jobs run"
    );
    assert_eq!(listed(&service, Some(StateKind::Queued), Some(9), 4), ["6", "5", "4", "2"]);
    assert_eq!(listed(&service, Some(StateKind::Queued), Some(3), 9), ["2", "1"]);
    assert_eq!(listed(&service, None, None, 3), ["9", "8", "7"]);
    assert_eq!(listed(&service, None, None, 0).len(), 9);
}
