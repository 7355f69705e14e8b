//! The labels of all packages.

use std::sync::Arc;

use jiff::Timestamp;

use crate::web::rows::{LabelRow, Row, Rows};
use dropship_job::JobId;

/// A label and what is known of its package.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The job.
    pub(super) job: JobId,
    /// Its index in the job.
    pub(super) index: usize,
    /// The label.
    pub(super) label: LabelRow,
    /// The file name of the package.
    pub(super) package: Arc<str>,
    /// The driver.
    pub(super) driver: Arc<str>,
    /// Its version.
    pub(super) version: Option<Arc<str>>,
    /// When the package arrived.
    pub(super) created: Timestamp,
    /// When its job changed last.
    pub(super) updated: Timestamp,
    /// Whether its job has ended.
    pub(super) has_ended: bool,
}

impl Entry {
    /// Whether it is still to be requested, published or live.
    pub(super) fn is_upcoming(&self, now: Timestamp) -> bool {
        self.label.is_upcoming(self.has_ended, now)
    }

    /// The version, else the file name of the package.
    pub(super) fn version_text(&self) -> &str {
        self.version.as_deref().unwrap_or(&self.package)
    }

    /// The ring, else the name of the label.
    pub(super) fn ring(&self) -> &str {
        self.label.ring.as_deref().unwrap_or(&self.label.name)
    }
}

/// The labels whose name, package or driver has all these words, which are in lower case; those of the newest package first.
pub(super) fn all(rows: &Rows, words: &[String]) -> Vec<Entry> {
    let with_labels = rows.newest_first().filter(|row| !row.labels.is_empty());
    with_labels.flat_map(|row| of_row(row, words)).collect()
}

fn of_row(row: &Row, words: &[String]) -> Vec<Entry> {
    let driver: Arc<str> = row.driver().into();
    let package: Arc<str> = (*row.package).into();
    let version = row.version().map(Arc::from);
    let has_all = |label: &LabelRow| {
        words.iter().all(|word| {
            let texts = [&*label.name, &*package, &*driver, version.as_deref().unwrap_or_default()];
            texts.iter().any(|text| text.to_lowercase().contains(word)) || row.id.as_str() == word
        })
    };
    let labels = row.labels.iter().enumerate().filter(|(_, label)| has_all(label));
    let entry = |(index, label): (usize, &LabelRow)| Entry {
        job: row.id.clone(),
        index,
        label: label.clone(),
        package: Arc::clone(&package),
        driver: Arc::clone(&driver),
        version: version.clone(),
        created: row.created,
        updated: row.updated,
        has_ended: row.state.has_ended(),
    };
    labels.map(entry).collect()
}
