//! Differences as text.

use dropship_rules::comparison::{LabelTarget, PlanChange, PlanDifference};

/// One line for a difference, and lines for the first targets of each direction.
#[must_use]
pub fn describe(difference: &PlanDifference, max_targets: usize) -> Vec<String> {
    let label = difference.label.as_ref().map(|label| format!("label `{label}`: ")).unwrap_or_default();
    let mut lines = Vec::new();
    match &difference.change {
        PlanChange::Rule { old: Some(old), new: Some(new), .. } => {
            lines.push(format!("rule `{new}` instead of `{old}`"));
        }
        PlanChange::Rule { old: None, new: Some(new), .. } => {
            lines.push(format!("planned by rule `{new}` instead of being rejected"));
        }
        PlanChange::Rule { rejected, .. } => {
            let why = rejected.as_deref().unwrap_or("no rule applies");
            lines.push(format!("rejected instead of being planned: {why}"));
        }
        PlanChange::Value(change) => lines.push(format!("{label}{change}")),
        PlanChange::LabelAdded => lines.push(format!("{label}new")),
        PlanChange::LabelRemoved => lines.push(format!("{label}no longer asked for")),
        PlanChange::Targets(change) => {
            lines.push(format!("{label}targets +{} -{}", change.added_count, change.removed_count));
            lines.extend(target_lines('+', &change.added, change.added_count, max_targets));
            lines.extend(target_lines('-', &change.removed, change.removed_count, max_targets));
        }
        PlanChange::Problems { old, new } if new.is_empty() => {
            lines.push(format!("{label}it can be requested now; before: {}", old.join("; ")));
        }
        PlanChange::Problems { new, .. } => {
            lines.push(format!("{label}it cannot be requested: {}", new.join("; ")));
        }
    }
    lines
}

/// A line for each of the first targets, and the number of the others.
fn target_lines(sign: char, targets: &[LabelTarget], count: usize, max: usize) -> Vec<String> {
    let line = |target: &LabelTarget| {
        format!("  {sign} {} {} {} {}", target.bundle, target.inf, target.os, target.hardware_id)
    };
    let mut lines: Vec<_> = targets.iter().take(max).map(line).collect();
    let more = count.saturating_sub(lines.len());
    if more > 0 && max > 0 {
        lines.push(format!("  {sign} {more} more"));
    }
    lines
}
