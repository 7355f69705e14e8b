//! Random histories of drops, crashes, faults, foreign products and operators, and the invariants that must hold after
//! each. `PROPTEST_CASES` sets how many.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;

use super::crash_points::Call;
use super::fake_service::Fault;
use super::fixtures::{PACKAGES, digest_of};
use super::simulation::{Simulation, an_operator, in_paused_time};
use crate::operations::{Approval, JobAction};

/// File names. The product gets its name from them, so two packages can request the same name.
const NAMES: [&str; 2] = ["a", "b"];

/// One step of a history.
#[derive(Debug, Clone)]
enum Action {
    /// Drop a package; it can replace another.
    Drop { name: &'static str, package: &'static str },
    /// Remove a file.
    Remove { name: &'static str },
    /// Run a daemon for some time, then kill it or shut it down.
    Run { minutes: u64, is_graceful: bool },
    /// Run a daemon until it crashes after this many points, or is idle. The crash may be a power cut.
    Crash { points: usize, power_cut: bool },
    /// Script a fault for the next call of a kind.
    Fail { call: Call, fault: Fault },
    /// Let the next submission fail.
    FailSubmission,
    /// Create a foreign product with the name that dropship would use.
    ForeignProduct { name: &'static str },
    /// Let the operator act on one of the jobs, legal or not.
    Operate { job: usize, act: JobAction },
}

fn fault() -> impl Strategy<Value = Fault> {
    let delayed = (1_u64..15).prop_map(|minutes| Fault::Delayed(Duration::from_secs(60 * minutes)));
    let others = select(vec![
        Fault::ResponseLost,
        Fault::RequestLost,
        Fault::NotSent,
        Fault::Throttled,
        Fault::Unavailable,
        Fault::Forbidden,
        Fault::Rejected,
    ]);
    prop_oneof![delayed, others]
}

fn act() -> impl Strategy<Value = JobAction> {
    select(vec![
        JobAction::Cancel,
        JobAction::Approve(Approval::default()),
        JobAction::Retry { new_product: false },
        JobAction::Retry { new_product: true },
    ])
}

fn action() -> impl Strategy<Value = Action> {
    let creates = vec![Call::CreateProduct, Call::CreateSubmission, Call::Commit, Call::CreateLabel];
    let call = prop_oneof![select(creates), select(Call::ALL.to_vec())];
    prop_oneof![
        4 => (select(&NAMES), select(&PACKAGES)).prop_map(|(name, package)| Action::Drop { name, package }),
        1 => select(&NAMES).prop_map(|name| Action::Remove { name }),
        3 => (1_u64..300, any::<bool>()).prop_map(|(minutes, is_graceful)| Action::Run { minutes, is_graceful }),
        5 => (0_usize..120, any::<bool>()).prop_map(|(points, power_cut)| Action::Crash { points, power_cut }),
        6 => (call, fault()).prop_map(|(call, fault)| Action::Fail { call, fault }),
        1 => Just(Action::FailSubmission),
        1 => select(&NAMES).prop_map(|name| Action::ForeignProduct { name }),
        2 => (0_usize..3, act()).prop_map(|(job, act)| Action::Operate { job, act }),
    ]
}

/// Runs a history, then a last daemon until it is idle; returns the violations.
async fn run(history: &[Action]) -> Vec<String> {
    let mut sim = Simulation::new();
    let mut dropped = BTreeSet::new();
    for action in history {
        match action {
            Action::Drop { name, package } => {
                sim.drop_package(name, package);
                dropped.insert(digest_of(package));
            }
            Action::Remove { name } => sim.remove_package(name),
            Action::Run { minutes, is_graceful } => {
                sim.run_daemon_for(Duration::from_secs(60 * minutes), *is_graceful).await;
            }
            Action::Crash { points, power_cut } => {
                sim.power_cuts = *power_cut;
                sim.crash.crash_after(*points);
                sim.run_daemon(&mut |_| None).await;
            }
            Action::Fail { call, fault } => sim.service.script(*call, &[*fault]),
            Action::FailSubmission => sim.service.state().refusals += 1,
            Action::ForeignProduct { name } => sim.create_foreign_product(name),
            Action::Operate { job, act } => {
                if let Some(job) = sim.jobs().get(*job) {
                    // An illegal act is refused and changes nothing.
                    let _refused = sim.job_service().act(job.id(), act, &an_operator(1), &()).await.is_err();
                }
            }
        }
    }
    sim.crash.disarm();
    sim.service.state().script.clear();
    sim.run_until_idle(&mut |_| None).await;
    sim.violations(&dropped)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 400, failure_persistence: None,
        ..ProptestConfig::default() })]

    #[test]
    fn random_history_loses_nothing_and_creates_nothing_twice(history in prop::collection::vec(action(), 1..14)) {
        let violations = in_paused_time(run(&history));
        prop_assert!(violations.is_empty(), "{violations:#?}");
    }
}

/// A create takes effect after a second one was sent, and the list in which it is searched for then fails once.
#[test]
fn list_that_fails_once_hides_no_late_label() {
    let history = [
        Action::Fail { call: Call::CreateLabel, fault: Fault::Delayed(Duration::from_secs(660)) },
        Action::Drop { name: "a", package: "good-signed" },
        // The second create is sent 50 minutes after the drop, and the search is due 20 minutes later.
        Action::Run { minutes: 60, is_graceful: false },
        Action::Fail { call: Call::Labels, fault: Fault::Unavailable },
        Action::Run { minutes: 600, is_graceful: true },
    ];
    let violations = in_paused_time(run(&history));
    assert!(violations.is_empty(), "{violations:#?}");
}

/// How many histories, unless `PROPTEST_CASES` says otherwise.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(60)
}
