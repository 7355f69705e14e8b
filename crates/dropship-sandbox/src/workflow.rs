//! The progress of submissions and labels, computed from the elapsed working time and never stored.

use std::time::Duration;

use crate::options::{Options, Wait};
use crate::package::package_facts::StepFailure;
use crate::quirks::{Quirk, Quirks};
use crate::state::{Label, Submission};

/// A step that the documentation does not name; it takes time by quirk only.
const UNKNOWN_STEP: &str = "complianceCheck";

/// The steps of a submission and their shares of the time to sign.
const SUBMISSION: &[(&str, u32)] = &[
    ("packageInfoValidation", 5),
    ("preparation", 10),
    ("scanning", 15),
    ("validation", 25),
    (UNKNOWN_STEP, 0),
    ("catalogCreation", 15),
    ("manualReview", 0),
    ("signing", 20),
    ("finalizeIngestion", 10),
];

/// The steps of a label for Windows Update and their shares of the time to publish.
const WINDOWS_UPDATE: &[(&str, u32)] = &[
    ("created", 0),
    ("preProcessShippingLabel", 10),
    ("finalizePreProcessing", 5),
    ("publishJobValidation", 10),
    (UNKNOWN_STEP, 0),
    ("updateGeneration", 15),
    ("microsoftApproval", 30),
    ("publishing", 25),
    ("finalizePublishing", 5),
];

/// The steps of a label for a partner.
const PARTNER: &[(&str, u32)] = &[
    ("created", 0),
    ("preProcessShippingLabel", 25),
    ("finalizePreProcessing", 20),
    ("publishJobValidation", 25),
    (UNKNOWN_STEP, 0),
    ("processSharing", 20),
    ("finalizeSharing", 10),
];

/// The progress of a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WorkflowProgress {
    pub(crate) step: &'static str,
    pub(crate) state: &'static str,
    /// Working time since the last step was completed.
    pub(crate) since_done: Option<Duration>,
    /// Why it failed.
    pub(crate) failed: Option<String>,
}

impl WorkflowProgress {
    pub(crate) fn is_done(&self) -> bool {
        self.since_done.is_some()
    }
}

/// Steps with their working times.
struct StepTimes(Vec<(&'static str, Duration)>);

impl StepTimes {
    fn new(steps: &[(&'static str, u32)], total: Duration) -> Self {
        Self(steps.iter().map(|(step, share)| (*step, total * *share / 100)).collect())
    }

    /// Working time from the start of the workflow to the start of a step.
    fn start_of(&self, step: &str) -> Duration {
        self.0
            .iter()
            .take_while(|(name, _)| *name != step)
            .fold(Duration::ZERO, |sum, (_, span)| sum.saturating_add(*span))
    }

    /// Extends a step by a wait, or until `released` if the wait has ended.
    fn extend(&mut self, step: &str, wait: Wait, began: Duration, released: Option<Duration>) {
        let start = began.saturating_add(self.start_of(step));
        let extra = match (wait, released) {
            (Wait::None, _) => return,
            (_, Some(released)) => released.saturating_sub(start),
            (Wait::For(span), None) => span,
            (Wait::UntilReleased, None) => Duration::MAX,
        };
        for (name, span) in &mut self.0 {
            if *name == step {
                *span = span.saturating_add(extra);
            }
        }
    }

    /// By quirk, the undocumented step takes a twentieth of the workflow's time.
    fn extend_unknown_step(&mut self, total: Duration, quirks: Quirks) {
        if quirks.has(Quirk::UnknownSteps) {
            self.extend(UNKNOWN_STEP, Wait::For(total / 20), Duration::ZERO, None);
        }
    }

    fn progress(&self, elapsed: Duration, fails: Option<&StepFailure>, quirks: Quirks) -> WorkflowProgress {
        let mut remaining = elapsed;
        let mut last = "";
        for (step, span) in self.0.iter().filter(|(_, span)| !span.is_zero()) {
            last = step;
            if remaining < *span {
                let state = if quirks.has(Quirk::IntermediateCompleted) && remaining > *span / 4 * 3 {
                    "completed"
                } else if quirks.has(Quirk::UnknownStates) && remaining < *span / 2 {
                    "queued"
                } else if remaining < *span / 10 {
                    "notStarted"
                } else {
                    "started"
                };
                // Clients take a completed last step for the end of the workflow.
                let is_last_step = *step == "finalizeIngestion"
                    || step.starts_with("finalizePub")
                    || *step == "finalizeSharing";
                let state = if is_last_step && state == "completed" { "started" } else { state };
                return WorkflowProgress { step, state, since_done: None, failed: None };
            }
            if let Some(failure) = fails.filter(|failure| failure.step == *step) {
                return WorkflowProgress {
                    step,
                    state: "failed",
                    since_done: None,
                    failed: Some(failure.message.clone()),
                };
            }
            remaining -= *span;
        }
        WorkflowProgress { step: last, state: "completed", since_done: Some(remaining), failed: None }
    }
}

/// The progress of a submission; `None` before its commit.
pub(crate) fn submission(sub: &Submission, now: Duration, options: &Options) -> Option<WorkflowProgress> {
    let committed = sub.committed?;
    let mut plan = StepTimes::new(SUBMISSION, options.sign);
    plan.extend_unknown_step(options.sign, options.quirks);
    plan.extend("manualReview", options.review, committed, sub.review_released);
    let failure = sub.facts.get().and_then(|analysis| analysis.failure.clone());
    let mut progress = plan.progress(now.saturating_sub(committed), failure.as_ref(), options.quirks);
    if options.quirks.has(Quirk::OtherLastStep) && progress.step == "finalizeIngestion" {
        progress.step = "finalizeProcessing";
    }
    Some(progress)
}

/// `commitStatus` of a submission.
pub(crate) fn commit_status(sub: &Submission, now: Duration, options: &Options) -> &'static str {
    match submission(sub, now, options) {
        None => "commitPending",
        Some(progress) if progress.failed.is_some() => "commitFailed",
        Some(progress) if progress.step == "packageInfoValidation" => "commitReceived",
        Some(_) => "commitComplete",
    }
}

/// The progress of a label.
pub(crate) fn label(label: &Label, now: Duration, options: &Options) -> WorkflowProgress {
    let steps = if label.is_sharing() { PARTNER } else { WINDOWS_UPDATE };
    let mut plan = StepTimes::new(steps, options.publish);
    if options.quirks.has(Quirk::CreatedStep) {
        plan.extend("created", Wait::For(options.publish / 20), label.began, None);
    }
    plan.extend_unknown_step(options.publish, options.quirks);
    if !label.is_sharing() {
        plan.extend("microsoftApproval", options.approval, label.began, label.approved);
        plan.extend("publishing", options.rollout, label.began, label.rolled_out);
    }
    if let Some(refusal) = &label.refused {
        let progress = plan.progress(refusal.at.saturating_sub(label.began), None, options.quirks);
        return WorkflowProgress {
            state: "failed",
            since_done: None,
            failed: Some(refusal.why.clone()),
            ..progress
        };
    }
    let Some(cancelled) = label.cancelled else {
        let mut progress = plan.progress(now.saturating_sub(label.began), None, options.quirks);
        if options.quirks.has(Quirk::PublishedState) && progress.is_done() && !label.is_sharing() {
            progress.state = "published";
        } else if options.quirks.has(Quirk::PublishedTargets) && progress.is_done() && !label.is_sharing() {
            (progress.step, progress.state) = ("publishing", "started");
        }
        return progress;
    };
    // A cancelled label makes no progress; when the cancellation is done it is reported as failed.
    let mut progress = plan.progress(cancelled.saturating_sub(label.began), None, options.quirks);
    if now.saturating_sub(cancelled) >= options.cancel {
        progress.state = "failed";
        progress.failed = Some("The shipping label was cancelled.".to_owned());
    }
    progress
}

/// Whether the signed package of a submission is offered.
pub(crate) fn offers_signed(progress: &WorkflowProgress, options: &Options) -> bool {
    let delay = if options.quirks.has(Quirk::LateSignedPackage) { options.sign / 10 } else { Duration::ZERO };
    progress.since_done.is_some_and(|span| span >= delay)
}

/// Whether the driver metadata of a submission is offered.
pub(crate) fn offers_metadata(
    sub: &Submission,
    progress: &WorkflowProgress,
    now: Duration,
    options: &Options,
) -> bool {
    if sub.is_metadata_withheld {
        // The documentation says "several hours" after the request.
        let wait = Duration::from_secs(3 * 3600);
        return sub.metadata_asked.is_some_and(|asked_at| now.saturating_sub(asked_at) >= wait);
    }
    let mut delay = if options.quirks.has(Quirk::LateMetadata) { options.sign / 10 } else { Duration::ZERO };
    if options.quirks.has(Quirk::LateSignedPackage) {
        delay += options.sign / 10;
    }
    progress.since_done.is_some_and(|span| span >= delay)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64, fails: Option<&StepFailure>) -> WorkflowProgress {
        StepTimes::new(SUBMISSION, Duration::from_secs(600)).progress(
            Duration::from_secs(seconds),
            fails,
            Quirks::none(),
        )
    }

    #[test]
    fn submission_completes_its_steps_in_ten_minutes() {
        assert_eq!((at(0, None).step, at(0, None).state), ("packageInfoValidation", "notStarted"));
        assert_eq!((at(95, None).step, at(95, None).state), ("scanning", "notStarted"));
        assert_eq!((at(599, None).step, at(599, None).state), ("finalizeIngestion", "started"));
        assert_eq!(at(601, None).since_done, Some(Duration::from_secs(1)));
    }

    #[test]
    fn failure_stops_workflow_at_its_step() {
        let failure = StepFailure { step: "validation", message: "no".to_owned() };
        assert_eq!(at(100, Some(&failure)).failed, None);
        assert_eq!((at(1000, Some(&failure)).step, at(1000, Some(&failure)).state), ("validation", "failed"));
    }

    #[test]
    fn wait_lasts_until_release() {
        let mut plan = StepTimes::new(SUBMISSION, Duration::from_secs(600));
        plan.extend("manualReview", Wait::UntilReleased, Duration::ZERO, None);
        assert_eq!(plan.progress(Duration::from_secs(1_000_000), None, Quirks::none()).step, "manualReview");
        let mut plan = StepTimes::new(SUBMISSION, Duration::from_secs(600));
        plan.extend("manualReview", Wait::UntilReleased, Duration::ZERO, Some(Duration::from_secs(1000)));
        assert_eq!(plan.progress(Duration::from_secs(1001), None, Quirks::none()).step, "signing");
    }
}
