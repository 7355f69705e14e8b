//! A model: histories of drops, deaths, lost answers, strangers and operators that nobody would write, and what must
//! hold after each.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;

use super::cloud::Fault;
use super::material::{PACKAGES, digest_of};
use super::points::Call;
use super::world::{World, in_paused_time};
use crate::control::JobAction;

/// File names; the product is named by them, so two packages can want one name.
const NAMES: [&str; 2] = ["a", "b"];

/// Something that happens.
#[derive(Debug, Clone)]
enum Happening {
    /// A package is dropped, perhaps in the place of another.
    Drop { name: &'static str, package: &'static str },
    /// A file is taken away.
    TakeAway { name: &'static str },
    /// A daemon lives for so long, and is killed or asked to end.
    Live { minutes: u64, drained: bool },
    /// A daemon lives until it dies so many points from now, or comes to rest.
    Die { points: usize },
    /// This becomes of the next call of a kind.
    Fail { call: Call, fault: Fault },
    /// Microsoft refuses the next package.
    Refuse,
    /// Somebody else makes a product of that name.
    Stranger { name: &'static str },
    /// The operator does something to one of the jobs; whether it is legal there is not his concern.
    Operate { job: usize, act: JobAction },
}

fn fault() -> impl Strategy<Value = Fault> {
    let late = (1_u64..15).prop_map(|minutes| Fault::Late(Duration::from_secs(60 * minutes)));
    let others = select(vec![
        Fault::Lost,
        Fault::Never,
        Fault::Unsent,
        Fault::Throttled,
        Fault::Down,
        Fault::Forbidden,
        Fault::Refused,
    ]);
    prop_oneof![late, others]
}

fn act() -> impl Strategy<Value = JobAction> {
    select(vec![
        JobAction::Cancel,
        JobAction::Approve { request: None },
        JobAction::Retry { new_product: false },
        JobAction::Retry { new_product: true },
    ])
}

fn happening() -> impl Strategy<Value = Happening> {
    let creates = vec![Call::CreateProduct, Call::CreateSubmission, Call::Commit, Call::CreateLabel];
    let call = prop_oneof![select(creates), select(Call::ALL.to_vec())];
    prop_oneof![
        4 => (select(&NAMES), select(&PACKAGES)).prop_map(|(name, package)| Happening::Drop { name, package }),
        1 => select(&NAMES).prop_map(|name| Happening::TakeAway { name }),
        3 => (1_u64..300, any::<bool>()).prop_map(|(minutes, drained)| Happening::Live { minutes, drained }),
        5 => (0_usize..120).prop_map(|points| Happening::Die { points }),
        6 => (call, fault()).prop_map(|(call, fault)| Happening::Fail { call, fault }),
        1 => Just(Happening::Refuse),
        1 => select(&NAMES).prop_map(|name| Happening::Stranger { name }),
        2 => (0_usize..3, act()).prop_map(|(job, act)| Happening::Operate { job, act }),
    ]
}

/// Lives a history, then lets everything come to rest; gives what is wrong.
async fn live(history: &[Happening]) -> Vec<String> {
    let mut world = World::new();
    let mut dropped = BTreeSet::new();
    for happening in history {
        match happening {
            Happening::Drop { name, package } => {
                world.drop_package(name, package);
                dropped.insert(digest_of(package));
            }
            Happening::TakeAway { name } => world.take_away(name),
            Happening::Live { minutes, drained } => {
                world.live_for(Duration::from_secs(60 * minutes), *drained).await;
            }
            Happening::Die { points } => {
                world.wire.arm(*points);
                world.live(&mut |_| None).await;
            }
            Happening::Fail { call, fault } => world.cloud.script(*call, &[*fault]),
            Happening::Refuse => world.cloud.sky().refusals += 1,
            Happening::Stranger { name } => world.stranger(name),
            Happening::Operate { job, act } => {
                if let Some(job) = world.jobs().get(*job) {
                    // What is illegal there is refused; that it changes nothing is what is tried.
                    let _refused = world.service().act(&job.id, act, "the operator").await.is_err();
                }
            }
        }
    }
    world.wire.disarm();
    world.cloud.sky().script.clear();
    world.come_to_rest(&mut |_| None).await;
    world.violations(&dropped)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 400, failure_persistence: None,
        ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_nothing_is_lost_and_nothing_is_made_twice(history in prop::collection::vec(happening(), 1..14)) {
        let wrong = in_paused_time(live(&history));
        prop_assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

/// How many histories; more are tried with `PROPTEST_CASES`.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(300)
}
