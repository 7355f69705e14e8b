//! `dropship status`: prints a summary.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::json;

use super::backend::{self, Backend};
use super::exit::Exit;
use super::output::Output;
use crate::control::{FolderStatus, NodeState, NodeStatus, Status};
use crate::wording::pauses;
use dropship_engine::operations::JobQuery;
use dropship_job::{StateKind, counted};
use dropship_redact::Escaped;

/// Show what the daemon does, which jobs need attention, and why
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship status
  dropship status --check || mail -s dropship ops@example.com

Exit codes:
  0   a daemon answered; with --check: nothing needs attention (held jobs do not count)
  1   with --check: something needs attention
  69  no daemon is running; the output is from its store, if there is one")]
pub(super) struct Args {
    /// Print one line with the kinds of trouble, for monitoring
    #[arg(long)]
    check: bool,
}

/// Maximum number of held jobs, and of failed jobs, to print.
const MAX_JOBS: usize = 5;

pub(super) async fn run(args: &Args, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    if args.check {
        return check(config, output).await;
    }
    let backend = Backend::find(config).await?;
    let status = backend.status().await?;
    let mut needing_attention = Vec::new();
    for state in [StateKind::Held, StateKind::Failed] {
        let query = JobQuery { state: Some(state), limit: MAX_JOBS, ..JobQuery::default() };
        needing_attention.extend(backend.jobs(&query).await?);
    }
    output.print_result(&status, || {
        let mut lines = text(&status);
        for job in needing_attention {
            let why = job.error.map(|error| error.message).unwrap_or_default();
            lines.push(format!("{} {} {}: {}", job.state, job.id, Escaped(&job.package), Escaped(&why)));
        }
        lines.join("\n")
    })?;
    Ok(backend.exit())
}

/// Only a daemon knows what needs attention, so the store is not opened without one.
async fn check(config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let status = backend::connect(config).await?.status().await?;
    let kinds: BTreeSet<_> = status.trouble.iter().map(|item| item.kind.name()).collect();
    let kinds: Vec<_> = kinds.into_iter().collect();
    let document = json!({ "kinds": kinds, "trouble": status.trouble, "restart": status.restart });
    output.print_result(&document, || match kinds.is_empty() {
        true => "ok: nothing needs attention".to_owned(),
        false => format!("needs attention: {}", kinds.join(", ")),
    })?;
    Ok(if kinds.is_empty() { Exit::Done } else { Exit::Failed })
}

pub(super) fn text(status: &Status) -> Vec<String> {
    let mut lines = Vec::new();
    let sandbox = if status.sandbox { " (a sandbox)" } else { "" };
    match status.since {
        Some(since) => lines.push(format!(
            "dropship {} running since {since:.0}, {} to {}{sandbox}",
            status.version,
            if status.stands_by_for.is_some() { "standing by to submit" } else { "submitting" },
            status.endpoint
        )),
        None => {
            lines.push(
                "no daemon is running; read from its store (start it with `systemctl start dropship`)"
                    .to_owned(),
            );
        }
    }
    lines.extend(status.stands_by_for.iter().map(|active| {
        format!("node `{}` processes the jobs; this node takes over when that one ends", Escaped(active))
    }));
    lines.extend(status.nodes.iter().map(|node| node_line(node, status)));
    lines.push(job_counts(status));
    lines.extend(pauses(&status.paused));
    for item in &status.trouble {
        let (kind, message) = (item.kind.name(), Escaped(&item.message));
        lines.push(format!("TROUBLE since {:.0}: {kind}: {message}", item.since));
    }
    // A daemon has them on the list of troubles.
    for pending in status.not_withdrawn.iter().filter(|_| !status.running) {
        lines.push(format!("job {}: {}", pending.job, Escaped(&pending.label.to_string())));
    }
    for folder in &status.folders {
        let waiting = if folder.candidates > 0 {
            format!(", {}", counted(folder.candidates, "incomplete file"))
        } else {
            String::new()
        };
        lines.push(format!("folder `{}` {}: {}{waiting}", folder.name, folder.path, folder.state));
        lines.extend(ignored_line(folder));
        lines.extend(folder.no_room.iter().map(|why| format!("  not accepting files: {why}")));
        lines.extend(folder.why.iter().map(|why| format!("  {why}")));
        lines.extend(folder.advice.iter().map(|advice| format!("  {advice}")));
    }
    lines
}

/// One line about a node.
fn node_line(node: &NodeStatus, status: &Status) -> String {
    let this_node = if status.node.as_ref() == Some(&node.name) { " (this node)" } else { "" };
    let state = match node.state {
        NodeState::Active => "active",
        NodeState::StandingBy => "stands by",
        NodeState::Ended => "ended",
        NodeState::Lost => "lost",
    };
    let lease = node.lease_until.map(|until| format!(", lease until {until:.0}")).unwrap_or_default();
    let folders: Vec<_> = node.folders.iter().map(|name| Escaped(name).to_string()).collect();
    let folders = if folders.is_empty() { "none".to_owned() } else { folders.join(", ") };
    format!(
        "node `{}`{this_node}: {state}, last seen {:.0}{lease}, version {}, since {:.0}, folders: {folders}",
        Escaped(&node.name),
        node.last_seen,
        Escaped(&node.version),
        node.since
    )
}

/// The number of jobs by state.
pub(super) fn job_counts(status: &Status) -> String {
    let counts = status.jobs.iter().filter(|(_, count)| **count > 0);
    let counts: Vec<_> = counts.map(|(state, count)| format!("{count} {state}")).collect();
    format!("jobs: {}", if counts.is_empty() { "none".to_owned() } else { counts.join(", ") })
}

/// Why a folder accepts no files, or not at once.
pub(super) fn folder_problems(folder: &FolderStatus) -> Vec<String> {
    let reasons = folder.no_room.iter().chain(&folder.why);
    reasons.map(|why| format!("folder `{}` {}: {why}", folder.name, folder.state)).collect()
}

/// One line about the files that `exclude` leaves out, with the names of the last ones.
fn ignored_line(folder: &FolderStatus) -> Option<String> {
    let names: Vec<_> = folder.last_ignored.iter().map(|name| Escaped(name).to_string()).collect();
    let more = folder.ignored.saturating_sub(names.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (folder.ignored > 0).then(|| {
        format!("  {} ignored (`exclude`), last: {}{more}", counted(folder.ignored, "file"), names.join(", "))
    })
}
