//! The labels of all packages.

use jiff::Timestamp;

use crate::web::rows::{LabelRow, Row};
use dropship_job::JobId;

/// A label of a row. Nothing is copied, because a page goes through many.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowLabel<'a> {
    /// The package.
    pub(super) row: &'a Row,
    /// Index of the label in the job.
    pub(super) index: usize,
    /// The label.
    pub(super) label: &'a LabelRow,
}

/// The labels of a package.
pub(super) fn of(row: &Row) -> impl Iterator<Item = RowLabel<'_>> {
    row.labels.iter().enumerate().map(move |(index, label)| RowLabel { row, index, label })
}

impl<'a> RowLabel<'a> {
    /// Whether it is still to be requested, published or live.
    pub(super) fn is_upcoming(self, now: Timestamp) -> bool {
        self.label.is_upcoming(self.row.stored_state().has_ended(), now)
    }

    /// The version of its driver, else the file name of its package.
    pub(super) fn version(self) -> &'a str {
        self.row.version().unwrap_or(&self.row.package)
    }

    /// The ring, else the name of the label.
    pub(super) fn ring(self) -> &'a str {
        self.label.ring.as_deref().unwrap_or(&self.label.name)
    }
}

/// A label and what is known of its package.
#[derive(Debug, Clone)]
pub(super) struct LabelEntry {
    /// The job.
    pub(super) job: JobId,
    /// Its index in the job.
    pub(super) index: usize,
    /// The labels of the job.
    labels: Box<[LabelRow]>,
    /// The file name of the package.
    pub(super) package: Box<str>,
    /// The driver.
    pub(super) driver: String,
    /// Its version.
    pub(super) version: Option<String>,
    /// When the package arrived.
    pub(super) created: Timestamp,
    /// When its job changed last.
    pub(super) updated: Timestamp,
    /// Whether its job has ended.
    pub(super) has_ended: bool,
}

impl LabelEntry {
    /// A copy, which outlives the rows.
    pub(super) fn of(row_label: RowLabel<'_>) -> Self {
        let row = row_label.row;
        Self {
            job: row.id.clone(),
            index: row_label.index,
            labels: row.labels.clone(),
            package: row.package.clone(),
            driver: row.driver(),
            version: row.version().map(str::to_owned),
            created: row.created,
            updated: row.updated,
            has_ended: row.stored_state().has_ended(),
        }
    }

    /// The label.
    pub(super) fn label(&self) -> &LabelRow {
        &self.labels[self.index]
    }

    /// Whether it is still to be requested, published or live.
    pub(super) fn is_upcoming(&self, now: Timestamp) -> bool {
        self.label().is_upcoming(self.has_ended, now)
    }

    /// The ring, else the name of the label.
    pub(super) fn ring(&self) -> &str {
        self.label().ring.as_deref().unwrap_or(&self.label().name)
    }

    /// When the last of the labels of the job with these names was or goes live.
    pub(super) fn live_of(&self, names: &[String]) -> Option<Timestamp> {
        let named = self.labels.iter().filter(|other| names.iter().any(|name| **name == *other.name));
        named.filter_map(LabelRow::live).max()
    }
}
