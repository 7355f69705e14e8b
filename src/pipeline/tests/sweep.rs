//! The crash sweep: for each life that a package can have, the daemon dies once at every point of it, and the next one
//! has to end it as if nothing had been.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::cloud::Fault;
use super::points::{Aim, Call, Point, Side, Write};
use super::world::{World, digest_of, in_paused_time};
use crate::control::Act;
use crate::job::{Fault as Reason, Job, State};

/// A life: what is dropped, what goes wrong, what the operator does, and how it has to end.
struct Life {
    name: &'static str,
    package: &'static str,
    hold: bool,
    begin: fn(&mut World),
    operator: fn(&Job) -> Option<Act>,
    /// State of the job; products, submissions and labels at the service. No state: the job is forgotten.
    end: (Option<&'static str>, usize, usize, usize),
}

const MINUTES: Duration = Duration::from_secs(300);

const LIVES: [Life; 9] = [
    Life {
        name: "nothing goes wrong",
        package: "good-signed",
        hold: false,
        begin: |_| {},
        operator: |_| None,
        end: (Some("succeeded"), 1, 1, 2),
    },
    Life {
        name: "the answers of all creates are lost",
        package: "good-signed",
        hold: false,
        begin: |world| every_create(world, Fault::Lost),
        operator: |_| None,
        end: (Some("succeeded"), 1, 1, 2),
    },
    Life {
        name: "no create arrives the first time",
        package: "good-signed",
        hold: false,
        begin: |world| every_create(world, Fault::Never),
        operator: |_| None,
        end: (Some("succeeded"), 1, 1, 2),
    },
    Life {
        name: "all creates are carried out late",
        package: "good-signed",
        hold: false,
        begin: |world| every_create(world, Fault::Late(MINUTES)),
        operator: |_| None,
        end: (Some("succeeded"), 1, 1, 2),
    },
    Life {
        name: "every call is refused in every way that passes",
        package: "good-signed",
        hold: false,
        begin: |world| {
            for call in Call::ALL {
                world.cloud.script(*call, &[Fault::Throttled, Fault::Unsent]);
            }
            for call in [Call::Submission, Call::Products, Call::Labels, Call::Label, Call::Download] {
                world.cloud.script(call, &[Fault::Down]);
            }
            world.cloud.script(Call::CreateSubmission, &[Fault::Forbidden]);
            world.cloud.script(Call::Probe, &[Fault::Forbidden]);
        },
        operator: |_| None,
        end: (Some("succeeded"), 1, 1, 2),
    },
    Life {
        name: "Microsoft refuses, and the operator begins anew",
        package: "good-signed",
        hold: false,
        begin: |world| world.cloud.sky().refusals = 1,
        operator: |job| matches!(job.state, State::Failed { .. }).then_some(Act::Retry { new_product: true }),
        end: (Some("succeeded"), 2, 2, 2),
    },
    Life {
        name: "a label waits for its approval, and the file goes away",
        package: "good-signed",
        hold: true,
        begin: |world| world.keep = Some(Duration::from_secs(365 * 24 * 3600)),
        operator: |job| matches!(job.state, State::Held { .. }).then_some(Act::Approve { request: None }),
        end: (Some("succeeded"), 1, 1, 2),
    },
    Life {
        name: "it is cancelled, and forgotten",
        package: "good-signed",
        hold: true,
        begin: |world| world.keep = Some(Duration::ZERO),
        operator: |job| matches!(job.state, State::Held { .. }).then_some(Act::Cancel),
        end: (None, 1, 1, 1),
    },
    Life {
        name: "it is unsigned, and the operator insists",
        package: "unsigned",
        hold: false,
        begin: |_| {},
        operator: |job| {
            let first = matches!(&job.state, State::Rejected { fault: Reason { .. } }) && job.rev < 3;
            first.then_some(Act::Retry { new_product: false })
        },
        end: (Some("rejected"), 0, 0, 0),
    },
];

/// Points that a life can have more or less by chance: delays are spread, so some have a look more than others.
const CHANCE: usize = 16;

fn every_create(world: &World, fault: Fault) {
    for call in [Call::CreateProduct, Call::CreateSubmission, Call::Commit] {
        world.cloud.script(call, &[fault]);
    }
    world.cloud.script(Call::CreateLabel, &[fault, fault]);
}

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
        let mut world = World::with(life.hold);
        (life.begin)(&mut world);
        world.drop_package("a", life.package);
        if let Some(aim) = death {
            world.wire.aim(aim);
        }
        let mut operator = life.operator;
        let mut deaths = world.come_to_rest(&mut operator).await;
        world.take_away("a");
        deaths.extend(world.come_to_rest(&mut operator).await);
        let wrong = wrong_end(life, &world).into_iter();
        let wrong = wrong.map(|wrong| format!("{}, died at {deaths:?}: {wrong}", life.name)).collect();
        Lived { points: world.wire.passed(), death: deaths.pop(), wrong }
    })
}

/// What is wrong at the end of a life.
fn wrong_end(life: &Life, world: &World) -> Vec<String> {
    let (state, products, submissions, labels) = life.end;
    let mut wrong = match state {
        Some(_) => world.violations(&[digest_of(life.package)].into()),
        None => Vec::new(),
    };
    let jobs = world.jobs();
    let states: Vec<_> = jobs.iter().map(|job| job.state.as_str()).collect();
    if states != state.into_iter().collect::<Vec<_>>() {
        wrong.push(format!("the jobs are {states:?} instead of {state:?}: {jobs:?}"));
    }
    let sky = world.cloud.sky();
    let there = (sky.products.len(), sky.submissions.len(), sky.labels.len());
    if there != (products, submissions, labels) {
        wrong.push(format!("products, submissions, labels at the service: {there:?}"));
    }
    wrong
}

#[test]
fn a_death_at_any_point_changes_nothing() {
    let undisturbed: Vec<Lived> = LIVES.iter().map(|life| live(life, None)).collect();
    for lived in &undisturbed {
        assert_eq!(lived.wrong, Vec::<String>::new());
    }
    let each = LIVES.iter().zip(&undisturbed);
    let lives: Vec<_> =
        each.flat_map(|(life, lived)| (0..lived.points + CHANCE).map(move |point| (life, point))).collect();
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
