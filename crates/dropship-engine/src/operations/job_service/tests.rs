use std::collections::BTreeMap;
use std::path::Path;

use parking_lot::Mutex;

use super::*;
use crate::operations::Approval;
use dropship_job::{ErrorKind, HoldFault, HoldReason, Package};
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

#[test]
fn approval_of_a_hold_does_not_release_another_hold() {
    let store = Arc::new(MemoryStore::default());
    for (number, reason) in [(1, HoldReason::Guard), (2, HoldReason::Backlog)] {
        create(&store, number);
        let rev = store.job(&id(number)).expect("readable").expect("a job").rev();
        let held = Event::Held { fault: HoldFault::new(reason, "it waits"), request: None };
        store.commit(Commit::of_job(&id(number), rev, vec![held])).wait().expect("committed");
    }
    let packages = PackageStore::for_reading(Path::new("unused"));
    let workers: Arc<SimulatedWorkers> = Arc::default();
    let service = JobService::new(Arc::clone(&store) as Arc<dyn Store>, packages, workers, false);
    let approval = Approval { kind: Some(ErrorKind::Backlog), ..Approval::default() };
    let action = JobAction::Approve(approval);
    let by = Operator { uid: 0, name: "root".to_owned() };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let approve = |number| runtime.block_on(service.act(&id(number), &action, &by, &()));
    let refused = approve(1).expect_err("another hold");
    assert!(refused.message.contains("is held for `guard` now"), "{refused}");
    approve(2).expect("the hold that the operator saw");
}
