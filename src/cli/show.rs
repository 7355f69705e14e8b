//! `dropship show`: one job's whole story.

use std::path::Path;

use serde_json::Value;

use super::exit::Exit;
use super::output::Output;
use super::place::Place;
use crate::observe::Shown;
use crate::outbox::Receipt;
use dropship_job::{JobId, StateKind};

/// Arguments of `show`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The job
    #[arg(value_name = "JOB")]
    job: JobId,
}

pub(super) async fn run(args: &Args, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let place = Place::find(config).await?;
    let job = place.show(&args.job).await?;
    output.give(&job, || text(&job))?;
    Ok(Exit::Done)
}

fn text(job: &Receipt) -> String {
    let or = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let mut lines = vec![
        format!("job         {}", job.id),
        format!("package     {} ({} bytes, sha256 {})", Shown(&job.package), job.size, job.sha256),
        format!(
            "from        {}",
            job.path.as_deref().map_or_else(|| "handed in".to_owned(), |path| Shown(path).to_string())
        ),
        format!("folder      {}", or(&job.folder)),
        format!("rule        {}", or(&job.rule)),
        format!("stands at   {}, {}", job.step, job.state),
        format!("product     {}", or(&job.product_id)),
        format!("submission  {}", or(&job.submission_id)),
        format!("outbox      {}", Shown(&job.outbox)),
    ];
    lines.extend(job.due.map(|due| format!("due         {due:.0}")));
    lines.extend(job.waits_for.iter().map(|what| format!("waits for   {}", Shown(what))));
    for label in &job.labels {
        let (step, state) = (or(&label.step), or(&label.state));
        lines.push(format!("label       {} ({}): {step} {state}", Shown(&label.name), or(&label.id)));
    }
    lines.extend(job.files.iter().map(|file| format!("result      {} ({} bytes)", file.name, file.size)));
    lines.extend(
        job.error.iter().map(|error| format!("error       {}: {}", error.kind, Shown(&error.message))),
    );
    lines.extend(advice(job).map(|advice| format!("next        {advice}")));
    lines.push(String::new());
    lines.extend(job.events.iter().flatten().map(told));
    lines.join("\n")
}

/// What a person can do now.
fn advice(job: &Receipt) -> Option<String> {
    let burnt = job.error.as_ref().is_some_and(|error| error.kind == "signing-failed");
    match job.state {
        StateKind::Held => {
            Some(format!("`dropship approve {0}` lets it go on, `dropship cancel {0}` ends it", job.id))
        }
        StateKind::Failed if burnt => {
            Some(format!("mend the package and drop it anew, or `dropship retry {} --new-product`", job.id))
        }
        StateKind::Failed => Some(format!("mend the cause, then `dropship retry {}`", job.id)),
        StateKind::Rejected => Some(format!(
            "mend the package and drop it anew, or mend the rules and `dropship retry {}`",
            job.id
        )),
        _ => None,
    }
}

/// One event as a line: when, what, and its details.
fn told(event: &Value) -> String {
    let text = |key: &str| event.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let details = event
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, _)| !matches!(key.as_str(), "at" | "event" | "package"));
    let details: Vec<_> = details
        .filter(|(_, value)| !value.is_null())
        .map(|(key, value)| {
            format!("{key}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        })
        .collect();
    format!("{}  {:<16} {}", text("at"), text("event"), Shown(&details.join(" "))).trim_end().to_owned()
}
