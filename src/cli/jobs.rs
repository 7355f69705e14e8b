//! `dropship jobs`: the jobs, newest first.

use std::path::Path;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::exit::Exit;
use super::output::{Output, table};
use super::place::Place;
use crate::control::{Refusal, Wanted};
use crate::observe::Shown;
use crate::outbox::Receipt;
use dropship_job::{JobId, StateKind};

/// Jobs asked for at once.
const PAGE: usize = 1000;

/// Arguments of `jobs`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only jobs in this state
    #[arg(long, value_name = "S", value_parser = state_parser())]
    state: Option<StateKind>,
    /// At most so many; 0 lists all
    #[arg(long, default_value_t = 0, value_name = "N")]
    limit: usize,
    /// Only jobs older than this one
    #[arg(long, value_name = "JOB")]
    before: Option<JobId>,
}

fn state_parser() -> impl TypedValueParser<Value = StateKind> {
    PossibleValuesParser::new(StateKind::ALL.map(StateKind::as_str)).try_map(|text| text.parse::<StateKind>())
}

pub(super) async fn run(args: &Args, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let place = Place::find(config).await?;
    let jobs = all(&place, args).await?;
    output.give(&jobs, || {
        if jobs.is_empty() {
            return "no jobs".to_owned();
        }
        let rows: Vec<_> = jobs.iter().map(row).collect();
        table(&HEADS, &rows)
    })?;
    Ok(Exit::Done)
}

/// Asks page by page: a daemon that holds a hundred thousand jobs never has more than one page in memory for it.
async fn all(place: &Place, args: &Args) -> Result<Vec<Receipt>, Refusal> {
    let most = if args.limit == 0 { usize::MAX } else { args.limit };
    let (mut jobs, mut before) = (Vec::<Receipt>::new(), args.before.clone());
    loop {
        let limit = PAGE.min(most - jobs.len());
        let wanted = Wanted { state: args.state, before: before.take(), limit };
        let page = place.jobs(&wanted).await?;
        let is_last = page.len() < limit;
        jobs.extend(page);
        if is_last || jobs.len() == most {
            return Ok(jobs);
        }
        before = jobs.last().map(|job| job.id.clone());
    }
}

/// The columns.
pub(super) const HEADS: [&str; 8] = ["JOB", "PACKAGE", "FOLDER", "RULE", "STEP", "STATE", "SINCE", ""];

pub(super) fn row(job: &Receipt) -> Vec<String> {
    let or = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let note = job.error.as_ref().map(|error| error.message.clone()).or_else(|| job.waits_for.clone());
    vec![
        job.id.to_string(),
        Shown(&job.package).to_string(),
        or(&job.folder),
        or(&job.rule),
        job.step.to_string(),
        job.state.to_string(),
        job.updated.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        Shown(&shortened(note.as_deref().unwrap_or_default())).to_string(),
    ]
}

fn shortened(text: &str) -> String {
    const MOST: usize = 60;
    if text.chars().count() <= MOST {
        text.to_owned()
    } else {
        text.chars().take(MOST - 1).chain(['…']).collect()
    }
}
