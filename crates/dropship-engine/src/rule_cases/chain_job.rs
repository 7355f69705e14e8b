//! A job in virtual time. The service does what the case says; everything else is decided as in the daemon.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::admission::planned_labels;
use crate::pipeline::{
    FailedLabels, PreparedRequest, RequestReadiness, go_live, guard_limits, label_request_fault,
    lost_predecessor, missing_approval,
};
use dropship_hardware::NewShippingLabel;
use dropship_job::{
    Accepted, Event, HoldFault, Illegal, Intent, Job, JobId, Label, LabelHold, Package, RecoveredJob,
    Release, RemoteId, RemoteKind, State, Step, apply,
};
use dropship_package::{Facts, Kind};
use dropship_rules::Plan;
use dropship_rules::label::{Guard, Unforeseen, assumed_audiences};
use dropship_rules::rule_tests::{RuleTest, basis};

/// Maximum number of passes over the labels between two steps. Each pass requests or holds a label, or waits for a later time.
const MAX_PASSES: usize = 10_000;

/// Why the steps of a case cannot be run.
#[derive(Debug, thiserror::Error)]
pub(super) enum ChainError {
    /// The state machine refuses an event.
    #[error(transparent)]
    Illegal(#[from] Illegal),
    /// The job cannot start.
    #[error(transparent)]
    Invalid(#[from] dropship_job::InvalidJob),
}

/// The job of a case, from the signature of its package on.
pub(super) struct ChainJob<'a> {
    test: &'a RuleTest,
    plan: &'a Plan,
    guard: Cow<'a, Guard>,
    facts: Cow<'a, Facts>,
    job: Job,
    now: Timestamp,
    /// When a label can be requested next, as far as it is known.
    due: Option<Timestamp>,
    /// The requests that were sent, by index of their label.
    requests: BTreeMap<usize, NewShippingLabel>,
    /// Number of approvals so far. Each is given by another operator.
    approvals: u32,
}

impl<'a> ChainJob<'a> {
    /// The job of a package that is signed at `now`. The labels that need nothing else are requested.
    pub(super) fn start(
        test: &'a RuleTest,
        plan: &'a Plan,
        guard: &'a Guard,
        now: Timestamp,
    ) -> Result<Self, ChainError> {
        let (guard, facts) = predictable(test, guard);
        let job = signed_job(test, plan, now)?;
        let mut chain =
            Self { test, plan, guard, facts, job, now, due: None, requests: BTreeMap::new(), approvals: 0 };
        chain.pass()?;
        Ok(chain)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    pub(super) fn labels(&self) -> &[Label] {
        self.job.labels()
    }

    /// The request that was sent for a label.
    pub(super) fn request(&self, index: usize) -> Option<&NewShippingLabel> {
        self.requests.get(&index)
    }

    /// Whether a label that was not requested yet can be requested.
    pub(super) fn readiness(&self, index: usize) -> RequestReadiness {
        RequestReadiness::of(&self.job, index, self.now)
    }

    /// Lets time pass. Labels whose time comes are requested at that time.
    pub(super) fn advance(&mut self, to: Timestamp) -> Result<(), ChainError> {
        for _ in 0..MAX_PASSES {
            let Some(due) = self.due.filter(|due| *due <= to) else { break };
            self.now = self.now.max(due);
            self.pass()?;
        }
        self.now = self.now.max(to);
        self.pass()
    }

    /// Microsoft publishes a label.
    pub(super) fn publish(&mut self, label: usize) -> Result<(), ChainError> {
        self.apply(&Event::Published { label })?;
        self.pass()
    }

    /// Microsoft gives up a label.
    pub(super) fn fail(&mut self, label: usize) -> Result<(), ChainError> {
        self.apply(&Event::LabelFailed { label, reason: "failed in this test".to_owned() })?;
        self.pass()
    }

    /// An operator approves a label that is on hold.
    pub(super) fn approve(&mut self, label: usize) -> Result<(), ChainError> {
        let on_hold = self.job.labels().get(label);
        self.approvals += 1;
        let event = Event::Approved {
            by: format!("operator {}", self.approvals),
            uid: self.approvals,
            label: Some(label),
            name: on_hold.map(|label| label.name().to_owned()),
            request: on_hold.and_then(Label::hold).and_then(|hold| hold.request()).map(str::to_owned),
            note: None,
        };
        self.apply(&event)?;
        self.pass()
    }

    fn apply(&mut self, event: &Event) -> Result<(), ChainError> {
        self.job = apply(Some(&self.job), self.job.id(), self.now, event)?;
        Ok(())
    }

    /// One pass over the labels, as in the daemon: each label that may be requested is requested or put on hold.
    fn pass(&mut self) -> Result<(), ChainError> {
        self.due = None;
        if self.job.state().has_ended() {
            return Ok(());
        }
        for index in 0..self.job.labels().len() {
            let label = &self.job.labels()[index];
            if !label.is_missing() || label.hold().is_some() {
                continue;
            }
            match self.readiness(index) {
                RequestReadiness::Later => {}
                RequestReadiness::At(time) => self.due = Some(self.due.map_or(time, |due| due.min(time))),
                RequestReadiness::Now => self.request_or_hold(index)?,
                RequestReadiness::PredecessorLost(predecessor) => {
                    self.hold(index, lost_predecessor(&self.job, index, predecessor))?;
                }
            }
        }
        self.conclude()
    }

    fn request_or_hold(&mut self, index: usize) -> Result<(), ChainError> {
        let Some(planned) = self.plan.labels.get(index) else { return Ok(()) };
        let (label, metadata) = basis(self.test, self.plan, planned);
        let attempt_hold = |fault: HoldFault| LabelHold::new(fault, Release::Attempt, 1);
        let prepared = match PreparedRequest::compute(&label, &metadata, &assumed_audiences(&label), self.now)
        {
            Ok(prepared) => prepared,
            Err(error) => {
                let fault = label_request_fault(&self.job, planned, &error, None);
                return self.hold(index, attempt_hold(fault));
            }
        };
        let limits = match guard_limits(&self.guard, &prepared.request, &label, self.plan, &self.facts) {
            Ok(limits) => limits,
            Err(fault) => return self.hold(index, attempt_hold(fault)),
        };
        if let Some(hold) = missing_approval(&self.job, index, planned, &prepared, &limits) {
            return self.hold(index, hold);
        }
        self.send(index, prepared)
    }

    fn hold(&mut self, label: usize, hold: LabelHold) -> Result<(), ChainError> {
        let LabelHold { fault, release, .. } = hold;
        self.apply(&Event::LabelHeld { label, fault, release })
    }

    fn send(&mut self, index: usize, prepared: PreparedRequest) -> Result<(), ChainError> {
        let intent = Intent::new(&*prepared.request.name, prepared.digest, self.now);
        self.apply(&Event::Intended { kind: RemoteKind::Label(index), intent })?;
        let go_live = go_live(prepared.request.publishing_specifications.as_ref());
        let id = RemoteId::new(u64::try_from(index).unwrap_or(u64::MAX).saturating_add(1));
        self.apply(&Event::Created { kind: RemoteKind::Label(index), id, adopted: false, go_live })?;
        self.requests.insert(index, prepared.request);
        Ok(())
    }

    fn conclude(&mut self) -> Result<(), ChainError> {
        let is_complete = !self.job.labels().iter().any(Label::is_missing);
        if is_complete && self.job.step() == Step::Label {
            self.apply(&Event::Labelled)?;
        }
        match FailedLabels::of(&self.job, self.due.is_some()) {
            FailedLabels::EndTheJob(fault) => self.apply(&Event::Failed { fault }),
            FailedLabels::Hold(holds) => {
                holds.into_iter().try_for_each(|(index, hold)| self.hold(index, hold))
            }
        }
    }
}

/// The limits, and the facts from which the targets of a label are predicted.
fn predictable<'a>(test: &'a RuleTest, guard: &'a Guard) -> (Cow<'a, Guard>, Cow<'a, Facts>) {
    let is_described = test.facts.infs.iter().any(|inf| !inf.hardware_ids.is_empty());
    let guard = match (test.knows_targets(), is_described) {
        (true, true) => Cow::Borrowed(guard),
        // The case describes no targets of a .cab that could be predicted. The targets of an .hlkx are never predicted.
        (true, false) if test.facts.kind == Kind::Cab => {
            Cow::Owned(Guard { unforeseen: Unforeseen::Allow, ..guard.clone() })
        }
        (true, false) => Cow::Borrowed(guard),
        (false, _) => {
            let unforeseen = match test.facts.kind {
                Kind::Cab => Unforeseen::Allow,
                Kind::Hlkx => guard.unforeseen,
            };
            Cow::Owned(Guard { hardware_ids: Vec::new(), max_targets: None, unforeseen, ..guard.clone() })
        }
    };
    let facts = match test.facts.kind {
        Kind::Cab => Cow::Borrowed(&test.facts),
        Kind::Hlkx => Cow::Owned(Facts { infs: Vec::new(), ..test.facts.clone() }),
    };
    (guard, facts)
}

/// The job of a package that is signed, and of which no label is requested.
fn signed_job(test: &RuleTest, plan: &Plan, now: Timestamp) -> Result<Job, ChainError> {
    let id = JobId::new(0, 0);
    let package = Package {
        name: test.file.clone(),
        path: None,
        folder: test.folder.clone(),
        sha256: test.sha256.clone(),
        size: test.facts.size,
        outbox: String::new(),
    };
    let accepted = Accepted {
        rule: plan.rule.clone(),
        account: plan.account.clone(),
        plan: None,
        content: None,
        warnings: Vec::new(),
        vars: test.vars.clone(),
    };
    Ok(Job::recovered(RecoveredJob {
        id,
        created: now,
        updated: now,
        package,
        accepted: Some(accepted),
        step: Step::Label,
        state: State::Queued,
        product: Some(RemoteId::new(1)),
        abandoned_products: Vec::new(),
        submission: Some(RemoteId::new(1)),
        workflow: None,
        files: Vec::new(),
        labels: planned_labels(plan).into_iter().map(Label::planned).collect(),
        signed: None,
        fault: None,
    })?)
}
