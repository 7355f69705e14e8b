//! The task of one folder. It takes turns between pending events, due candidates and the scan under way, one file of each.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::candidates::Trigger;
use crate::evaluate::{Outcome, evaluate};
use crate::events::FileEvent;
use crate::folder_context::FolderContext;
use crate::folder_issue::FolderIssue;
use crate::health::FolderState;
use crate::names::NameClass;
use crate::scan::{FolderMemory, Scan};
use crate::{Backpressure, Loss};

/// Minimum and maximum interval between scans of a folder that does not exist.
const MISSING_INTERVAL: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));

/// Maximum interval between scans of a degraded folder: its recovery has to be seen within 15 seconds.
const DEGRADED_INTERVAL: Duration = Duration::from_secs(10);

/// Minimum and maximum interval between attempts under backpressure.
const CAPACITY_INTERVAL: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// Minimum and maximum pause after a full scan, even when events request another one. Between these limits, the pause is as
/// long as a pass took.
const SCAN_PAUSE: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(5));

/// Maximum number of scans of new subfolders that wait. With more, one full scan sees them all.
const MAX_QUEUED_SCANS: usize = 64;

pub(crate) struct FolderTask {
    context: Arc<FolderContext>,
    stop: CancellationToken,
    /// Limits how many folders are scanned at the same time.
    passes: Arc<Semaphore>,
    memory: FolderMemory,
    /// The full scan, if one is under way, and scans of new subfolders.
    scans: VecDeque<Scan>,
    /// Number of full scans that were started.
    scan_number: u64,
    next_scan: Instant,
    no_scan_before: Instant,
    missing_interval: Duration,
    /// The last file met backpressure.
    is_paused: bool,
    pause: Duration,
}

impl FolderTask {
    pub(crate) fn new(context: Arc<FolderContext>, passes: Arc<Semaphore>, stop: CancellationToken) -> Self {
        let now = Instant::now();
        Self {
            context,
            stop,
            passes,
            memory: FolderMemory::default(),
            scans: VecDeque::new(),
            scan_number: 0,
            next_scan: now,
            no_scan_before: now,
            missing_interval: MISSING_INTERVAL.0,
            is_paused: false,
            pause: Duration::ZERO,
        }
    }

    pub(crate) async fn run(mut self) {
        while !self.stop.is_cancelled() {
            // Boxed, so that a waiting folder does not keep the memory of a turn: most folders wait most of the time.
            if !Box::pin(self.turn()).await {
                self.wait().await;
            }
        }
        self.context.queue.leave(&self.context.spec.name);
        self.context.watcher.release(&self.context.pending, |_| false);
        self.context.initial_scan.cancel();
    }

    /// Processes one event, one due candidate and one step of a scan. Returns false if there was nothing to do.
    async fn turn(&mut self) -> bool {
        if self.is_paused {
            return false;
        }
        let event = self.process_event().await;
        let due = !self.is_paused && self.process_due().await;
        self.start_full_scan();
        let scan = !self.is_paused && self.continue_scan().await;
        let is_busy = event || due || scan;
        self.update_status(is_busy);
        is_busy
    }

    async fn wait(&mut self) {
        if self.is_paused {
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = self.context.queue.wait(&self.context.spec.name, self.pause) => {}
            }
            self.is_paused = false;
            return;
        }
        let requested = self.context.pending.is_scan_requested().then_some(self.no_scan_before);
        let due = [self.memory.candidates.next_due(), requested];
        let until = due.into_iter().flatten().fold(self.next_scan, Instant::min);
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = tokio::time::sleep_until(until) => {}
            () = self.context.pending.wait() => {}
        }
    }

    async fn process_event(&mut self) -> bool {
        let Some((path, event)) = self.context.pending.next() else {
            return false;
        };
        let is_wanted = path.file_name().is_some_and(|name| self.context.classify(name) != NameClass::Other);
        let companion_of = self.context.spec.ready.companion_of(&path);
        let (file, trigger) = match (event, companion_of) {
            (_, Some(file)) => (file, Trigger::Companion),
            _ if !is_wanted && self.context.spec.depth == 0 => return true,
            (FileEvent::Finished, _) => (path.clone(), Trigger::Finished),
            (FileEvent::Created, _) => (path.clone(), Trigger::Created),
            (FileEvent::Removed, _) => (path.clone(), Trigger::Due),
        };
        if !self.evaluate(&file, trigger).await {
            self.context.pending.put_back(path, event);
        }
        true
    }

    async fn process_due(&mut self) -> bool {
        let Some(path) = self.memory.candidates.due(Instant::now()) else {
            return false;
        };
        self.evaluate(&path, Trigger::Due).await;
        true
    }

    /// Evaluates one file. Returns false on backpressure, without having changed anything.
    async fn evaluate(&mut self, path: &Path, trigger: Trigger) -> bool {
        let known = self.memory.candidates.get(path).cloned();
        let gates = &self.context.gates;
        let gate = Arc::clone(if self.context.is_remote() { &gates.remote } else { &gates.local });
        let Ok(permit) = gate.acquire_owned().await else {
            return true;
        };
        let (context, at) = (Arc::clone(&self.context), path.to_owned());
        let outcome = tokio::task::spawn_blocking(move || {
            let outcome = evaluate(&context, &at, known, trigger);
            drop(permit);
            outcome
        });
        match outcome.await {
            Ok(Outcome::Backpressure(backpressure)) => {
                self.pause_for_capacity(backpressure);
                return false;
            }
            Ok(outcome) => {
                self.report_loss(path, trigger, &outcome);
                self.remember(path, outcome);
            }
            Err(error) => {
                // The receiver panicked. The next full scan finds the file again.
                let folder = &self.context.spec.name;
                tracing::error!(folder, path = %path.display(), "failed to process {}: {error}", path.display());
                self.remember(path, Outcome::Nothing);
            }
        }
        self.context.queue.leave(&self.context.spec.name);
        if std::mem::take(&mut self.pause) > Duration::ZERO
            && self.context.status().backpressure.take().is_some()
        {
            let folder = &self.context.spec.name;
            tracing::debug!(folder, "capacity for folder `{folder}` is available again");
        }
        true
    }

    /// Reports a file that was found and is lost now: it vanished, or another one has its place.
    fn report_loss(&self, path: &Path, trigger: Trigger, outcome: &Outcome) {
        let before = self.memory.candidates.get(path).map(|candidate| candidate.identity);
        let now = match outcome {
            Outcome::Waits(candidate) => Some(candidate.identity),
            Outcome::Known { identity, .. } => Some(*identity),
            _ => None,
        };
        let loss = match (before, now) {
            // A writer that begins again truncates the file.
            (Some(old), Some(new)) if (old.dev, old.ino) != (new.dev, new.ino) || new.size < old.size => {
                Loss::Overwritten
            }
            (Some(_), None) if matches!(outcome, Outcome::Gone) => Loss::Vanished,
            (None, None)
                if matches!((outcome, trigger), (Outcome::Gone, Trigger::Scan { .. }))
                    && self.is_new(path) =>
            {
                Loss::Vanished
            }
            _ => return,
        };
        self.context.events.lost(&self.context.spec.name, path, loss);
    }

    fn remember(&mut self, path: &Path, outcome: Outcome) {
        match outcome {
            Outcome::Waits(candidate) => return self.memory.candidates.put(path, candidate),
            Outcome::Ignored(changed) => self.context.status().ignored.insert(path, changed),
            Outcome::Gone | Outcome::Nothing | Outcome::Backpressure(_) => {
                self.context.status().ignored.remove(path)
            }
            Outcome::Directory => self.queue_subfolder(path.to_owned()),
            Outcome::Known { identity, admitted } => {
                self.memory.known.seen(&self.context.spec.path, path, identity.dev, self.scan_number);
                self.context.status().accepted += u64::from(admitted);
            }
        }
        self.memory.candidates.remove(path);
    }

    fn queue_subfolder(&mut self, path: PathBuf) {
        if self.scans.len() < MAX_QUEUED_SCANS {
            self.scans.push_back(Scan::of_subfolder(path, self.scan_number));
        } else {
            self.context.pending.request_scan();
        }
    }

    fn pause_for_capacity(&mut self, Backpressure { reason, folder_only }: Backpressure) {
        let FolderContext { spec, queue, .. } = &*self.context;
        if folder_only {
            // No other folder has to wait for this one.
            queue.leave(&spec.name);
        } else {
            queue.enter(&spec.name, spec.priority);
        }
        self.is_paused = true;
        self.pause = (self.pause * 2).clamp(CAPACITY_INTERVAL.0, CAPACITY_INTERVAL.1);
        if self.context.status().backpressure.replace(reason.clone()).is_none() {
            tracing::debug!(folder = %spec.name, "no capacity for a file of folder `{}`: {reason}", spec.name);
        }
    }

    fn start_full_scan(&mut self) {
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
    async fn continue_scan(&mut self) -> bool {
        let Some(mut scan) = self.scans.pop_front() else {
            return false;
        };
        if let Some((time, path)) = scan.queue.pop_front() {
            let trigger = Trigger::Scan { backlog_before: scan.backlog_before };
            let is_new = self.is_new(&path);
            if !self.evaluate(&path, trigger).await {
                scan.queue.push_front((time, path));
            } else if is_new {
                scan.detect_missed_event(&self.context, &path);
            }
        } else if scan.is_pass_due {
            scan = match self.run_pass(scan).await {
                Some(scan) => scan,
                None => return true,
            };
        }
        if scan.is_done() {
            self.finish(scan).await;
        } else {
            // Scans take turns too, the full one and those of new subfolders.
            self.scans.push_back(scan);
        }
        true
    }

    async fn run_pass(&mut self, mut scan: Scan) -> Option<Scan> {
        let permit = Arc::clone(&self.passes).acquire_owned().await.ok()?;
        // A full scan may have started since. Files that this pass sees in a subfolder count as seen by that scan too.
        scan.number = self.scan_number;
        let (context, mut memory) = (Arc::clone(&self.context), std::mem::take(&mut self.memory));
        let passed = tokio::task::spawn_blocking(move || {
            scan.run_pass(&context, &mut memory);
            if scan.is_full && scan.is_done() {
                // No new files, as in most scans: reporting here saves a second blocking task.
                report_removed(&context, &mut memory, &mut scan);
            }
            drop(permit);
            (scan, memory)
        });
        match passed.await {
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
        if !scan.removals_reported {
            scan = self.report_removed(scan).await;
        }
        let dropped = self.memory.candidates.take_dropped();
        let mut issues = scan.issues;
        if dropped > 0 {
            issues.push(FolderIssue::polling(
                format!("{dropped} incomplete or unsettled files exceed the limit of tracked files"),
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
        let new: Vec<_> = issues.iter().filter(|issue| !is_known(issue)).cloned().collect();
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
        new.iter().for_each(|issue| issue.report(&**events, &spec.name));
        if has_recovered {
            events.recovered(&spec.name);
        }
    }

    fn is_new(&self, path: &Path) -> bool {
        self.memory.candidates.get(path).is_none() && !self.memory.known.has(&self.context.spec.path, path)
    }

    fn update_status(&self, is_busy: bool) {
        let mut status = self.context.status();
        status.candidates = self.memory.candidates.len();
        if is_busy {
            return;
        }
        let unreadable = self.memory.candidates.unreadable().map(FolderIssue::unreadable_file);
        let new = unreadable.clone().filter(|_| status.unreadable.is_none());
        status.unreadable = unreadable;
        drop(status);
        if let Some(issue) = new {
            issue.report(&*self.context.events, &self.context.spec.name);
        }
    }
}

/// Notifies the receiver of files that a complete scan did not see, and stops watching removed directories. Blocks.
fn report_removed(context: &FolderContext, memory: &mut FolderMemory, scan: &mut Scan) {
    scan.removals_reported = true;
    if !scan.is_complete {
        return;
    }
    let removed = memory.known.take_removed(&context.spec.path, &scan.devs, scan.number);
    removed.iter().for_each(|path| context.receiver.on_removed(&context.spec.name, path));
    context.receiver.on_scan_complete(&context.spec.name);
    context.watcher.release(&context.pending, |dir| scan.dirs.contains(dir));
}
