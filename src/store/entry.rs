//! What is written: the lines of the journal.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use dropship_job::{Event, Job, JobId};

/// One line of the journal: entries that become true together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Line {
    /// Version of the line's form.
    pub v: u32,
    /// Counts lines from 1; a segment begins with a line of no entries that repeats the last number.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Bytes of the segment that were on the disk when the line was written: what is bad among them was whole once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synced: Option<u64>,
    /// What.
    pub entries: Vec<Entry>,
}

impl Line {
    /// A line of the present form that is yet to be written.
    pub(super) fn new(seq: u64, at: Timestamp, entries: Vec<Entry>) -> Self {
        Self { v: LINE_VERSION, seq, at, synced: None, entries }
    }
}

/// The version of lines that this program writes, and the only one that it reads: version 1 was never released.
pub(super) const LINE_VERSION: u32 = 2;

/// One thing that became true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Entry {
    /// Something happened to a job.
    Job {
        /// To which.
        job: JobId,
        /// How many events it had before; a commit that does not fit is refused.
        rev: u64,
        /// What, in order.
        events: Vec<Event>,
    },
    /// A job as it stands, in place of the lines that led there: those were the journal's oldest, and went.
    Snapshot {
        /// The job.
        job: Box<Job>,
        /// Its receipt lies in its outbox.
        receipt_written: bool,
    },
    /// What once happened to a job, for its story alone.
    History {
        /// To which.
        job: JobId,
        /// What, each with the number of events before it.
        events: Vec<(u64, Event)>,
    },
    /// A file in a folder is known to hold the bytes of a job.
    KnownFile {
        /// Name of the folder.
        folder: String,
        /// Its path, as [`path_key`] writes it.
        path: String,
        /// What tells this very file from another at the same path.
        identity: String,
        /// SHA-256 of its bytes, lower-case hex.
        sha256: String,
        /// The job that its bytes belong to.
        job: JobId,
    },
    /// A known file is no longer there.
    FileRemoved {
        /// Name of the folder.
        folder: String,
        /// Its path.
        path: String,
    },
    /// An inspection of these bytes begins.
    InspectionStarted {
        /// SHA-256 of the bytes.
        sha256: String,
    },
    /// So many inspections of these bytes began and did not end, in place of the lines that counted them.
    CrashedInspections {
        /// SHA-256 of the bytes.
        sha256: String,
        /// How many.
        count: u64,
    },
    /// The inspection of these bytes ended, whatever it said.
    InspectionEnded {
        /// SHA-256 of the bytes.
        sha256: String,
    },
    /// A setting that outlives the daemon: a pause, the endpoint, a folder's first look.
    Setting {
        /// Its name.
        key: String,
        /// Its value; absent: no longer set.
        value: Option<String>,
    },
    /// The receipt of an ended job lies in its outbox.
    ReceiptWritten {
        /// Which job's.
        job: JobId,
        /// How many events the job had then; it says nothing about later ones.
        rev: u64,
    },
    /// Things at the service are a job's that is forgotten, in place of its lines, which went.
    Ownership {
        /// Whose.
        job: JobId,
        /// Their ids.
        remotes: Vec<u64>,
    },
    /// An ended job is forgotten; that its bytes are known is not.
    Pruned {
        /// Which.
        job: JobId,
    },
}

/// A path as text without loss: bytes that are no UTF-8, and backslashes, are written as `\xNN`.
#[must_use]
pub fn path_key(path: &std::path::Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let mut text = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        for letter in chunk.valid().chars() {
            if letter == '\\' || letter.is_control() {
                text.push_str(&format!("\\x{:02x}", u32::from(letter)));
            } else {
                text.push(letter);
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn different_paths_have_different_keys() {
        let paths: [&[u8]; 5] =
            [b"/a b.cab", b"/a\xffb.cab", b"/a\\xffb.cab", b"/a\nb.cab", "/ä.cab".as_bytes()];
        let keys: Vec<_> =
            paths.iter().map(|bytes| path_key(std::ffi::OsStr::from_bytes(bytes).as_ref())).collect();
        assert_eq!(keys, ["/a b.cab", "/a\\xffb.cab", "/a\\x5cxffb.cab", "/a\\x0ab.cab", "/ä.cab"]);
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
            Entry::Ownership { .. } => Entry::Ownership { job: job_id(), remotes: vec![14_631_253_285_588_838] },
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
