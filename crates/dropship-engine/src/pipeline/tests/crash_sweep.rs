//! The crash sweep: in each scenario the daemon crashes once, and the next daemon must bring the scenario to the same
//! end as if nothing had happened.
//!
//! By default a sample runs: each named crash point once, in a scenario that reaches it, and some points by number. The
//! test prints its seed. `DROPSHIP_SWEEP=SEED` repeats a sample, `DROPSHIP_SWEEP=all` crashes at every point of every
//! scenario.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::crash_points::{CrashPoint, CrashTarget, NamedPoint, Side};
use super::fixtures::digest_of;
use super::scenarios::{SCENARIOS, Scenario};
use super::simulation::{Simulation, in_paused_time};

/// The names under which packages are dropped.
const NAMES: [&str; 2] = ["a", "b"];

/// How many points a run can have more or less than the one before: delays are random, so some runs poll once more.
const SPREAD: usize = 16;

/// How many points of each scenario a sample tries by number, besides those that it tries by name.
const NUMBERED: usize = 2;

/// One run of a scenario.
struct ScenarioRun {
    /// How many crash points it passed.
    points: usize,
    /// Their names.
    reached: BTreeSet<NamedPoint>,
    /// Where the daemon crashed last.
    crash: Option<(CrashPoint, Side)>,
    violations: Vec<String>,
}

/// Runs a scenario once, with a crash at the target if there is one: the end of the process, or a power cut.
fn run(scenario: &Scenario, target: Option<CrashTarget>, power_cut: bool) -> ScenarioRun {
    in_paused_time(async {
        let mut sim = Simulation::with(scenario.options);
        sim.power_cuts = power_cut;
        (scenario.begin)(&mut sim);
        let dropped = || NAMES.iter().zip(scenario.packages);
        dropped().for_each(|(name, package)| sim.drop_package(name, package));
        if let Some(target) = target {
            sim.crash.crash_at(target);
        }
        let mut operator = scenario.operator;
        let mut crashes = sim.run_until_idle(&mut operator).await;
        dropped().for_each(|(name, _)| sim.remove_package(name));
        crashes.extend(sim.run_until_idle(&mut operator).await);
        let violations = violations(scenario, &sim, !crashes.is_empty()).into_iter();
        let violations = violations
            .map(|violation| {
                format!(
                    "{}, {} at {crashes:?}: {violation}",
                    scenario.name,
                    if power_cut { "power cut" } else { "crashed" }
                )
            })
            .collect();
        let (points, reached) = (sim.crash.passed(), sim.crash.reached());
        ScenarioRun { points, reached, crash: crashes.pop(), violations }
    })
}

/// The violations at the end of a run, including an end that the scenario does not have.
fn violations(scenario: &Scenario, sim: &Simulation, crashed: bool) -> Vec<String> {
    let dropped = scenario.packages.iter().map(|package| digest_of(package)).collect();
    let forgotten = scenario.ends[0].0.is_empty();
    let mut violations = if forgotten { Vec::new() } else { sim.violations(&dropped) };
    violations.extend((scenario.holds)(sim).err());
    let jobs = sim.jobs();
    let states: Vec<_> = jobs.iter().map(|job| job.state().kind().as_str()).collect();
    let remote = sim.service.state();
    let end = (states.as_slice(), remote.products.len(), remote.submissions.len(), remote.labels.len());
    let ends = if crashed { scenario.ends } else { &scenario.ends[..1] };
    if !ends.contains(&end) {
        violations.push(format!("states, products, submissions, labels are {end:?}, not {ends:?}: {jobs:?}"));
    }
    violations
}

/// Maps the items on as many threads as the machine has processors.
fn in_parallel<T: Sync, R: Send>(items: &[T], map: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let result = map(item);
                    results.lock().push(result);
                }
            });
        }
    });
    results.into_inner()
}

/// The extent of the sweep.
#[derive(Debug)]
enum SweepExtent {
    /// A sample that this seed chooses.
    Sample(u64),
    /// Every point of every scenario.
    All,
}

impl SweepExtent {
    fn from_environment() -> Self {
        match std::env::var("DROPSHIP_SWEEP") {
            Ok(all) if all == "all" => Self::All,
            Ok(seed) => Self::Sample(seed.parse().expect("DROPSHIP_SWEEP is `all` or a seed")),
            Err(_) => Self::Sample(getrandom::u64().expect("a seed") % 1_000_000),
        }
    }
}

/// A pseudo-random number below `limit`; splitmix64.
fn random(state: &mut u64, limit: usize) -> usize {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    usize::try_from((mixed ^ (mixed >> 31)) % limit.max(1) as u64).unwrap_or(0)
}

/// The runs to try: scenarios with the point at which the daemon crashes, and whether that is a power cut.
fn planned(extent: &SweepExtent, undisturbed: &[ScenarioRun]) -> Vec<(&'static Scenario, CrashTarget, bool)> {
    let each = || SCENARIOS.iter().zip(undisturbed);
    let SweepExtent::Sample(seed) = extent else {
        let numbers = each().flat_map(|(scenario, outcome)| {
            // Two packages pass most points twice, in the way of one.
            let step = 2 * scenario.packages.len() - 1;
            (0..outcome.points + SPREAD)
                .step_by(step)
                .map(move |point| (scenario, CrashTarget::Number(point), (point / step).is_multiple_of(2)))
        });
        return numbers.collect();
    };
    let mut seed = *seed;
    let mut runs = Vec::new();
    for point in NamedPoint::all() {
        let reaching: Vec<_> = each().filter(|(_, outcome)| outcome.reached.contains(&point)).collect();
        if let Some((scenario, _)) = reaching.get(random(&mut seed, reaching.len())) {
            runs.push((*scenario, CrashTarget::Named(point), random(&mut seed, 2) == 0));
        }
    }
    for (scenario, outcome) in each() {
        let numbers = (0..NUMBERED).map(|position| (random(&mut seed, outcome.points), position % 2 == 0));
        runs.extend(numbers.map(|(number, cut)| (scenario, CrashTarget::Number(number), cut)));
    }
    runs
}

#[test]
fn crash_at_any_point_changes_no_outcome() {
    let extent = SweepExtent::from_environment();
    println!(
        "crash sweep: {extent:?}; DROPSHIP_SWEEP=SEED repeats a sample, DROPSHIP_SWEEP=all tries every point"
    );
    let undisturbed: Vec<ScenarioRun> = SCENARIOS.iter().map(|scenario| run(scenario, None, false)).collect();
    for outcome in &undisturbed {
        assert_eq!(outcome.violations, Vec::<String>::new());
    }
    let runs = planned(&extent, &undisturbed);
    let mut outcomes = in_parallel(&runs, |(scenario, target, cut)| run(scenario, Some(*target), *cut));
    // Numbers shift with the order in which workers run, and not every run reaches its point: what is missing is tried
    // by name, in every scenario.
    let missing = |outcomes: &[ScenarioRun]| {
        let crashes = outcomes.iter().filter_map(|outcome| outcome.crash.as_ref());
        let tried: BTreeSet<_> = crashes.flat_map(|(point, side)| point.names(*side)).collect();
        NamedPoint::all().into_iter().filter(|point| !tried.contains(point)).collect::<Vec<_>>()
    };
    let retries: Vec<_> = missing(&outcomes)
        .into_iter()
        .flat_map(|point| SCENARIOS.iter().map(move |scenario| (scenario, CrashTarget::Named(point))))
        .collect();
    outcomes.extend(in_parallel(&retries, |(scenario, target)| run(scenario, Some(*target), false)));
    let violations: Vec<_> = outcomes.iter().flat_map(|outcome| outcome.violations.clone()).collect();
    let crashes = outcomes.iter().filter(|outcome| outcome.crash.is_some()).count();
    println!("{} runs, {crashes} crashes, {} violations", outcomes.len(), violations.len());
    assert_eq!(violations, Vec::<String>::new());
    assert_eq!(
        missing(&outcomes),
        Vec::new(),
        "no daemon crashed there: add a scenario that reaches the point"
    );
}
