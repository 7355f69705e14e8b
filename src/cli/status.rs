//! `dropship status`: what is it doing, what is stuck, and why.

use std::path::Path;

use super::exit::Exit;
use super::output::Output;
use super::place::Place;
use crate::control::{Status, Wanted};
use crate::observe::Shown;
use dropship_job::StateKind;

pub(super) async fn run(config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let place = Place::find(config).await?;
    let status = place.status().await?;
    let mut stuck = Vec::new();
    for state in [StateKind::Held, StateKind::Failed] {
        let wanted = Wanted { state: Some(state), limit: 5, before: None };
        stuck.extend(place.jobs(&wanted).await?);
    }
    output.give(&status, || {
        let mut lines = text(&status);
        for job in stuck {
            let why = job.error.map(|error| error.message).unwrap_or_default();
            lines.push(format!("{} {} {}: {}", job.state, job.id, Shown(&job.package), Shown(&why)));
        }
        lines.join("\n")
    })?;
    Ok(Exit::Done)
}

pub(super) fn text(status: &Status) -> Vec<String> {
    let mut lines = Vec::new();
    let sandbox = if status.sandbox { ", a sandbox" } else { "" };
    match status.since {
        Some(since) => lines.push(format!(
            "dropship {} running since {since:.0}, submits to {}{sandbox}",
            status.version, status.endpoint
        )),
        None => {
            lines.push("no daemon runs; this is what its store holds (`systemctl start dropship`)".to_owned())
        }
    }
    let jobs: Vec<_> = status
        .jobs
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    lines.push(format!("jobs: {}", if jobs.is_empty() { "none".to_owned() } else { jobs.join(", ") }));
    for scope in &status.paused {
        let what = if scope == "*" { "everything".to_owned() } else { format!("folder `{scope}`") };
        lines.push(format!(
            "PAUSED: {what}; nothing is created, committed or changed until `dropship resume`"
        ));
    }
    for account in &status.accounts {
        lines.push(format!(
            "account `{}` is paused since {:.0}: {}; tried again at {:.0}",
            account.name, account.since, account.why, account.probe
        ));
    }
    for folder in &status.folders {
        let waiting = if folder.candidates > 0 {
            format!(", {} files not finished yet", folder.candidates)
        } else {
            String::new()
        };
        lines.push(format!("folder `{}` {}: {}{waiting}", folder.name, folder.path, folder.state));
        lines.extend(folder.no_room.iter().map(|why| format!("  its files wait: {why}")));
        lines.extend(folder.why.iter().map(|why| format!("  {why}")));
        lines.extend(folder.advice.iter().map(|advice| format!("  {advice}")));
    }
    lines
}
