//! The scenarios of the crash sweep: one table, so that a reader sees what is covered.

use std::time::Duration;

use super::crash_points::Call;
use super::fake_service::Fault;
use super::fixtures::{RuleOptions, digest_of, fixture};
use super::service_state::RemoteObject;
use super::simulation::{OperatorAction, Simulation};
use crate::operations::{Approval, JobAction};
use dropship_job::{ErrorKind, Fault as Reason, Job, Label, RemoteKind, State};

/// A scenario: packages, faults, the acts of the operator, and the legal ends.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    /// Packages, dropped as `a`, `b` and so on.
    pub(super) packages: &'static [&'static str],
    pub(super) options: RuleOptions,
    pub(super) begin: fn(&mut Simulation),
    pub(super) operator: fn(&Job) -> Option<OperatorAction>,
    /// The end without a crash, then further ends that are legal after a crash.
    pub(super) ends: &'static [End],
    /// A further condition of the end.
    pub(super) holds: fn(&Simulation) -> Result<(), String>,
}

/// The state of each job that is not pruned; the numbers of products, submissions and labels at the service.
pub(super) type End = (&'static [&'static str], usize, usize, usize);

const PLAIN: RuleOptions =
    RuleOptions { hold: 0, supersede: false, audit: false, has_fixed_date: false, ring_date: None };
const HELD: RuleOptions = RuleOptions { hold: 1, ..PLAIN };
const HELD_FOR_TWO: RuleOptions = RuleOptions { hold: 2, ..PLAIN };
const AUDITED: RuleOptions = RuleOptions { audit: true, ..PLAIN };
const DATED: RuleOptions = RuleOptions { has_fixed_date: true, ..PLAIN };
const SUPERSEDING: RuleOptions = RuleOptions { supersede: true, ..PLAIN };

/// Within the time in which the service may still carry out a call (`uncertain`, 10 minutes).
const WITHIN_UNCERTAIN: Duration = Duration::from_secs(300);

/// Shortly after `uncertain` has passed.
const AFTER_UNCERTAIN: Duration = Duration::from_secs(700);

/// After the create was called again.
const AFTER_REPEAT: Duration = Duration::from_secs(1100);

/// Minutes from the start to a moment between the request of the first label and the end of `uncertain`.
const RING_DATE: i64 = 42;

pub(super) const SCENARIOS: [Scenario; 30] = [
    Scenario {
        name: "no fault",
        packages: &["good-signed"],
        options: PLAIN,
        begin: |_| {},
        operator: |_| None,
        ends: &[(&["succeeded"], 1, 1, 2)],
        holds: |_| Ok(()),
    },
    Scenario {
        name: "the responses to all creates are lost",
        packages: &["good-signed"],
        options: PLAIN,
        begin: |sim| every_create(sim, Fault::ResponseLost),
        operator: |_| None,
        ends: &[(&["succeeded"], 1, 1, 2)],
        holds: |_| Ok(()),
    },
    Scenario {
        name: "the first request of each create is lost",
        packages: &["good-signed"],
        options: PLAIN,
        begin: |sim| every_create(sim, Fault::RequestLost),
        operator: |_| None,
        ends: &[(&["succeeded"], 1, 1, 2)],
        holds: |_| Ok(()),
    },
    Scenario {
        name: "all creates take effect late",
        packages: &["good-signed"],
        options: PLAIN,
        begin: |sim| every_create(sim, Fault::Delayed(WITHIN_UNCERTAIN)),
        operator: |_| None,
        ends: &[(&["succeeded"], 1, 1, 2)],
        holds: |_| Ok(()),
    },
    Scenario {
        name: "the list of products is incomplete, a response is lost, and the operator lets the job use the product",
        packages: &["good-signed"],
        options: PLAIN,
        begin: |sim| {
            sim.service.state().cut_product_list = true;
            sim.service.script(Call::CreateProduct, &[Fault::ResponseLost]);
        },
        operator: approve_held,
        ends: &[(&["succeeded"], 1, 1, 2)],
        holds: |_| Ok(()),
    },
    Scenario {
        name: "the list of products is incomplete, a request is lost, and the operator lets the job repeat it",
        packages: &["good-signed"],
        options: PLAIN,
        begin: |sim| {
            sim.service.state().cut_product_list = true;
            sim.service.script(Call::CreateProduct, &[Fault::RequestLost]);
        },
        operator: approve_held,
        ends: &[(&["succeeded"], 1, 1, 2)],
        holds: |_| Ok(()),
    },
    Scenario {
        name: "every call fails once in each transient way",
        packages: &["good-signed"],
        options: PLAIN,
        begin: |sim| {
            for call in Call::ALL {
                sim.service.script(*call, &[Fault::Throttled, Fault::NotSent]);
            }
            for call in [Call::Submission, Call::Products, Call::Labels, Call::Label, Call::Download] {
                sim.service.script(call, &[Fault::Unavailable]);
            }
            sim.service.script(Call::CreateSubmission, &[Fault::Forbidden]);
            sim.service.script(Call::Probe, &[Fault::Forbidden]);
        },
        operator: |_| None,
        ends: &[(&["succeeded"], 1, 1, 2)],
        holds: |_| Ok(()),
    },
    Scenario {
        name: "the submission fails, and the operator retries with a new product",
        packages: &["good-signed"],
        options: PLAIN,
        begin: |sim| sim.service.state().refusals = 1,
        operator: |job| {
            matches!(job.state(), State::Failed { .. })
                .then_some(OperatorAction::Act(JobAction::Retry { new_product: true }))
        },
        ends: &[(&["succeeded"], 2, 2, 2)],
        holds: |_| Ok(()),
    },
    Scenario {
        name: "the submission was committed by a run that the restored store does not know",
        packages: &["good-signed"],
        options: PLAIN,
        begin: |sim| sim.service.state().committed_before = Some(fixture("cab/good-signed.cab")),
        operator: |_| None,
        ends: &[(&["succeeded"], 1, 1, 2)],
        holds: |_| Ok(()),
    },
    Scenario {
        name: "a submission that such a run has committed is rejected",
        packages: &["good-signed"],
        options: PLAIN,
        begin: |sim| {
            sim.service.state().committed_before = Some(fixture("cab/good-signed.cab"));
            sim.service.state().refusals = 1;
        },
        operator: |_| None,
        ends: &[(&["failed"], 1, 1, 0)],
        holds: |_| Ok(()),
    },
    Scenario {
        name: "the submission was committed with another package, and the operator cancels",
        packages: &["good-signed"],
        options: PLAIN,
        begin: |sim| sim.service.state().committed_before = Some(fixture("cab/good-signed-ts.cab")),
        operator: |job| match job.state() {
            State::Held { fault, .. } if fault.kind == ErrorKind::CommittedElsewhere => {
                Some(OperatorAction::Act(JobAction::Cancel))
            }
            _ => None,
        },
        ends: &[(&["cancelled"], 1, 1, 0)],
        holds: |_| Ok(()),
    },
    Scenario {
        name: "a label waits for its approval, and the file is removed",
        packages: &["good-signed"],
        options: HELD,
        begin: |sim| sim.keep = Some(Duration::from_secs(365 * 24 * 3600)),
        operator: |job| matches!(job.state(), State::Held { .. }).then(approve),
        ends: &[(&["succeeded"], 1, 1, 2)],
        holds: |_| Ok(()),
    },
    Scenario {
        name: "a label waits for two operators",
        packages: &["good-signed"],
        options: HELD_FOR_TWO,
        begin: |_| {},
        operator: |job| matches!(job.state(), State::Held { .. }).then(approve),
        ends: &[(&["succeeded"], 1, 1, 2)],
        holds: |sim| {
            let jobs = sim.jobs();
            let approvals = sim.approvals(&jobs[0]);
            if approvals == 2 { Ok(()) } else { Err(format!("{approvals} approvals")) }
        },
    },
    Scenario {
        name: "a published label is withdrawn elsewhere, and the operator acknowledges it",
        packages: &["good-signed"],
        options: AUDITED,
        begin: |_| {},
        operator: |job| {
            let label = job.labels().first()?;
            match job.state() {
                State::Succeeded if label.is_published() => Some(OperatorAction::WithdrawElsewhere),
                State::Succeeded if label.unacknowledged_drift().is_some() => Some(approve()),
                _ => None,
            }
        },
        ends: &[(&["succeeded"], 1, 1, 2)],
        holds: |sim| {
            let jobs = sim.jobs();
            let [withdrawn, kept] = jobs[0].labels() else { return Err("the job has two labels".to_owned()) };
            let is_acknowledged = withdrawn.drift().is_some() && withdrawn.unacknowledged_drift().is_none();
            let remembered = sim.published_labels();
            match withdrawn.is_gone()
                && is_acknowledged
                && kept.is_published()
                && remembered == kept.id().into_iter().collect()
            {
                true => Ok(()),
                false => Err(format!("{withdrawn:?}, {kept:?}, remembered {remembered:?}")),
            }
        },
    },
    Scenario {
        name: "the job is cancelled and pruned",
        packages: &["good-signed"],
        options: HELD,
        begin: |sim| sim.keep = Some(Duration::ZERO),
        operator: |job| {
            matches!(job.state(), State::Held { .. }).then_some(OperatorAction::Act(JobAction::Cancel))
        },
        ends: &[(&[], 1, 1, 1)],
        holds: |_| Ok(()),
    },
    Scenario {
        name: "the package is unsigned, and the operator retries",
        packages: &["unsigned"],
        options: PLAIN,
        begin: |_| {},
        operator: |job| {
            let first = matches!(job.state(), State::Rejected { fault: Reason { .. } }) && job.rev() < 3;
            first.then_some(OperatorAction::Act(JobAction::Retry { new_product: false }))
        },
        ends: &[(&["rejected"], 0, 0, 0)],
        holds: |_| Ok(()),
    },
    Scenario {
        name: "a newer driver supersedes an older one",
        packages: &["good-signed", "good-signed-ts"],
        options: SUPERSEDING,
        begin: |sim| {
            sim.service.state().versions = [(digest_of("good-signed-ts"), "2.0.0.0")].into();
            sim.service
                .script(Call::UpdateLabel, &[Fault::ResponseLost, Fault::RequestLost, Fault::Throttled]);
        },
        operator: |_| None,
        ends: &[(&["succeeded", "succeeded"], 2, 2, 4)],
        holds: |sim| {
            let remote = sim.service.state();
            let rows = |object: &RemoteObject| {
                object.body["targeting"]["hardwareIds"].as_array().map_or(0, Vec::len)
            };
            let remaining: Vec<_> =
                remote.labels.values().map(|object| (object.name.as_str(), rows(object))).collect();
            let is_expected = |(name, rows): &(&str, usize)| *rows == usize::from(name.starts_with("b "));
            if remaining.iter().all(is_expected) {
                Ok(())
            } else {
                Err(format!("labels and their hardware ids: {remaining:?}"))
            }
        },
    },
    Scenario {
        name: "a label is withdrawn before it is published",
        packages: &["good-signed"],
        options: PLAIN,
        begin: |_| {},
        operator: |job| match job.state() {
            State::Held { .. } => Some(OperatorAction::Act(JobAction::Cancel)),
            State::Waiting { .. } if job.labels().iter().any(Label::is_processing) => {
                Some(OperatorAction::Withdraw)
            }
            _ => None,
        },
        ends: &[(&["cancelled"], 1, 1, 1)],
        holds: |sim| {
            let cancelled = sim.service.state().labels.values().all(|object| object.is_cancelled);
            if cancelled { Ok(()) } else { Err("the label is not withdrawn".to_owned()) }
        },
    },
    Scenario {
        name: "an operator edits a label",
        packages: &["good-signed"],
        options: HELD,
        begin: |_| {},
        operator: |job| matches!(job.state(), State::Held { .. }).then_some(OperatorAction::Edit),
        ends: &[(&["succeeded"], 1, 1, 2)],
        holds: |_| Ok(()),
    },
    Scenario {
        name: "the job is cancelled while a create is in doubt, and the create takes effect late",
        packages: &["good-signed"],
        options: PLAIN,
        begin: |sim| sim.service.script(Call::CreateProduct, &[Fault::Delayed(AFTER_UNCERTAIN)]),
        operator: |job| {
            let waits = matches!(job.state(), State::Waiting { .. }) && job.doubt().is_some();
            waits.then_some(OperatorAction::Act(JobAction::Cancel))
        },
        // The create may not have been called. If it was, its product is reported as a late duplicate.
        ends: &[(&["cancelled"], 1, 0, 0), (&["cancelled"], 0, 0, 0)],
        holds: |_| Ok(()),
    },
    Scenario {
        name: "a repeated create takes effect late, and the job is cancelled before that",
        packages: &["good-signed"],
        options: PLAIN,
        begin: |sim| {
            sim.service.script(Call::CreateProduct, &[Fault::Delayed(AFTER_REPEAT), Fault::ResponseLost]);
        },
        operator: |job| {
            let waits = matches!(job.state(), State::Waiting { .. }) && !job.duplicate_checks().is_empty();
            waits.then_some(OperatorAction::Act(JobAction::Cancel))
        },
        // The delayed product may be found before the create is called again.
        ends: &[
            (&["cancelled"], 2, 1, 0),
            (&["cancelled"], 2, 0, 0),
            (&["cancelled"], 1, 1, 0),
            (&["succeeded"], 1, 1, 2),
        ],
        holds: |_| Ok(()),
    },
    Scenario {
        name: "the job is cancelled while the create of a label is in doubt, and the label appears",
        packages: &["good-signed"],
        options: PLAIN,
        begin: |sim| sim.service.script(Call::CreateLabel, &[Fault::Delayed(WITHIN_UNCERTAIN)]),
        operator: |job| {
            // A crash can leave the create of the product or submission in doubt: that is another scenario.
            let of_label = matches!(job.doubt(), Some((RemoteKind::Label(_), _)));
            let waits = matches!(job.state(), State::Waiting { .. }) && of_label;
            waits.then_some(OperatorAction::Act(JobAction::Cancel))
        },
        ends: &[(&["cancelled"], 1, 1, 1), (&["cancelled"], 1, 1, 0), (&["succeeded"], 1, 1, 2)],
        holds: |sim| withdrawn_if_cancelled(sim),
    },
    Scenario {
        name: "the service does not let a label of a cancelled job go at first",
        packages: &["good-signed"],
        options: PLAIN,
        begin: |sim| sim.service.script(Call::CancelLabel, &[Fault::Rejected]),
        operator: cancel_with_label,
        ends: &[(&["cancelled"], 1, 1, 1)],
        holds: |sim| withdrawn_if_cancelled(sim),
    },
    Scenario {
        name: "a label of a cancelled job is published before it can be withdrawn",
        packages: &["good-signed"],
        options: PLAIN,
        begin: |sim| sim.service.script(Call::CancelLabel, &[Fault::Rejected; 20]),
        operator: cancel_with_label,
        ends: &[(&["cancelled"], 1, 1, 1)],
        holds: |_| Ok(()),
    },
    Scenario {
        name: "a repeated create of a label takes effect late, and the duplicate is withdrawn",
        packages: &["good-signed"],
        options: PLAIN,
        begin: |sim| {
            sim.service.script(Call::CreateLabel, &[Fault::Delayed(AFTER_REPEAT), Fault::ResponseLost]);
        },
        operator: |_| None,
        // The delayed label may be found before the create is sent again.
        ends: &[(&["succeeded"], 1, 1, 3), (&["succeeded"], 1, 1, 2)],
        holds: |sim| {
            let remaining = sim.service.state().labels.values().filter(|object| !object.is_cancelled).count();
            if remaining == 2 { Ok(()) } else { Err(format!("{remaining} labels go out")) }
        },
    },
    Scenario {
        name: "Microsoft refuses a label, and the operator retries",
        packages: &["good-signed"],
        options: PLAIN,
        begin: |sim| sim.service.state().label_refusals = 1,
        operator: |job| {
            let is_held = matches!(job.state(), State::Held { .. });
            is_held.then_some(OperatorAction::Act(JobAction::Retry { new_product: false }))
        },
        ends: &[(&["succeeded"], 1, 1, 3)],
        holds: |_| Ok(()),
    },
    Scenario {
        name: "the service refuses the product although the account works, and the operator approves",
        packages: &["good-signed"],
        options: PLAIN,
        begin: |sim| sim.service.script(Call::CreateProduct, &[Fault::Forbidden, Fault::Forbidden]),
        operator: |job| matches!(job.state(), State::Held { .. }).then(approve),
        ends: &[(&["succeeded"], 1, 1, 2)],
        holds: |_| Ok(()),
    },
    Scenario {
        name: "the fixed go-live date of a label passes while it waits",
        packages: &["good-signed"],
        options: DATED,
        begin: |_| {},
        operator: |job| {
            let State::Held { fault, .. } = job.state() else { return None };
            (fault.kind == ErrorKind::GoLivePassed).then_some(OperatorAction::Act(JobAction::Cancel))
        },
        ends: &[(&["cancelled"], 1, 1, 1)],
        holds: |_| Ok(()),
    },
    Scenario {
        name: "the create of a label takes effect late, its fixed go-live date passes, and the operator cancels",
        packages: &["good-signed"],
        options: RuleOptions { ring_date: Some(RING_DATE), ..PLAIN },
        begin: |sim| sim.service.script(Call::CreateLabel, &[Fault::Delayed(WITHIN_UNCERTAIN)]),
        operator: |job| {
            let is_in_doubt = job.labels().iter().any(|label| label.intent().is_some());
            let is_cancelled = *job.state() == State::Cancelled;
            (is_in_doubt && !is_cancelled).then_some(OperatorAction::Act(JobAction::Cancel))
        },
        // A crash may come right before the request. After it, the date may pass before the request.
        ends: &[(&["cancelled"], 1, 1, 1), (&["cancelled"], 1, 1, 0), (&["held"], 1, 1, 0)],
        holds: withdrawn_if_cancelled,
    },
    Scenario {
        name: "the create of a label takes effect late, and its fixed go-live date passes before the label is found",
        packages: &["good-signed"],
        options: RuleOptions { ring_date: Some(RING_DATE), ..PLAIN },
        begin: |sim| sim.service.script(Call::CreateLabel, &[Fault::Delayed(WITHIN_UNCERTAIN)]),
        operator: |_| None,
        ends: &[(&["succeeded"], 1, 1, 2), (&["held"], 1, 1, 0)],
        holds: |_| Ok(()),
    },
];

/// Approves whatever the job is held for.
fn approve() -> OperatorAction {
    OperatorAction::Act(JobAction::Approve(Approval::default()))
}

/// Cancels the job while Microsoft processes a label.
fn cancel_with_label(job: &Job) -> Option<OperatorAction> {
    let waits = matches!(job.state(), State::Waiting { .. }) && job.labels().iter().any(Label::is_processing);
    waits.then_some(OperatorAction::Act(JobAction::Cancel))
}

/// Every label of a cancelled job is withdrawn.
fn withdrawn_if_cancelled(sim: &Simulation) -> Result<(), String> {
    let is_cancelled = sim.jobs().iter().any(|job| *job.state() == State::Cancelled);
    let remaining = sim.service.state().labels.values().filter(|object| !object.is_cancelled).count();
    if is_cancelled && remaining > 0 { Err(format!("{remaining} labels are not withdrawn")) } else { Ok(()) }
}

fn every_create(sim: &Simulation, fault: Fault) {
    for call in [Call::CreateProduct, Call::CreateSubmission, Call::Commit] {
        sim.service.script(call, &[fault]);
    }
    sim.service.script(Call::CreateLabel, &[fault, fault]);
}

fn approve_held(job: &Job) -> Option<OperatorAction> {
    matches!(job.state(), State::Held { .. }).then(approve)
}
