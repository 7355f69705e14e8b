//! A scan of a folder or subfolder. It makes passes over it until every unknown file has been offered once.

mod event_check;
mod mount;
mod pass;

use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use crate::FileTime;
use crate::folder_context::FolderContext;
use crate::folder_issue::FolderIssue;

pub(crate) use pass::{FolderMemory, ScanCursor};
#[cfg(test)]
pub(crate) use {event_check::detect_missed_event, pass::MAX_FOUND};

/// A scan under way.
#[derive(Debug)]
pub(crate) struct Scan {
    start: PathBuf,
    /// True for a scan of the whole folder. Only such a scan can detect removed files.
    pub(crate) is_full: bool,
    /// Number of the folder's full scan. A scan of a subfolder has that of the last full scan.
    pub(crate) number: u64,
    /// For the initial scan of this run: when it started.
    pub(crate) backlog_before: Option<FileTime>,
    pub(crate) started: Instant,
    /// The wall-clock time of `started`.
    started_wall_clock: FileTime,
    /// Duration of the last pass.
    pub(crate) pass_took: Duration,
    /// Files that are to be offered, oldest first.
    pub(crate) queue: VecDeque<ScanCursor>,
    /// True if another pass is needed, which continues at `cursor`.
    pub(crate) is_pass_due: bool,
    cursor: Option<ScanCursor>,
    pub(crate) is_complete: bool,
    pub(crate) dirs: HashSet<PathBuf>,
    pub(crate) devs: Vec<u64>,
    pub(crate) issues: Vec<FolderIssue>,
    /// The receiver has been notified of removed files.
    pub(crate) has_reported_removals: bool,
    /// Every change between this time and the start of the scan should have been reported by an event.
    events_since: Option<FileTime>,
}

impl Scan {
    /// A full scan. `events_complete`: all events so far have been processed and none was lost.
    pub(crate) fn full(context: &FolderContext, number: u64, events_complete: bool) -> Self {
        let is_initial = !context.initial_scan.is_cancelled();
        let mut scan = Self::new(context.spec.path.clone(), true, number);
        scan.backlog_before = is_initial.then_some(scan.started_wall_clock);
        let mut status = context.status();
        if !events_complete {
            status.events_since = status.events_since.map(|_| FileTime::now());
        }
        scan.events_since = status.events_since;
        drop(status);
        scan
    }

    /// A scan of a subfolder that an event reported.
    pub(crate) fn of_subfolder(path: PathBuf, number: u64) -> Self {
        Self::new(path, false, number)
    }

    /// A full scan that did not end.
    pub(crate) fn failed(context: &FolderContext, number: u64) -> Self {
        Self { is_complete: false, ..Self::new(context.spec.path.clone(), true, number) }
    }

    fn new(start: PathBuf, is_full: bool, number: u64) -> Self {
        Self {
            start,
            is_full,
            number,
            backlog_before: None,
            started: Instant::now(),
            started_wall_clock: FileTime::now(),
            pass_took: Duration::ZERO,
            queue: VecDeque::new(),
            is_pass_due: true,
            cursor: None,
            is_complete: true,
            dirs: HashSet::new(),
            devs: Vec::new(),
            issues: Vec::new(),
            has_reported_removals: false,
            events_since: None,
        }
    }

    /// Goes over the directories once and queues the oldest unknown files. Blocks on the file system.
    pub(crate) fn run_pass(&mut self, context: &FolderContext, memory: &mut FolderMemory) {
        let start = Instant::now();
        if self.is_full {
            self.issues = mount::check(context).into_iter().collect();
        }
        let pass = pass::run(context, memory, &self.start, self.cursor.as_ref(), self.number);
        self.cursor = pass.found.last().cloned();
        self.queue = pass.found.into();
        self.is_pass_due = pass.has_more;
        self.is_complete &= !pass.is_broken;
        self.dirs = pass.dirs;
        self.devs = pass.devs;
        let mut status = context.status();
        if self.is_full {
            status.is_unwatched = pass.is_unwatched;
            if !pass.is_broken {
                status.ignored = pass.ignored;
            }
        } else {
            status.is_unwatched |= pass.is_unwatched;
            status.ignored.merge(pass.ignored);
        }
        drop(status);
        self.issues.extend(pass.issues);
        self.pass_took = start.elapsed();
        if let (true, true, Some(dev)) = (self.is_full, self.issues.is_empty(), self.devs.first()) {
            event_check::test_arrival(context, *dev);
        }
    }

    /// The check whether an event should have reported the unknown file at `path`, which this scan found. It blocks on the file
    /// system.
    pub(crate) fn event_check(&self, path: &Path) -> Option<impl FnOnce(&FolderContext) + Send + use<>> {
        let (since, started_wall_clock, path) =
            (self.events_since?, self.started_wall_clock, path.to_owned());
        Some(move |context: &FolderContext| {
            event_check::detect_missed_event(context, &path, since, started_wall_clock);
        })
    }

    /// Whether every unknown file has been offered.
    pub(crate) fn is_done(&self) -> bool {
        self.queue.is_empty() && !self.is_pass_due
    }
}
