//! Number and digest of the entries of a store.

use std::collections::BTreeMap;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::copying::marks;
use crate::entry::Entry;
use crate::error::StoreError;
use crate::export::Exported;
use crate::store::Store;
use dropship_job::counted;

/// Number and digest of the entries of a store, in the order of an export. Marks of copies are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Fingerprint {
    /// Number of jobs.
    pub jobs: u64,
    /// Number of records in their histories.
    pub history: u64,
    /// Number of files that are known in the folders.
    pub files: u64,
    /// Number of published labels.
    pub published_labels: u64,
    /// Number of all entries.
    pub entries: u64,
    /// SHA-256 of all entries, each by its length and its JSON; lower-case hex.
    pub sha256: String,
}

impl Fingerprint {
    /// Reads a whole store.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn of(store: &dyn Store) -> Result<Self, StoreError> {
        let mut counter = EntryCounter::default();
        store.export(&mut |exported| counter.add(&exported).map(drop))?;
        Ok(counter.fingerprint())
    }

    /// Such as `3 jobs, 120 entries`.
    #[must_use]
    pub fn summary(&self) -> String {
        let entries = match self.entries {
            1 => "1 entry".to_owned(),
            entries => format!("{entries} entries"),
        };
        format!("{}, {entries}", counted(self.jobs, "job"))
    }
}

/// Counts entries one by one.
#[derive(Default)]
pub(super) struct EntryCounter {
    digest: Sha256,
    counts: BTreeMap<&'static str, u64>,
    entries: u64,
}

impl EntryCounter {
    /// Adds an entry; returns the size of its JSON, or `None` for the mark of a copy, which is left out.
    pub(super) fn add(&mut self, exported: &Exported) -> std::io::Result<Option<usize>> {
        if marks::is_mark(&exported.entry) {
            return Ok(None);
        }
        let text = serde_json::to_vec(exported)?;
        self.digest.update((text.len() as u64).to_be_bytes());
        self.digest.update(&text);
        *self.counts.entry(kind(&exported.entry)).or_default() += 1;
        self.entries += 1;
        Ok(Some(text.len()))
    }

    /// Number of entries so far.
    pub(super) fn entries(&self) -> u64 {
        self.entries
    }

    /// The counts so far.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        let count = |kind| self.counts.get(kind).copied().unwrap_or_default();
        let digest = self.digest.clone().finalize();
        Fingerprint {
            jobs: count(JOB),
            history: count(HISTORY),
            files: count(FILE),
            published_labels: count(PUBLISHED),
            entries: self.entries,
            sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

const JOB: &str = "job";
const HISTORY: &str = "history";
const FILE: &str = "file";
const PUBLISHED: &str = "published";

fn kind(entry: &Entry) -> &'static str {
    match entry {
        Entry::Snapshot { .. } => JOB,
        Entry::History { .. } => HISTORY,
        Entry::KnownFile { .. } => FILE,
        Entry::LabelPublished { .. } => PUBLISHED,
        _ => "other",
    }
}
