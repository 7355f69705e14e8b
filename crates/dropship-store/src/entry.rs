//! The content of the journal: lines of entries.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::published::{LabelCheck, PublishedLabel};
use dropship_job::{Event, Job, JobId, RemoteId};

/// The version of lines that this program writes, and the only one that it reads: versions 1 to 3 were never released.
pub(crate) const LINE_VERSION: u32 = 4;

/// One line of the journal: entries that become true together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// Version of the line's form.
    pub v: u32,
    /// Counts lines from 1. A segment starts with a line without entries that repeats the last number.
    pub seq: u64,
    /// The time of the commit.
    pub at: Timestamp,
    /// Bytes of the segment that were on the disk when the line was written. Bad bytes among them are damage, bad bytes
    /// beyond them an unfinished write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synced: Option<u64>,
    /// The entries, in order.
    pub entries: Vec<Entry>,
}

impl Line {
    /// A line of the present form that is not written yet.
    pub(crate) fn new(seq: u64, at: Timestamp, entries: Vec<Entry>) -> Self {
        Self { v: LINE_VERSION, seq, at, synced: None, entries }
    }
}

/// One fact that the journal records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Entry {
    /// Events of a job.
    Job {
        /// The job.
        job: JobId,
        /// The number of events that it had before; a commit that does not fit is refused.
        rev: u64,
        /// The events, in order.
        events: Vec<Event>,
    },
    /// A job in its present form. Compaction writes it in place of the lines that led to it.
    Snapshot {
        /// The job.
        job: Box<Job>,
        /// Whether its last receipt is in the outbox.
        receipt_written: bool,
    },
    /// Earlier events of a job, kept by compaction for its history alone.
    History {
        /// The job.
        job: JobId,
        /// The events, each with the number of events before it.
        events: Vec<(u64, Event)>,
    },
    /// A file in a folder holds the bytes of a job.
    KnownFile {
        /// Name of the folder.
        folder: String,
        /// Its path, as [`path_key`](crate::path_key) writes it.
        path: String,
        /// Distinguishes this file from another one at the same path.
        identity: String,
        /// SHA-256 of its bytes, lower-case hex.
        sha256: String,
        /// The job of these bytes.
        job: JobId,
    },
    /// A known file has left its folder.
    FileRemoved {
        /// Name of the folder.
        folder: String,
        /// Its path.
        path: String,
    },
    /// An inspection of these bytes starts.
    InspectionStarted {
        /// SHA-256 of the bytes.
        sha256: String,
    },
    /// The number of inspections that started and never ended. Compaction writes it in place of the lines that counted them.
    CrashedInspections {
        /// SHA-256 of the bytes.
        sha256: String,
        /// The number.
        count: u64,
    },
    /// An inspection of these bytes ended, with any verdict.
    InspectionEnded {
        /// SHA-256 of the bytes.
        sha256: String,
    },
    /// A setting that outlives the daemon: a pause, the endpoint, the initial scan of a folder.
    Setting {
        /// Its key.
        key: String,
        /// Its value; absent: the setting is removed.
        value: Option<String>,
    },
    /// The receipt of an ended job is in its outbox.
    ReceiptWritten {
        /// The job.
        job: JobId,
        /// The number of events that the receipt covers.
        rev: u64,
    },
    /// Objects at the service belong to a pruned job. Compaction writes it in place of the job's lines.
    Ownership {
        /// The job.
        job: JobId,
        /// Ids of the objects.
        remotes: Vec<RemoteId>,
    },
    /// A label is published, or what is known of a published label has changed. With a new label comes a
    /// [`LabelChecked`](Self::LabelChecked).
    LabelPublished {
        /// The label.
        label: Box<PublishedLabel>,
    },
    /// A label is not published any more.
    LabelForgotten {
        /// Its id.
        label: RemoteId,
    },
    /// A published label was compared with the service, or has to be.
    LabelChecked {
        /// Its id.
        label: RemoteId,
        /// When, and with which result.
        check: LabelCheck,
    },
    /// An ended job is deleted. Its bytes stay known while they are in the folder.
    Pruned {
        /// The job.
        job: JobId,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published() -> PublishedLabel {
        use dropship_job::testing::{at, job_id};
        PublishedLabel {
            id: RemoteId::new(1_152_921_504_621_465_200),
            name: "echo test ring".into(),
            job: job_id(),
            package: "echo.cab".into(),
            rule: "ring".into(),
            account: "default".into(),
            product: RemoteId::new(14_631_253_285_588_838),
            submission: RemoteId::new(1_152_921_504_621_465_124),
            audiences: vec!["Test Registry Key".into()],
            published: at(0),
            go_live: Some(at(604_800)),
            supersedes: vec![RemoteId::new(1_152_921_504_621_465_000)],
            superseded_by: vec![RemoteId::new(1_152_921_504_621_465_300)],
            reach: Some("{}".into()),
            series: None,
            targets: vec![crate::published::PublishedTarget {
                hardware_id: "pci\\ven_8086&dev_1".into(),
                os: "WINDOWS_v100_X64_CO_FULL".into(),
                bundle: "b1".into(),
                inf: "echo.inf".into(),
                version: Some("1.0.0.1".into()),
            }],
        }
    }

    /// One instance of every entry. Optional fields are set.
    fn one_of_each_entry() -> Vec<Entry> {
        use dropship_job::testing::{at, job, job_id, one_of_each_event};
        let sha256 = || "ab".repeat(32);
        let first = || one_of_each_event().into_iter().take(1);
        dropship_job::one_of_each!(Entry:
            Entry::Job { .. } => Entry::Job { job: job_id(), rev: 3, events: first().collect() },
            Entry::Snapshot { .. } => {
                Entry::Snapshot { job: Box::new(job().expect("a legal life")), receipt_written: true }
            },
            Entry::History { .. } => {
                Entry::History { job: job_id(), events: first().map(|event| (0, event)).collect() }
            },
            Entry::KnownFile { .. } => Entry::KnownFile {
                folder: "in".into(),
                path: "/srv/drop/echo.cab".into(),
                identity: "1:2:3:4".into(),
                sha256: sha256(),
                job: job_id(),
            },
            Entry::FileRemoved { .. } => Entry::FileRemoved { folder: "in".into(), path: "/srv/drop/echo.cab".into() },
            Entry::InspectionStarted { .. } => Entry::InspectionStarted { sha256: sha256() },
            Entry::CrashedInspections { .. } => Entry::CrashedInspections { sha256: sha256(), count: 2 },
            Entry::InspectionEnded { .. } => Entry::InspectionEnded { sha256: sha256() },
            Entry::Setting { .. } => Entry::Setting { key: "paused".into(), value: Some(at(0).to_string()) },
            Entry::ReceiptWritten { .. } => Entry::ReceiptWritten { job: job_id(), rev: 3 },
            Entry::Ownership { .. } => Entry::Ownership { job: job_id(), remotes: vec![RemoteId::new(14_631_253_285_588_838)] },
            Entry::LabelPublished { .. } => Entry::LabelPublished { label: Box::new(published()) },
            Entry::LabelForgotten { .. } => Entry::LabelForgotten { label: RemoteId::new(1_152_921_504_621_465_200) },
            Entry::LabelChecked { .. } => Entry::LabelChecked {
                label: RemoteId::new(1_152_921_504_621_465_200),
                check: LabelCheck { at: at(0), missing_since: Some(at(-60)), edited: true },
            },
            Entry::Pruned { .. } => Entry::Pruned { job: job_id() },
        )
    }

    /// The journal is read by later versions: a change of this file is a change of the store's format.
    #[test]
    fn journal_lines_are_as_recorded() {
        let mut lines = String::new();
        for (number, entry) in (1..).zip(one_of_each_entry()) {
            let mut line = Line::new(number, dropship_job::testing::at(0), vec![entry]);
            line.synced = Some(4096);
            let text = serde_json::to_string(&line).expect("lines are JSON");
            assert_eq!(serde_json::from_str::<Line>(&text).expect("a line is read as it was written"), line);
            lines.push_str(&text);
            lines.push('\n');
        }
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!("journal", lines);
        });
    }
}
