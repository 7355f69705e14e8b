//! Applies an operator's action to jobs, for `retry`, `approve` and `cancel`.

use std::path::Path;

use futures_util::StreamExt;
use serde::Serialize;

use super::backend::Backend;
use super::exit::Exit;
use super::job_selection::{JobSelection, SelectedJobs};
use super::job_table;
use super::output::{Output, or_dash};
use super::show;
use crate::wording::Clock;
use dropship_engine::operations::{ControlError, ControlErrorKind, JobAction};
use dropship_engine::outbox::{Receipt, published_label_warning};
use dropship_job::{JobId, LabelStatus, StateKind, counted};
use dropship_redact::Escaped;
use dropship_rules::rule::RuleChange;

/// Maximum number of jobs that are acted on at once.
const CONCURRENT: usize = 8;

/// The action of a command on each selected job.
pub(super) struct ActionRequest<'a> {
    /// The verb: `retry`, `approve` or `cancel`.
    pub(super) verb: &'static str,
    /// The states of the jobs that filters find, unless they name one.
    pub(super) states: &'a [StateKind],
    /// The action on a job that was named.
    pub(super) named_action: JobAction,
    /// The actions on a job that filters found.
    pub(super) actions_of_found: &'a (dyn Fn(&Receipt) -> Result<Vec<JobAction>, ControlError> + Sync),
}

/// The outcome for one of several jobs, as `--json` prints it.
#[derive(Serialize)]
struct ActionOutcome {
    id: JobId,
    ok: bool,
    error: Option<ControlError>,
    job: Option<Receipt>,
    #[serde(skip)]
    lines: Vec<String>,
}

/// Applies the action to every selected job, and prints the new state of each.
pub(super) async fn apply(
    selection: &JobSelection,
    request: &ActionRequest<'_>,
    config: &Path,
    output: &Output,
) -> anyhow::Result<Exit> {
    selection.check()?;
    let backend = Backend::find(config).await?;
    let actions_by_job = match selection.select(&backend, request.states).await? {
        SelectedJobs::One(job) => {
            let receipt = backend.act(&job, &request.named_action).await?;
            output.print_result(&receipt, || {
                let page = receipt.approved.as_ref().and_then(|approved| approved.presented.as_deref());
                let (clock, columns) =
                    (Clock::new(output.is_terminal()), output.size().map(|size| size.columns));
                let page = page.map(|page| format!("{}\n", show::page_text(page, &clock, columns)));
                page.into_iter().chain(lines(&receipt, &request.named_action)).collect::<Vec<_>>().join("\n")
            })?;
            return Ok(Exit::Done);
        }
        SelectedJobs::Named(jobs) => {
            jobs.into_iter().map(|job| (job, Ok(vec![request.named_action.clone()]))).collect::<Vec<_>>()
        }
        SelectedJobs::Found(found) => {
            announce(&found, request.verb, output);
            found.into_iter().map(|job| (job.id.clone(), (request.actions_of_found)(&job))).collect()
        }
    };
    let mut outcomes = Vec::new();
    let acting = actions_by_job.into_iter().map(|(job, actions)| act(&backend, job, actions));
    let mut acting = futures_util::stream::iter(acting).buffered(CONCURRENT);
    while let Some(outcome) = acting.next().await {
        output.say(&outcome.lines.join("\n"));
        outcomes.push(outcome);
    }
    if output.json() {
        output.print_result(&outcomes, String::new)?;
    }
    let errors: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.error.as_ref()).collect();
    let is_refused = errors.iter().any(|error| error.kind == ControlErrorKind::NotPermitted);
    Ok(match errors.is_empty() {
        true => Exit::Done,
        false if is_refused => Exit::NotPermitted,
        false => Exit::Failed,
    })
}

/// Prints the jobs that filters found, before anything is done to them.
fn announce(found: &[Receipt], verb: &str, output: &Output) {
    if found.is_empty() {
        output.say("no job matches the filters; nothing was done");
        return;
    }
    let count = counted(found.len(), "job");
    let table = match output.size() {
        Some(size) => job_table::fitted(found, size.columns, &Clock::new(output.is_terminal())).join("\n"),
        None => job_table::plain(found),
    };
    output.say(&format!("{verb} {count}:\n{table}\n"));
}

/// Applies the actions to one job, up to the first that fails.
async fn act(backend: &Backend, id: JobId, actions: Result<Vec<JobAction>, ControlError>) -> ActionOutcome {
    let mut outcome = ActionOutcome { id, ok: true, error: None, job: None, lines: Vec::new() };
    let actions = match actions {
        Ok(actions) => actions,
        Err(error) => return outcome.failed(error),
    };
    for action in actions {
        match backend.act(&outcome.id, &action).await {
            Ok(receipt) => {
                outcome.lines.extend(lines(&receipt, &action));
                outcome.job = Some(receipt);
            }
            Err(error) => return outcome.failed(error),
        }
    }
    outcome
}

impl ActionOutcome {
    fn failed(mut self, error: ControlError) -> Self {
        self.lines.push(format!("{}: error: {}", self.id, Escaped(&error.message)));
        Self { ok: false, error: Some(error), ..self }
    }
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
            let published = receipt.labels.iter().filter(|label| label.status == LabelStatus::Published);
            let published = published.map(|label| published_label_warning(&label.name));
            lines.extend(published.map(|warning| format!("warning: {}", Escaped(&warning))));
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
