//! `dropship labels`: lists the labels of all jobs.

use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use super::backend::Backend;
use super::exit::Exit;
use super::job_filter::JobFilter;
use super::output::{Output, or_dash};
use super::table::{Column, Cut, Widths, table};
use dropship_engine::outbox::{LabelDriftReceipt, LabelReceipt, Receipt};
use dropship_job::{JobId, LabelStatus, RemoteId, StateKind};
use dropship_redact::Escaped;

/// List the shipping labels of all jobs
///
/// Also lists labels that do not exist at Microsoft yet: their rule has planned them, but they have not been requested.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship labels --upcoming
  dropship --json labels --since 30d

Exit codes:
  0   a daemon answered
  64  no folder or rule has this name
  69  no daemon is running; the output is from its store, if there is one")]
pub(super) struct Args {
    /// List only labels that are not published or not live yet, the next ones first
    #[arg(long)]
    upcoming: bool,
    #[command(flatten)]
    filter: JobFilter,
}

/// A label of a job.
#[derive(Debug, Serialize)]
struct ListedLabel {
    job: JobId,
    job_state: StateKind,
    package: String,
    rule: Option<String>,
    name: String,
    state: LabelStatus,
    id: Option<RemoteId>,
    not_before: Option<Timestamp>,
    audiences: Vec<String>,
    hold: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    drift: Option<LabelDriftReceipt>,
}

impl ListedLabel {
    fn of(job: &Receipt, label: &LabelReceipt) -> Self {
        Self {
            job: job.id.clone(),
            job_state: job.state,
            package: job.package.clone(),
            rule: job.rule.clone(),
            name: label.name.clone(),
            state: label.status,
            id: label.id,
            not_before: label.not_before,
            audiences: label.audiences.clone(),
            hold: label.hold,
            drift: label.drift.clone(),
        }
    }

    /// Whether the label is still to be published or to go live.
    fn is_upcoming(&self, now: Timestamp) -> bool {
        self.state.is_upcoming(self.job_state.has_ended(), self.not_before, now)
    }

    /// Whether the label will not be requested: a job that has ended requests no more labels.
    fn is_never_requested(&self) -> bool {
        matches!(self.state, LabelStatus::Planned | LabelStatus::Held) && self.job_state.has_ended()
    }

    fn cells(&self) -> Vec<String> {
        let hold = if self.hold && self.state != LabelStatus::Held { ", on hold" } else { "" };
        let drift = self.drift.as_ref().map(|drift| format!(", {}", drift.kind)).unwrap_or_default();
        let end = if self.is_never_requested() { format!(", job {}", self.job_state) } else { String::new() };
        let not_before = self
            .not_before
            .filter(|_| end.is_empty())
            .map(|time| time.strftime("%Y-%m-%d %H:%M:%SZ").to_string());
        let audiences = if self.audiences.is_empty() { "-".to_owned() } else { self.audiences.join(", ") };
        vec![
            Escaped(&self.name).to_string(),
            format!("{}{hold}{drift}{end}", self.state.as_str()),
            or_dash(not_before.as_deref()),
            Escaped(&audiences).to_string(),
            or_dash(self.id),
            self.job.to_string(),
            Escaped(&self.package).to_string(),
        ]
    }
}

/// The columns. An id is complete, because it is pasted into commands.
const COLUMNS: [Column; 7] = [
    Column { head: "LABEL", min: Some(16), drop_order: None, cut: Cut::Middle },
    Column { head: "STATE", min: None, drop_order: None, cut: Cut::End },
    Column { head: "NOT BEFORE", min: None, drop_order: Some(3), cut: Cut::End },
    Column { head: "AUDIENCES", min: Some(12), drop_order: Some(2), cut: Cut::End },
    Column { head: "ID", min: None, drop_order: Some(4), cut: Cut::End },
    Column { head: "JOB", min: None, drop_order: None, cut: Cut::End },
    Column { head: "PACKAGE", min: Some(16), drop_order: Some(1), cut: Cut::Middle },
];

/// The table; fitted to a terminal of this width.
fn table_text(rows: &[ListedLabel], columns: Option<usize>) -> String {
    let heads = COLUMNS.map(|column| column.head);
    let rows: Vec<_> = rows.iter().map(ListedLabel::cells).collect();
    let Some(columns) = columns else { return table(&heads, &rows) };
    let widths = Widths::fit(&COLUMNS, &rows, columns);
    let mut lines = vec![widths.line(&COLUMNS, &heads, columns)];
    lines.extend(rows.iter().map(|row| widths.line(&COLUMNS, row, columns)));
    lines.join("\n")
}

pub(super) async fn run(args: &Args, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let backend = Backend::find(config).await?;
    let jobs = args.filter.jobs(&backend, None, usize::MAX).await?;
    let now = Timestamp::now();
    let mut rows = Vec::new();
    for job in &jobs {
        let labels = job.labels.iter().map(|label| ListedLabel::of(job, label));
        rows.extend(labels.filter(|row| !args.upcoming || row.is_upcoming(now)));
    }
    if args.upcoming {
        // Those without a date come last.
        rows.sort_by_key(|row| (row.not_before.is_none(), row.not_before));
    }
    output.print_result(&rows, || match rows.as_slice() {
        [] if args.upcoming => "no upcoming labels".to_owned(),
        [] => "no labels".to_owned(),
        rows => table_text(rows, output.size().map(|size| size.columns)),
    })?;
    Ok(backend.exit())
}
