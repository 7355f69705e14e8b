//! Walks a case through its steps, and compares each with what is expected.

use jiff::Timestamp;

use super::chain_job::{ChainError, ChainJob};
use crate::pipeline::RequestReadiness;
use dropship_glob::Glob;
use dropship_job::{Label, counted};
use dropship_rules::label::Guard;
use dropship_rules::rule_tests::{
    ChainExpect, ChainStep, ChainTrace, Mismatch, RuleTest, compare, fit_each_other,
};
use dropship_rules::{Plan, suggest};

/// Walks the labels of a plan through the steps of a case. `trace` becomes what the case saw of them.
pub(super) fn walk(
    test: &RuleTest,
    plan: &Plan,
    guard: &Guard,
    start: Timestamp,
    trace: &mut ChainTrace,
) -> Vec<Mismatch> {
    let mut differences = Vec::new();
    let mut chain = match ChainJob::start(test, plan, guard, start) {
        Ok(chain) => chain,
        Err(error) => return vec![difference("step", "a walk through time", &error.to_string())],
    };
    for (index, step) in test.steps.iter().enumerate() {
        let mut walk =
            StepWalk { step_name: format!("step {} ({})", index + 1, step.at), differences: Vec::new() };
        let walked = walk.apply_step(&mut chain, step, start);
        if let Err(error) = &walked {
            walk.add_difference("", "an event that can happen", &error.to_string());
        }
        if let (Some(expect), Ok(())) = (&step.expect, &walked) {
            walk.compare(&chain, plan, expect, trace);
        }
        differences.extend(walk.differences);
        if walked.is_err() {
            break;
        }
    }
    differences
}

/// The difference of a case whose package is rejected although steps follow.
pub(super) fn without_plan(test: &RuleTest) -> Vec<Mismatch> {
    let steps = counted(test.steps.len(), "step");
    vec![difference("step", &steps, "the package is rejected")]
}

fn difference(field: &str, expected: &str, found: &str) -> Mismatch {
    Mismatch { field: field.to_owned(), expected: expected.to_owned(), found: found.to_owned() }
}

/// An event of a label at a step. The events of a step are applied in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LabelEvent {
    Published,
    Failed,
    Approved,
}

impl LabelEvent {
    const ALL: [Self; 3] = [Self::Published, Self::Failed, Self::Approved];

    /// The key of a step.
    fn key(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Failed => "failed",
            Self::Approved => "approved",
        }
    }

    fn globs(self, step: &ChainStep) -> &[Glob] {
        match self {
            Self::Published => &step.published,
            Self::Failed => &step.failed,
            Self::Approved => &step.approved,
        }
    }

    fn can_happen(self, label: &Label) -> bool {
        match self {
            Self::Published => label.is_processing(),
            Self::Failed => label.is_processing() || label.is_published(),
            Self::Approved => label.hold().is_some(),
        }
    }

    fn apply(self, chain: &mut ChainJob<'_>, label: usize) -> Result<(), ChainError> {
        match self {
            Self::Published => chain.publish(label),
            Self::Failed => chain.fail(label),
            Self::Approved => chain.approve(label),
        }
    }
}

/// One step of a walk.
struct StepWalk {
    /// Names the step in messages.
    step_name: String,
    differences: Vec<Mismatch>,
}

impl StepWalk {
    fn add_difference(&mut self, field: &str, expected: &str, found: &str) {
        let field =
            if field.is_empty() { self.step_name.clone() } else { format!("{}: {field}", self.step_name) };
        self.differences.push(difference(&field, expected, found));
    }

    /// Lets time pass until the step, then applies its events.
    fn apply_step(
        &mut self,
        chain: &mut ChainJob<'_>,
        step: &ChainStep,
        start: Timestamp,
    ) -> Result<(), ChainError> {
        let time = step.time(start);
        if time < chain.now() {
            let earlier = format!("{time} is before {}, the time that is reached already", chain.now());
            self.add_difference("at", "steps in order of time", &earlier);
        }
        chain.advance(time)?;
        for event in LabelEvent::ALL {
            for glob in event.globs(step) {
                for index in self.affected_labels(chain, event, glob) {
                    event.apply(chain, index)?;
                }
            }
        }
        Ok(())
    }

    /// The labels to which an event applies. A name that fits none is a difference.
    fn affected_labels(&mut self, chain: &ChainJob<'_>, event: LabelEvent, glob: &Glob) -> Vec<usize> {
        let labels = chain.labels();
        let named: Vec<_> = (0..labels.len()).filter(|index| glob.is_match(labels[*index].name())).collect();
        let possible: Vec<_> =
            named.iter().copied().filter(|index| event.can_happen(&labels[*index])).collect();
        if possible.is_empty() {
            let found = match named.as_slice() {
                [] => format!("the labels are {}", suggest::list(labels.iter().map(Label::name))),
                named => describe_labels(chain, named.iter().copied()),
            };
            let expected = match event {
                LabelEvent::Approved => format!("`{glob}` is on hold"),
                LabelEvent::Published | LabelEvent::Failed => format!("`{glob}` is at Microsoft"),
            };
            self.add_difference(event.key(), &expected, &found);
        }
        possible
    }

    fn compare(&mut self, chain: &ChainJob<'_>, plan: &Plan, expect: &ChainExpect, trace: &mut ChainTrace) {
        let labels = chain.labels();
        if let Some(globs) = &expect.requested {
            for (index, label) in labels.iter().enumerate() {
                let waits = label.is_missing()
                    && matches!(chain.readiness(index), RequestReadiness::Later | RequestReadiness::At(_));
                if waits {
                    trace.waiting.insert(index);
                } else if !label.is_missing() {
                    trace.requested.insert(index);
                }
            }
            self.compare_names("requested", chain, globs, |label| !label.is_missing());
        }
        if let Some(globs) = &expect.held {
            self.compare_names("held", chain, globs, |label| label.hold().is_some());
        }
        for (glob, fields) in &expect.label {
            let is_named = |label: &Label| glob.as_ref().is_none_or(|glob| glob.is_match(label.name()));
            let requested =
                labels.iter().zip(&plan.labels).enumerate().filter(|(_, (label, _))| is_named(label));
            let requested = requested
                .filter_map(|(index, (label, planned))| Some((label, planned, chain.request(index)?)));
            let mut requested = requested.peekable();
            if requested.peek().is_none() {
                let pattern = glob.as_ref().map_or("*", Glob::as_str);
                self.add_difference(
                    "label",
                    &format!("a request of `{pattern}`"),
                    &describe_labels(chain, 0..labels.len()),
                );
            }
            for (label, planned, request) in requested {
                let what = format!("{}: label \"{}\"", self.step_name, label.name());
                let requests = [serde_json::to_value(request), serde_json::to_value(planned)];
                let requests: Vec<_> = requests.into_iter().flatten().collect();
                self.differences.extend(compare(&what, fields, &requests));
            }
        }
    }

    fn compare_names(
        &mut self,
        field: &str,
        chain: &ChainJob<'_>,
        globs: &[Glob],
        is_meant: impl Fn(&Label) -> bool,
    ) {
        let labels = chain.labels();
        let names: Vec<_> = labels.iter().filter(|label| is_meant(label)).map(Label::name).collect();
        if fit_each_other(globs, &names) {
            return;
        }
        let others: Vec<_> = (0..labels.len()).filter(|index| !is_meant(&labels[*index])).collect();
        let mut found = suggest::list(names);
        if !others.is_empty() {
            found = format!("{found}; {}", describe_labels(chain, others));
        }
        self.add_difference(field, &suggest::list(globs.iter().map(Glob::as_str)), &found);
    }
}

/// Where labels stand, in words.
fn describe_labels(chain: &ChainJob<'_>, indices: impl IntoIterator<Item = usize>) -> String {
    let standing = |index: usize| {
        let label = chain.labels().get(index)?;
        let standing = match (label.hold(), label.is_missing()) {
            (Some(hold), _) if hold.needed > 1 => format!(
                "is on hold ({}, {} of {} approvals)",
                hold.fault.kind,
                hold.approvals.len(),
                hold.needed
            ),
            (Some(hold), _) => format!("is on hold ({})", hold.fault.kind),
            (None, true) => match chain.readiness(index) {
                RequestReadiness::At(time) => format!("waits until {time:.0}"),
                RequestReadiness::Later => "waits for another label".to_owned(),
                RequestReadiness::Now | RequestReadiness::PredecessorLost(_) => "is not requested".to_owned(),
            },
            (None, false) if label.is_published() => "is published".to_owned(),
            (None, false) if label.failure().is_some() => "has failed".to_owned(),
            (None, false) => "is requested".to_owned(),
        };
        Some(format!("`{}` {standing}", label.name()))
    };
    let all: Vec<_> = indices.into_iter().filter_map(standing).collect();
    all.join("; ")
}
