//! The scans of a folder: when one starts, its passes, and its end.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::FolderTask;
use crate::candidates::Trigger;
use crate::folder_context::FolderContext;
use crate::folder_issue::FolderIssue;
use crate::health::FolderState;
use crate::scan::{FolderMemory, Scan};

/// Minimum and maximum interval between scans of a folder that does not exist.
pub(super) const MISSING_INTERVAL: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));

/// Maximum interval between scans of a degraded folder: its recovery has to be seen within 15 seconds.
const DEGRADED_INTERVAL: Duration = Duration::from_secs(8);

/// Minimum and maximum pause after a full scan, even when events request another one. Between these limits, the pause is as
/// long as a pass took.
const SCAN_PAUSE: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(5));

impl FolderTask {
    pub(super) fn start_full_scan(&mut self) {
        let now = Instant::now();
        if self.scans.iter().any(|scan| scan.is_full) || now < self.no_scan_before {
            return;
        }
        let events_complete = self.context.pending.is_empty();
        if self.context.pending.take_scan_request() || now >= self.next_scan {
            self.scan_number += 1;
            self.scans.push_front(Scan::full(&self.context, self.scan_number, events_complete));
        }
    }

    /// Continues the scan under way by one pass or one file.
    pub(super) async fn continue_scan(&mut self) -> bool {
        let Some(mut scan) = self.scans.pop_front() else {
            return false;
        };
        if let Some((time, path)) = scan.queue.pop_front() {
            let trigger = Trigger::Scan { backlog_before: scan.backlog_before };
            let is_new = self.is_new(&path);
            if !self.evaluate(&path, trigger).await {
                scan.queue.push_front((time, path));
            } else if let Some(check) = scan.event_check(&path).filter(|_| is_new) {
                let context = Arc::clone(&self.context);
                let checked = tokio::task::spawn_blocking(move || {
                    let _work = context.begin_work();
                    check(&context);
                });
                if let Err(error) = checked.await {
                    let folder = &self.context.spec.name;
                    tracing::error!(folder, "failed to check the events of folder `{folder}`: {error}");
                }
            }
        } else if scan.is_pass_due {
            scan = match self.run_pass(scan).await {
                Some(scan) => scan,
                None => return true,
            };
        }
        if scan.is_done() {
            self.finish(scan).await;
            if self.scans.is_empty() {
                // Between its scans, a folder keeps no room for one: a kilobyte for each of ten thousand folders.
                self.scans = VecDeque::new();
            }
        } else {
            // Scans take turns too, the full one and those of new subfolders.
            self.scans.push_back(scan);
        }
        true
    }

    async fn run_pass(&mut self, mut scan: Scan) -> Option<Scan> {
        // A full scan may have started since. Files that this pass sees in a subfolder count as seen by that scan too.
        scan.number = self.scan_number;
        let (context, mut memory) = (Arc::clone(&self.context), std::mem::take(&mut self.memory));
        let pass = move || {
            let _work = context.begin_work();
            scan.run_pass(&context, &mut memory);
            if scan.is_full && scan.is_done() {
                // No new files, as in most scans: reporting here saves a second blocking task.
                report_removed(&context, &mut memory, &mut scan);
            }
            (scan, memory)
        };
        let pool = if self.context.is_remote() { &self.threads.remote } else { &self.threads.local };
        match pool.run(&self.context.progress, pass).await {
            Ok((scan, memory)) => {
                self.memory = memory;
                Some(scan)
            }
            Err(error) => {
                let folder = &self.context.spec.name;
                tracing::error!(
                    folder,
                    "scan of folder `{folder}` failed: {error}; retrying at the next poll"
                );
                self.next_scan = Instant::now() + self.context.spec.poll;
                None
            }
        }
    }

    async fn finish(&mut self, mut scan: Scan) {
        if !scan.is_full {
            return;
        }
        let now = Instant::now();
        let took = now.duration_since(scan.started);
        let poll = self.context.spec.poll;
        let is_missing = scan.dirs.is_empty();
        self.missing_interval =
            if is_missing { (self.missing_interval * 2).min(MISSING_INTERVAL.1) } else { MISSING_INTERVAL.0 };
        self.next_scan = now + if is_missing { self.missing_interval.min(poll) } else { poll };
        self.no_scan_before = now + scan.pass_took.clamp(SCAN_PAUSE.0, SCAN_PAUSE.1);
        if !scan.has_reported_removals {
            scan = self.report_removed(scan).await;
        }
        let dropped = self.memory.candidates.take_dropped();
        let mut issues = scan.issues;
        if dropped > 0 {
            issues.push(FolderIssue::polling(
                format!("more incomplete or unsettled files than can be tracked; not tracked: {dropped}"),
                "they are checked at each `poll`; is this the right folder?",
            ));
        }
        if issues.iter().any(|issue| issue.state == FolderState::Degraded) {
            self.next_scan = self.next_scan.min(now + DEGRADED_INTERVAL.max(took * 4));
        }
        self.record_scan(issues, scan.is_complete, took);
        let folder = &self.context.spec.name;
        tracing::debug!(folder, "scan {} of folder `{folder}` took {} ms", scan.number, took.as_millis());
        self.context.initial_scan.cancel();
    }

    async fn report_removed(&mut self, mut scan: Scan) -> Scan {
        let (context, mut memory) = (Arc::clone(&self.context), std::mem::take(&mut self.memory));
        let number = scan.number;
        let reported = tokio::task::spawn_blocking(move || {
            report_removed(&context, &mut memory, &mut scan);
            (scan, memory)
        });
        match reported.await {
            Ok((scan, memory)) => {
                self.memory = memory;
                scan
            }
            Err(error) => {
                let folder = &self.context.spec.name;
                tracing::error!(folder, "failed to process the removed files of folder `{folder}`: {error}");
                Scan::failed(&self.context, number)
            }
        }
    }

    fn record_scan(&self, issues: Vec<FolderIssue>, is_complete: bool, took: Duration) {
        let FolderContext { spec, events, .. } = &*self.context;
        let mut status = self.context.status();
        let is_known = |issue: &&FolderIssue| status.issues.contains(issue);
        let new_issues: Vec<_> = issues.iter().filter(|issue| !is_known(issue)).cloned().collect();
        let has_recovered = issues.is_empty() && !status.issues.is_empty();
        status.issues = issues;
        // Updated before the scan is reported as done, so that an observer that waits for idleness sees the candidates.
        status.candidates = self.memory.candidates.len();
        status.scans += 1;
        status.last_scan_took = took;
        if is_complete {
            status.last_scan = Some(jiff::Timestamp::now());
        }
        drop(status);
        new_issues.iter().for_each(|issue| issue.report(&**events, &spec.name));
        if has_recovered {
            events.recovered(&spec.name);
        }
    }
}

/// Notifies the receiver of files that a complete scan did not see, and stops watching removed directories. Blocks.
fn report_removed(context: &FolderContext, memory: &mut FolderMemory, scan: &mut Scan) {
    scan.has_reported_removals = true;
    if !scan.is_complete {
        return;
    }
    let removed = memory.known.take_removed(&context.spec.path, &scan.devs, scan.number);
    removed.iter().for_each(|path| context.receiver.on_removed(&context.spec.name, path));
    context.receiver.on_scan_complete(&context.spec.name);
    context.watcher.release(&context.pending, |dir| scan.dirs.contains(dir));
}
