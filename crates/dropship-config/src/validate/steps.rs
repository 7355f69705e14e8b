//! `[[test.step]]`: the walk of a test through time.

use super::diagnostics::Diagnostics;
use super::test_values::{globs, labels};
use crate::raw::test as raw;
use crate::raw::values::At;
use dropship_rules::rule_tests::{ChainExpect, ChainStep};
use dropship_rules::schedule::Moment;

/// The steps of a case, in order of time. A package that is `rejected` has none.
pub(super) fn steps(
    diagnostics: &mut Diagnostics<'_>,
    raw: &[At<raw::Step>],
    rejected: bool,
) -> Vec<ChainStep> {
    if let Some(first) = raw.first().filter(|_| rejected) {
        diagnostics.error(&first.span, "a rejected package has no labels that a step could follow");
    }
    let mut steps: Vec<ChainStep> = Vec::new();
    for raw in raw {
        let Some(step) = step(diagnostics, raw) else { continue };
        if let (Some(before), Some(at)) = (steps.last(), &raw.at)
            && is_earlier(step.at, before.at)
        {
            let message =
                format!("this step is earlier than the one before it, which is at \"{}\"", before.at);
            diagnostics.error_with_help(&at.span, message, "write the steps in order of time");
        }
        steps.push(step);
    }
    steps
}

fn step(diagnostics: &mut Diagnostics<'_>, raw: &At<raw::Step>) -> Option<ChainStep> {
    let at = diagnostics.need(raw.at.as_ref(), &raw.span, "at")?.value.0;
    let globs_of = |list: &Option<crate::raw::Globs>| list.as_ref().map(globs);
    let expect = raw.expect.as_ref().map(|expect| ChainExpect {
        requested: globs_of(&expect.requested),
        held: globs_of(&expect.held),
        label: labels(diagnostics, expect.label.as_ref()),
    });
    let step = ChainStep {
        place: diagnostics.place(&raw.span),
        at,
        published: globs_of(&raw.published).unwrap_or_default(),
        failed: globs_of(&raw.failed).unwrap_or_default(),
        approved: globs_of(&raw.approved).unwrap_or_default(),
        expect,
    };
    let has_event = [&step.published, &step.failed, &step.approved].iter().any(|globs| !globs.is_empty());
    let is_expecting = step.expect.as_ref().is_some_and(|expect| *expect != ChainExpect::default());
    if !has_event && !is_expecting {
        let help =
            "add `published`, `failed` or `approved` with names of labels, or `expect = { requested = […] }`";
        diagnostics.error_with_help(&raw.span, "nothing happens in this step, and nothing is expected", help);
    }
    Some(step)
}

/// Whether a moment is surely before another. A date and an offset are compared when the test runs.
fn is_earlier(moment: Moment, before: Moment) -> bool {
    match (moment, before) {
        (Moment::At(moment), Moment::At(before)) => moment < before,
        (Moment::In(moment), Moment::In(before)) => moment < before,
        (Moment::At(_), Moment::In(_)) | (Moment::In(_), Moment::At(_)) => false,
    }
}
