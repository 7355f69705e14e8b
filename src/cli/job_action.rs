//! Applies an operator's action to a job, for `retry`, `approve` and `cancel`.

use std::path::Path;

use super::backend::Backend;
use super::exit::Exit;
use super::output::{Output, or_dash};
use crate::control::JobAction;
use crate::observe::Escaped;
use crate::outbox::Receipt;
use dropship_job::JobId;
use dropship_rules::rule::RuleChange;

/// Applies the action and prints the new state of the job.
pub(super) async fn apply(
    job: &JobId,
    action: &JobAction,
    config: &Path,
    output: &Output,
) -> anyhow::Result<Exit> {
    let receipt = Backend::find(config).await?.act(job, action).await?;
    output.give(&receipt, || lines(&receipt, action).join("\n"))?;
    Ok(Exit::Done)
}

/// Where the job stands, and what the action did to its labels.
fn lines(receipt: &Receipt, action: &JobAction) -> Vec<String> {
    let mut lines = vec![format!("{}: {}, {}", receipt.id, receipt.step, receipt.state)];
    let rule = or_dash(receipt.rule.as_deref());
    lines.extend(receipt.rule_change.map(|change| match change {
        RuleChange::Changed => {
            format!("warning: rule `{rule}` has changed since the job was planned; the job keeps its plan")
        }
        RuleChange::Gone => format!("warning: rule `{rule}` no longer exists; the job keeps its plan"),
    }));
    match action {
        JobAction::Cancel => {
            lines.extend(receipt.warnings.iter().map(|warning| format!("warning: {}", Escaped(warning))));
            let pending = receipt.not_withdrawn.iter();
            lines.extend(pending.map(|one| format!("warning: {}", Escaped(&one.to_string()))));
        }
        JobAction::Retry { .. } => {
            lines.extend(receipt.plan_changes.iter().map(|change| format!("plan: {}", Escaped(change))));
        }
        JobAction::Approve(_) => lines.extend(receipt.approved.iter().map(|approved| approved.to_string())),
    }
    lines
}
