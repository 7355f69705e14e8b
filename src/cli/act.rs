//! The operator's hand: retry, cancel, approve, pause, resume, rescan.

use std::path::Path;

use super::exit::Exit;
use super::output::Output;
use super::place::Place;
use crate::control::Act;
use dropship_job::JobId;

/// Arguments of `retry`.
#[derive(Debug, clap::Args)]
pub(super) struct Retry {
    /// The job
    #[arg(value_name = "JOB")]
    job: JobId,
    /// Leave the burnt product behind and begin with a new one
    #[arg(long)]
    new_product: bool,
}

/// Arguments of `cancel`.
#[derive(Debug, clap::Args)]
pub(super) struct Job {
    /// The job
    #[arg(value_name = "JOB")]
    job: JobId,
}

/// Arguments of `approve`.
#[derive(Debug, clap::Args)]
pub(super) struct Approve {
    /// The job
    #[arg(value_name = "JOB")]
    job: JobId,
    /// Only if the job is held for the request with this digest
    #[arg(long, value_name = "DIGEST")]
    request: Option<String>,
}

/// Arguments of `pause`, `resume` and `rescan`.
#[derive(Debug, clap::Args)]
pub(super) struct Scope {
    /// The folder; without one, everything
    #[arg(value_name = "FOLDER")]
    folder: Option<String>,
}

pub(super) async fn retry(args: &Retry, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    act(&args.job, &Act::Retry { new_product: args.new_product }, config, output).await
}

pub(super) async fn cancel(args: &Job, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    act(&args.job, &Act::Cancel, config, output).await
}

pub(super) async fn approve(args: &Approve, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    act(&args.job, &Act::Approve { request: args.request.clone() }, config, output).await
}

async fn act(job: &JobId, act: &Act, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let receipt = Place::find(config).await?.act(job, act).await?;
    output.give(&receipt, || {
        let mut lines = vec![format!("{}: {}, {}", receipt.id, receipt.step, receipt.state)];
        // What was warned of before the act is not news.
        let news = receipt.warnings.iter().filter(|_| matches!(act, Act::Cancel));
        lines.extend(news.map(|warning| format!("warning: {warning}")));
        lines.join("\n")
    })?;
    Ok(Exit::Done)
}

pub(super) async fn scoped(verb: &str, args: &Scope, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let place = Place::find(config).await?;
    place.scoped(verb, args.folder.as_deref()).await?;
    let what =
        args.folder.as_deref().map_or_else(|| "everything".to_owned(), |folder| format!("folder `{folder}`"));
    let document = serde_json::json!({ "done": verb, "folder": args.folder });
    output.give(&document, || match verb {
        "pause" => {
            format!("{what} is paused: nothing is created, committed or changed until `dropship resume`")
        }
        "resume" => format!("{what} goes on"),
        _ => format!("{what} is being looked at"),
    })?;
    Ok(Exit::Done)
}
