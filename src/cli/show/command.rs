//! `dropship show`: shows one job with its history.

use std::path::Path;

use serde_json::Value;

use super::approval;
use crate::cli::backend::Backend;
use crate::cli::exit::Exit;
use crate::cli::output::{Output, or_dash};
use crate::observe::Escaped;
use crate::outbox::Receipt;
use dropship_job::{ErrorKind, JobId, StateKind};
use dropship_rules::rule::RuleChange;

/// Show one job with its history
///
/// Also prints what an operator can do next.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Id of the job
    #[arg(value_name = "JOB")]
    job: JobId,
    /// Print every stored field of the events in place of their descriptions
    #[arg(long)]
    events: bool,
}

pub(in crate::cli) async fn run(args: &Args, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let backend = Backend::find(config).await?;
    let job = backend.show(&args.job).await?;
    output.give(&job, || text(&job, args.events, config))?;
    Ok(Exit::Done)
}

fn text(job: &Receipt, with_fields: bool, config: &Path) -> String {
    let mut lines = vec![
        format!("job         {}", job.id),
        format!("package     {} ({} bytes, sha256 {})", Escaped(&job.package), job.size, job.sha256),
        format!(
            "from        {}",
            job.path
                .as_deref()
                .map_or_else(|| "submitted directly".to_owned(), |path| Escaped(path).to_string())
        ),
        format!("folder      {}", or_dash(job.folder.as_deref())),
        format!("rule        {}{}", or_dash(job.rule.as_deref()), rule_note(job)),
        format!("state       {}, {}", job.step, job.state),
        format!("product     {}", or_dash(job.product_id)),
        format!("submission  {}", or_dash(job.submission_id)),
        format!("outbox      {}", Escaped(&job.outbox)),
    ];
    lines.extend(job.due.map(|due| format!("due         {due:.0}")));
    lines.extend(job.waits_for.iter().map(|reason| format!("waiting for {}", Escaped(reason))));
    for label in &job.labels {
        let (step, state) = (or_dash(label.step.as_deref()), or_dash(label.state.as_deref()));
        lines.push(format!(
            "label       {} ({}): {}; {step} {state}",
            Escaped(&label.name),
            or_dash(label.id),
            label.status
        ));
        if !label.audiences.is_empty() {
            lines.push(format!("  audiences {}", Escaped(&label.audiences.join(", "))));
        }
        lines.extend(label.not_before.iter().map(|time| format!("  not before {time:.0}")));
        lines.extend(label.request.iter().map(|digest| format!("  request   {digest}")));
        lines
            .extend(label.error.iter().map(|error| format!("  {}: {}", error.kind, Escaped(&error.message))));
    }
    lines.extend(job.not_withdrawn.iter().map(|one| format!("withdrawal  {}", Escaped(&one.to_string()))));
    lines.extend(job.after_failed.iter().map(|failed| {
        format!(
            "after       failing since {:.0}, tried again automatically: {}",
            failed.since,
            Escaped(&failed.message)
        )
    }));
    lines.extend(job.files.iter().map(|file| format!("result      {} ({} bytes)", file.name, file.size)));
    lines.extend(
        job.error.iter().map(|error| format!("error       {}: {}", error.kind, Escaped(&error.message))),
    );
    lines.extend(advice(job).map(|advice| format!("next        {advice}")));
    lines.push(String::new());
    let line = if with_fields { raw_line } else { event_line };
    lines.extend(job.events.iter().flatten().map(line));
    for page in &job.approval {
        lines.extend([String::new(), approval::text(page, &job.id, config)]);
    }
    lines.join("\n")
}

/// Whether the rule has changed since the job was planned.
fn rule_note(job: &Receipt) -> &'static str {
    match job.rule_change {
        Some(RuleChange::Changed) => " (changed since the job was planned; the job keeps its plan)",
        Some(RuleChange::Gone) => " (no longer exists; the job keeps its plan)",
        None => "",
    }
}

/// The commands that an operator can run next.
fn advice(job: &Receipt) -> Option<String> {
    let is_refused = job.error.as_ref().is_some_and(|error| error.kind == ErrorKind::SigningFailed);
    match job.state {
        StateKind::Held if !job.approval.is_empty() => Some(format!(
            "read the request below the history and run the command there; `dropship cancel {}` ends the job",
            job.id
        )),
        StateKind::Held => {
            Some(format!("`dropship approve {0}` releases it, `dropship cancel {0}` ends it", job.id))
        }
        StateKind::Failed if is_refused => Some(format!(
            "fix the package and drop it again, or run `dropship retry {} --new-product`",
            job.id
        )),
        StateKind::Failed => Some(format!("fix the cause, then run `dropship retry {}`", job.id)),
        StateKind::Rejected => Some(format!(
            "fix the package and drop it again, or fix the rules and run `dropship retry {}`",
            job.id
        )),
        _ => None,
    }
}

/// One event as a line: time, name and description.
fn event_line(event: &Value) -> String {
    let text = |key: &str| event.get(key).and_then(Value::as_str).unwrap_or_default();
    format!("{}  {:<16} {}", text("at"), text("event"), Escaped(text("text"))).trim_end().to_owned()
}

/// One event as a line: time, name and stored fields.
fn raw_line(event: &Value) -> String {
    let text = |key: &str| event.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let details = event
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, _)| !matches!(key.as_str(), "at" | "event" | "text" | "package"));
    let details: Vec<_> = details
        .filter(|(_, value)| !value.is_null())
        .map(|(key, value)| {
            format!("{key}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        })
        .collect();
    format!("{}  {:<16} {}", text("at"), text("event"), Escaped(&details.join(" "))).trim_end().to_owned()
}
