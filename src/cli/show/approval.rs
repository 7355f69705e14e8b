//! The text of an approval page: the request in the form of `plan`, and the command that approves it.

use std::path::Path;

use super::fields::wrap;
use crate::cli::backend::DEFAULT_CONFIG;
use crate::wording::{Clock, approval_lines};
use dropship_engine::approval::ApprovalPage;
use dropship_job::{ApproveCommand, JobId};
use dropship_redact::Escaped;

/// The page and the command that approves its request, with control characters escaped.
pub(super) fn text(
    approval: &ApprovalPage,
    job: &JobId,
    config: &Path,
    clock: &Clock,
    columns: Option<usize>,
) -> String {
    let command = ApproveCommand {
        config: needs_option(config).then_some(config),
        job,
        label: Some(&approval.label),
        request: approval.request.as_deref(),
    };
    // The command is pasted, so it is not wrapped.
    format!("{}\n\nto approve this request, run:\n  {command}", page_text(approval, clock, columns))
}

/// The page without the command, with control characters escaped.
pub(crate) fn page_text(approval: &ApprovalPage, clock: &Clock, columns: Option<usize>) -> String {
    let escaped =
        approval_lines(approval, clock).text().lines().map(|line| Escaped(line).to_string()).collect();
    wrap(escaped, columns, 4).join("\n")
}

/// Whether a command finds this configuration only with `--config`.
fn needs_option(config: &Path) -> bool {
    let default = std::env::var_os("DROPSHIP_CONFIG").unwrap_or_else(|| DEFAULT_CONFIG.into());
    config != Path::new(&default)
}
