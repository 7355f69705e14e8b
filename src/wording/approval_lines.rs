//! The request for a label on hold, line by line.

use std::collections::BTreeMap;

use super::clock::Clock;
use super::label_lines;
use super::lines::Lines;
use dropship_engine::approval::{ApprovalPage, Approvals, Previous, RequestContent, TargetChange};
use dropship_job::counted;
use dropship_rules::hold::Hold;
use dropship_rules::plan::LabelPlan;

/// Maximum number of operating systems and of vendors that are listed.
const MAX_GROUPS: usize = 12;

/// The page without the command, line by line. The values are not escaped.
pub(crate) fn lines(approval: &ApprovalPage, clock: &Clock) -> Lines {
    let mut lines = Lines::new(format!("approval of label: {}", approval.label));
    if let Some(content) = &approval.content {
        add_content(&mut lines, content, clock);
    }
    if let Some(problem) = &approval.problem {
        lines.add("WARNING", problem);
    }
    match &approval.request {
        Some(digest) => lines.add("request", digest),
        None => lines.add("request", "the approval is not bound to a request"),
    }
    add_approvals(&mut lines, approval.approvals.as_ref());
    lines
}

/// The approvals so far, if more than one operator has to approve.
fn add_approvals(lines: &mut Lines, approvals: Option<&Approvals>) {
    let Some(approvals) = approvals.filter(|approvals| approvals.needed > 1) else { return };
    let needed = approvals.needed;
    lines.add("approvals", format_args!("{} of {needed}, by different operators", approvals.given.len()));
    for given in &approvals.given {
        lines.add("  approved by", given);
    }
}

fn add_content(lines: &mut Lines, content: &RequestContent, clock: &Clock) {
    let names = content.audiences.iter().map(|audience| audience.name.clone()).collect();
    // The hold is the reason for this page.
    let plan = LabelPlan { audiences: names, hold: Hold::NONE, ..content.plan.clone() };
    label_lines::add(lines, &plan);
    add_go_live(lines, content, clock);
    let targets = &content.targets;
    lines.add("targets", targets.total);
    lines.add("by system", groups(&targets.operating_systems));
    lines.add("by vendor", groups(&targets.vendors));
    if targets.chids > 0 {
        lines.add("computers", format_args!("{} CHIDs", targets.chids));
    }
    match &content.foreseen {
        Some(change) => add_change(lines, "since `plan`", change),
        None => lines.add(
            "since `plan`",
            "the package names no hardware ids, so `plan` could not foresee its targets",
        ),
    }
    match &content.previous {
        Some(previous) => add_previous(lines, previous, &plan.audiences),
        None => lines.add("previous label", "none was published by this rule and label"),
    }
    for warning in &content.warnings {
        lines.add("warning", warning);
    }
}

fn add_go_live(lines: &mut Lines, content: &RequestContent, clock: &Clock) {
    match (content.go_live, content.plan.go_live) {
        (Some(time), Some(rule)) if rule.fixed().is_none() => {
            lines.add(
                "go live",
                format_args!("{} if approved now, by `go_live = \"{rule}\"`", clock.minutes(time)),
            );
        }
        (Some(time), _) => lines.add("go live", clock.minutes(time)),
        (None, _) => lines.add("go live", "as soon as it is certified"),
    }
}

/// `8 WINDOWS_v100_X64_CO_FULL, 4 WINDOWS_v100_X64_NI_FULL`, the largest first.
fn groups(counts: &BTreeMap<String, usize>) -> String {
    let mut sorted: Vec<_> = counts.iter().collect();
    sorted.sort_by(|(one, count), (other, larger)| larger.cmp(count).then_with(|| one.cmp(other)));
    let mut shown: Vec<_> =
        sorted.iter().take(MAX_GROUPS).map(|(name, count)| format!("{count} {name}")).collect();
    if sorted.len() > MAX_GROUPS {
        let rest = sorted.iter().skip(MAX_GROUPS);
        shown.push(format!(
            "{} in {}",
            rest.map(|(_, count)| *count).sum::<usize>(),
            counted(sorted.len() - MAX_GROUPS, "other")
        ));
    }
    if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
}

fn add_previous(lines: &mut Lines, previous: &Previous, audiences: &[String]) {
    let (Some(name), Some(job)) = (&previous.name, &previous.job) else {
        let id = &previous.id;
        return lines.add("previous label", format_args!("{id}; its job is no longer in the store"));
    };
    lines.add("previous label", format_args!("{name} ({}, job {job})", previous.id));
    let named = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    if previous.audiences != audiences {
        let (before, now) = (named(&previous.audiences), named(audiences));
        lines.add("since that label", format_args!("audiences changed from {before} to {now}"));
    }
    for setting in &previous.settings {
        lines.add("since that label", setting);
    }
    match &previous.targets {
        Some(change) => add_change(lines, "since that label", change),
        None => lines.add("since that label", "its targets are no longer in the store"),
    }
}

fn add_change(lines: &mut Lines, key: &str, change: &TargetChange) {
    if change.added == 0 && change.removed == 0 {
        return lines.add(key, "the same targets");
    }
    let TargetChange { unchanged, added, removed, first_added, first_removed } = change;
    lines.add(
        key,
        format_args!("{} added, {removed} removed, {unchanged} unchanged", counted(*added, "target")),
    );
    for (sign, count, first) in [('+', *added, first_added), ('-', *removed, first_removed)] {
        for target in first {
            lines.add(&format!("  {sign}"), target);
        }
        if count > first.len() {
            lines.add(&format!("  {sign}"), format_args!("{} more", count - first.len()));
        }
    }
}
