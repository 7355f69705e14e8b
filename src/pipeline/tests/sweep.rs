//! The crash sweep: for each life that a package can have, the daemon dies once at every point of it, and the next one
//! has to end it as if nothing had been.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::cloud::TAKES;
use super::lives::{LIVES, Life};
use super::material::digest_of;
use super::points::{Aim, Call, Point, Side, Write};
use super::world::{World, in_paused_time};

/// The names that packages are dropped under.
const NAMES: [&str; 2] = ["a", "b"];

/// Points that a life can have more or less by chance: delays are spread, so some have a look more than others.
const CHANCE: usize = 16;

/// Deaths at each point.
#[derive(Default)]
struct Deaths {
    calls: BTreeMap<(Call, Side), usize>,
    writes: BTreeMap<(Write, Side), usize>,
}

impl Deaths {
    fn note(&mut self, (point, side): &(Point, Side)) {
        match point {
            Point::Call(call) => *self.calls.entry((*call, *side)).or_default() += 1,
            Point::Write(writes) => {
                for write in writes.iter().collect::<BTreeSet<_>>() {
                    *self.writes.entry((*write, *side)).or_default() += 1;
                }
            }
        }
    }

    /// Points of the lists at which nobody died.
    fn missing(&self) -> Vec<Aim> {
        let sides = [Side::Before, Side::After];
        let calls = Call::ALL.iter().flat_map(|call| sides.map(|side| (*call, side)));
        let writes = Write::ALL.iter().flat_map(|write| sides.map(|side| (*write, side)));
        let calls = calls.filter(|at| !self.calls.contains_key(at)).map(|(call, side)| Aim::Call(call, side));
        let writes =
            writes.filter(|at| !self.writes.contains_key(at)).map(|(write, side)| Aim::Write(write, side));
        calls.chain(writes).collect()
    }
}

/// One life.
struct Lived {
    /// Points that it had.
    points: usize,
    death: Option<(Point, Side)>,
    wrong: Vec<String>,
}

/// Lives once, with a death after so many points if asked for.
fn live(life: &Life, death: Option<Aim>) -> Lived {
    in_paused_time(async {
        let mut world = World::with(life.wants);
        (life.begin)(&mut world);
        let dropped = || NAMES.iter().zip(life.packages);
        dropped().for_each(|(name, package)| world.drop_package(name, package));
        if let Some(aim) = death {
            world.wire.aim(aim);
        }
        let mut operator = life.operator;
        let mut deaths = world.come_to_rest(&mut operator).await;
        dropped().for_each(|(name, _)| world.take_away(name));
        deaths.extend(world.come_to_rest(&mut operator).await);
        let wrong = wrong_end(life, &world, !deaths.is_empty()).into_iter();
        let wrong = wrong.map(|wrong| format!("{}, died at {deaths:?}: {wrong}", life.name)).collect();
        Lived { points: world.wire.passed(), death: deaths.pop(), wrong }
    })
}

/// What is wrong at the end of a life.
fn wrong_end(life: &Life, world: &World, died: bool) -> Vec<String> {
    let dropped = life.packages.iter().map(|package| digest_of(package)).collect();
    let forgotten = life.ends[0].0.is_empty();
    let mut wrong = if forgotten { Vec::new() } else { world.violations(&dropped) };
    wrong.extend((life.holds)(world).err());
    let jobs = world.jobs();
    let states: Vec<_> = jobs.iter().map(|job| job.state.kind().as_str()).collect();
    let sky = world.cloud.sky();
    let end = (states.as_slice(), sky.products.len(), sky.submissions.len(), sky.labels.len());
    let ends = if died { life.ends } else { &life.ends[..1] };
    if !ends.contains(&end) {
        wrong.push(format!("states, products, submissions, labels are {end:?}, not {ends:?}: {jobs:?}"));
    }
    wrong
}

#[test]
fn a_life_teaches_how_long_things_take() {
    in_paused_time(async {
        let world = World::new();
        world.drop_package("a", LIVES[0].packages[0]);
        world.come_to_rest(&mut |_| None).await;
        let learnt = world.learnt();
        // For the rule and for the account, of the signature and of the labels.
        assert_eq!(learnt.len(), 4, "{learnt:?}");
        for (key, value) in learnt {
            let took: u64 = value.parse().unwrap_or_else(|_| panic!("{key}: {value}"));
            let near = TAKES.mul_f64(0.7).as_millis()..TAKES.mul_f64(1.3).as_millis();
            assert!(near.contains(&u128::from(took)), "{key}: {value}");
        }
    });
}

#[test]
fn a_death_at_any_point_changes_nothing() {
    let undisturbed: Vec<Lived> = LIVES.iter().map(|life| live(life, None)).collect();
    for lived in &undisturbed {
        assert_eq!(lived.wrong, Vec::<String>::new());
    }
    let each = LIVES.iter().zip(&undisturbed);
    let lives: Vec<_> = each
        .flat_map(|(life, lived)| {
            // Two packages pass most points twice, in the way of one.
            let step = 2 * life.packages.len() - 1;
            (0..lived.points + CHANCE).step_by(step).map(move |point| (life, point))
        })
        .collect();
    let (next, deaths, wrong) = (AtomicUsize::new(0), Mutex::new(Deaths::default()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some((life, point)) = lives.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let lived = live(life, Some(Aim::Number(*point)));
                    lived.death.iter().for_each(|at| deaths.lock().expect("deaths").note(at));
                    wrong.lock().expect("wrong").extend(lived.wrong);
                }
            });
        }
    });
    let (mut deaths, mut wrong) = (deaths.into_inner().expect("deaths"), wrong.into_inner().expect("wrong"));
    // Numbers move with the order in which workers come by; what they missed is aimed at by name.
    for aim in deaths.missing() {
        for lived in LIVES.iter().map(|life| live(life, Some(aim))) {
            lived.death.iter().for_each(|at| deaths.note(at));
            wrong.extend(lived.wrong);
        }
    }
    println!(
        "{} lives with a death each, at {} points of calls and {} of writes: {} violations",
        lives.len(),
        deaths.calls.len(),
        deaths.writes.len(),
        wrong.len()
    );
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(deaths.missing(), Vec::<Aim>::new(), "nobody died there: add a life that does");
}
