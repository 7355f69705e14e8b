//! The lines above the table: the daemon, the number of jobs, pauses, and what needs attention.

use super::frame::{Style, StyledLine};
use crate::cli::status;
use crate::control::Status;
use crate::wording::{Clock, pauses};
use dropship_job::counted;

/// The lines in at most `max` lines; what does not fit is counted.
pub(super) fn rows(status: &Status, clock: &Clock, max: usize) -> Vec<StyledLine> {
    let started = status.since.map(|since| format!(" running {}", clock.since(since))).unwrap_or_default();
    let sandbox = if status.sandbox { " (a sandbox)" } else { "" };
    let first = format!("dropship {}{started}, submitting to {}{sandbox}", status.version, status.endpoint);
    let mut rows =
        vec![StyledLine::new(first, Style::Bold), StyledLine::new(status::job_counts(status), Style::Plain)];
    rows.extend(pauses(&status.paused).into_iter().map(|line| StyledLine::new(line, Style::Warning)));
    for item in &status.trouble {
        let line = format!("TROUBLE {}: {}", item.kind.name(), item.message);
        rows.push(StyledLine::new(line, Style::Bad));
    }
    for folder in &status.folders {
        rows.extend(
            status::folder_problems(folder).into_iter().map(|line| StyledLine::new(line, Style::Warning)),
        );
    }
    if rows.len() > max {
        let hidden = rows.len() - max.saturating_sub(1);
        rows.truncate(max.saturating_sub(1));
        rows.push(StyledLine::new(
            format!("{} in `dropship status`", counted(hidden, "more line")),
            Style::Warning,
        ));
    }
    rows
}
