//! The table of jobs of `jobs` and `top`.

use super::output::or_dash;
use super::table::{Column, Cut, Widths, table};
use crate::wording::Clock;
use dropship_engine::outbox::Receipt;
use dropship_redact::Escaped;

/// The columns. An id is complete, because it is pasted into commands.
pub(super) const COLUMNS: [Column; 8] = [
    Column { head: "JOB", min: None, drop_order: None, cut: Cut::End },
    Column { head: "PACKAGE", min: Some(24), drop_order: None, cut: Cut::Middle },
    Column { head: "FOLDER", min: Some(6), drop_order: Some(2), cut: Cut::End },
    Column { head: "RULE", min: Some(8), drop_order: Some(1), cut: Cut::End },
    Column { head: "STEP", min: None, drop_order: Some(4), cut: Cut::End },
    Column { head: "STATE", min: None, drop_order: None, cut: Cut::End },
    Column { head: "SINCE", min: None, drop_order: Some(5), cut: Cut::End },
    Column { head: "", min: Some(24), drop_order: Some(3), cut: Cut::End },
];

/// Index of the column with the state.
pub(super) const STATE: usize = 5;

/// The heads of the columns.
pub(super) fn heads() -> [&'static str; 8] {
    COLUMNS.map(|column| column.head)
}

/// The table where there is no terminal.
pub(super) fn plain(jobs: &[Receipt]) -> String {
    let row = |job: &Receipt| {
        let mut row = cells(job, utc(job));
        row[7] = shortened(&row[7]);
        row
    };
    table(&heads(), &jobs.iter().map(row).collect::<Vec<_>>())
}

/// The lines of the table on a terminal of this width.
pub(super) fn fitted(jobs: &[Receipt], columns: usize, clock: &Clock) -> Vec<String> {
    let rows = rows(jobs, clock);
    let widths = Widths::fit(&COLUMNS, &rows, columns);
    let mut lines = vec![widths.line(&COLUMNS, &heads(), columns)];
    lines.extend(rows.iter().map(|row| widths.line(&COLUMNS, row, columns)));
    lines
}

/// The cells of the jobs, with times for a terminal.
pub(super) fn rows(jobs: &[Receipt], clock: &Clock) -> Vec<Vec<String>> {
    jobs.iter().map(|job| cells(job, clock.short(job.updated))).collect()
}

fn utc(job: &Receipt) -> String {
    job.updated.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

fn cells(job: &Receipt, since: String) -> Vec<String> {
    let note = job.error.as_ref().map(|error| error.message.clone()).or_else(|| job.waits_for.clone());
    vec![
        job.id.to_string(),
        Escaped(&job.package).to_string(),
        or_dash(job.folder.as_deref()),
        or_dash(job.rule.as_deref()),
        job.step.to_string(),
        job.state.to_string(),
        since,
        Escaped(&note.unwrap_or_default()).to_string(),
    ]
}

/// The note in a table that no terminal limits.
fn shortened(note: &str) -> String {
    const COLUMNS: usize = 60;
    super::text_width::shortened(note, COLUMNS)
}
