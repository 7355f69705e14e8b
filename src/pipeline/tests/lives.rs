//! The lives that a package can have.

use std::time::Duration;

use super::cloud::Fault;
use super::material::{Wants, digest_of};
use super::points::Call;
use super::sky::Made;
use super::world::{Deed, World};
use crate::control::JobAction;
use dropship_job::{Fault as Reason, Job, Label, State};

/// A life: what is dropped, what goes wrong, what the operator does, and how it has to end.
pub(super) struct Life {
    pub(super) name: &'static str,
    /// Dropped as `a`, `b` and so on.
    pub(super) packages: &'static [&'static str],
    pub(super) wants: Wants,
    pub(super) begin: fn(&mut World),
    pub(super) operator: fn(&Job) -> Option<Deed>,
    /// How it ends; after a death perhaps in one of the other ways.
    pub(super) ends: &'static [End],
    /// What else has to be true in the end.
    pub(super) holds: fn(&World) -> Result<(), String>,
}

/// State of each job, if they are not forgotten; products, submissions and labels at the service.
pub(super) type End = (&'static [&'static str], usize, usize, usize);

const PLAIN: Wants = Wants { hold: false, supersede: false };
const HELD: Wants = Wants { hold: true, supersede: false };
const SUPERSEDING: Wants = Wants { hold: false, supersede: true };

const MINUTES: Duration = Duration::from_secs(300);

/// Later than the time in which the service is thought to carry calls out, but not much.
const LATER: Duration = Duration::from_secs(700);

/// After a create was repeated.
const LATEST: Duration = Duration::from_secs(1100);

pub(super) const LIVES: [Life; 14] = [
    Life {
        name: "nothing goes wrong",
        packages: &["good-signed"],
        wants: PLAIN,
        begin: |_| {},
        operator: |_| None,
        ends: &[(&["succeeded"], 1, 1, 2)],
        holds: |_| Ok(()),
    },
    Life {
        name: "the answers of all creates are lost",
        packages: &["good-signed"],
        wants: PLAIN,
        begin: |world| every_create(world, Fault::Lost),
        operator: |_| None,
        ends: &[(&["succeeded"], 1, 1, 2)],
        holds: |_| Ok(()),
    },
    Life {
        name: "no create arrives the first time",
        packages: &["good-signed"],
        wants: PLAIN,
        begin: |world| every_create(world, Fault::Never),
        operator: |_| None,
        ends: &[(&["succeeded"], 1, 1, 2)],
        holds: |_| Ok(()),
    },
    Life {
        name: "all creates are carried out late",
        packages: &["good-signed"],
        wants: PLAIN,
        begin: |world| every_create(world, Fault::Late(MINUTES)),
        operator: |_| None,
        ends: &[(&["succeeded"], 1, 1, 2)],
        holds: |_| Ok(()),
    },
    Life {
        name: "every call is refused in every way that passes",
        packages: &["good-signed"],
        wants: PLAIN,
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
        ends: &[(&["succeeded"], 1, 1, 2)],
        holds: |_| Ok(()),
    },
    Life {
        name: "Microsoft refuses, and the operator begins anew",
        packages: &["good-signed"],
        wants: PLAIN,
        begin: |world| world.cloud.sky().refusals = 1,
        operator: |job| {
            matches!(job.state, State::Failed { .. })
                .then_some(Deed::Act(JobAction::Retry { new_product: true }))
        },
        ends: &[(&["succeeded"], 2, 2, 2)],
        holds: |_| Ok(()),
    },
    Life {
        name: "a label waits for its approval, and the file goes away",
        packages: &["good-signed"],
        wants: HELD,
        begin: |world| world.keep = Some(Duration::from_secs(365 * 24 * 3600)),
        operator: |job| {
            matches!(job.state, State::Held { .. }).then_some(Deed::Act(JobAction::Approve { request: None }))
        },
        ends: &[(&["succeeded"], 1, 1, 2)],
        holds: |_| Ok(()),
    },
    Life {
        name: "it is cancelled, and forgotten",
        packages: &["good-signed"],
        wants: HELD,
        begin: |world| world.keep = Some(Duration::ZERO),
        operator: |job| matches!(job.state, State::Held { .. }).then_some(Deed::Act(JobAction::Cancel)),
        ends: &[(&[], 1, 1, 1)],
        holds: |_| Ok(()),
    },
    Life {
        name: "it is unsigned, and the operator insists",
        packages: &["unsigned"],
        wants: PLAIN,
        begin: |_| {},
        operator: |job| {
            let first = matches!(&job.state, State::Rejected { fault: Reason { .. } }) && job.rev < 3;
            first.then_some(Deed::Act(JobAction::Retry { new_product: false }))
        },
        ends: &[(&["rejected"], 0, 0, 0)],
        holds: |_| Ok(()),
    },
    Life {
        name: "a newer driver takes over from an older one",
        packages: &["good-signed", "good-signed-ts"],
        wants: SUPERSEDING,
        begin: |world| {
            world.cloud.sky().versions = [(digest_of("good-signed-ts"), "2.0.0.0")].into();
            world.cloud.script(Call::UpdateLabel, &[Fault::Lost, Fault::Never, Fault::Throttled]);
        },
        operator: |_| None,
        ends: &[(&["succeeded", "succeeded"], 2, 2, 4)],
        holds: |world| {
            let sky = world.cloud.sky();
            let rows = |made: &Made| made.body["targeting"]["hardwareIds"].as_array().map_or(0, Vec::len);
            let left: Vec<_> = sky.labels.values().map(|made| (made.name.as_str(), rows(made))).collect();
            let right = |(name, rows): &(&str, usize)| *rows == usize::from(name.starts_with("b "));
            if left.iter().all(right) {
                Ok(())
            } else {
                Err(format!("labels and their hardware ids: {left:?}"))
            }
        },
    },
    Life {
        name: "a label is withdrawn on its way",
        packages: &["good-signed"],
        wants: PLAIN,
        begin: |_| {},
        operator: |job| {
            let on_its_way = |label: &Label| {
                label.creation.id().is_some() && label.published.is_none() && !label.is_lost()
            };
            match job.state {
                State::Held { .. } => Some(Deed::Act(JobAction::Cancel)),
                State::Waiting { .. } if job.labels.iter().any(on_its_way) => Some(Deed::Withdraw),
                _ => None,
            }
        },
        ends: &[(&["cancelled"], 1, 1, 1)],
        holds: |world| {
            let cancelled = world.cloud.sky().labels.values().all(|made| made.cancelled);
            if cancelled { Ok(()) } else { Err("the label is not withdrawn".to_owned()) }
        },
    },
    Life {
        name: "a label is changed by hand",
        packages: &["good-signed"],
        wants: HELD,
        begin: |_| {},
        operator: |job| matches!(job.state, State::Held { .. }).then_some(Deed::Edit),
        ends: &[(&["succeeded"], 1, 1, 2)],
        holds: |_| Ok(()),
    },
    Life {
        name: "it is cancelled while a create is in doubt, and that comes late",
        packages: &["good-signed"],
        wants: PLAIN,
        begin: |world| world.cloud.script(Call::CreateProduct, &[Fault::Late(LATER)]),
        operator: |job| {
            let waits = matches!(job.state, State::Waiting { .. }) && job.doubt().is_some();
            waits.then_some(Deed::Act(JobAction::Cancel))
        },
        // The call may never have been made; who is nobody's is told of, or it is a violation.
        ends: &[(&["cancelled"], 1, 0, 0), (&["cancelled"], 0, 0, 0)],
        holds: |_| Ok(()),
    },
    Life {
        name: "a repeated create comes late, and the job is cancelled before",
        packages: &["good-signed"],
        wants: PLAIN,
        begin: |world| {
            world.cloud.script(Call::CreateProduct, &[Fault::Late(LATEST), Fault::Lost]);
        },
        operator: |job| {
            let waits = matches!(job.state, State::Waiting { .. }) && !job.ghosts.is_empty();
            waits.then_some(Deed::Act(JobAction::Cancel))
        },
        // What came late may be found before it is repeated, too.
        ends: &[
            (&["cancelled"], 2, 1, 0),
            (&["cancelled"], 2, 0, 0),
            (&["cancelled"], 1, 1, 0),
            (&["succeeded"], 1, 1, 2),
        ],
        holds: |_| Ok(()),
    },
];

fn every_create(world: &World, fault: Fault) {
    for call in [Call::CreateProduct, Call::CreateSubmission, Call::Commit] {
        world.cloud.script(call, &[fault]);
    }
    world.cloud.script(Call::CreateLabel, &[fault, fault]);
}
