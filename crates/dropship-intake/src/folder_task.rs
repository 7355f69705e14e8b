//! The task of one folder. It takes turns between pending events, due candidates and the scan in progress, one file of each.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::candidates::Trigger;
use crate::evaluate::{EvaluationOutcome, evaluate};
use crate::events::FileEvent;
use crate::folder_context::FolderContext;
use crate::folder_issue::FolderIssue;
use crate::names::NameClass;
use crate::scan::{FolderMemory, Scan};
use crate::scan_threads::ScanThreads;

mod outcome;
mod scans;

pub(crate) struct FolderTask {
    context: Arc<FolderContext>,
    stop: CancellationToken,
    threads: ScanThreads,
    memory: FolderMemory,
    /// The full scan, if one is in progress, and scans of new subfolders.
    scans: VecDeque<Scan>,
    /// Number of full scans that were started.
    scan_number: u64,
    next_scan: Instant,
    no_scan_before: Instant,
    missing_interval: Duration,
    /// The last file met backpressure.
    is_paused: bool,
    /// Time until the next attempt under backpressure.
    capacity_pause: Duration,
}

impl FolderTask {
    pub(crate) fn new(context: Arc<FolderContext>, threads: ScanThreads, stop: CancellationToken) -> Self {
        let now = Instant::now();
        Self {
            context,
            stop,
            threads,
            memory: FolderMemory::default(),
            scans: VecDeque::new(),
            scan_number: 0,
            next_scan: now,
            no_scan_before: now,
            missing_interval: scans::MISSING_INTERVAL.0,
            is_paused: false,
            capacity_pause: Duration::ZERO,
        }
    }

    /// Runs until it is stopped. Boxed to keep the task small: otherwise its future contains `self` twice, as the argument and as
    /// the variable.
    pub(crate) async fn run(mut self: Box<Self>) {
        while !self.stop.is_cancelled() {
            // Boxed, so that a waiting folder does not hold the memory of a turn. Most folders wait most of the time.
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
        let processed_event = self.process_event().await;
        let processed_due = !self.is_paused && self.process_due().await;
        self.start_full_scan();
        let scanned = !self.is_paused && self.continue_scan().await;
        let is_busy = processed_event || processed_due || scanned;
        self.update_status(is_busy);
        is_busy
    }

    async fn wait(&mut self) {
        if self.is_paused {
            // Boxed like a turn: few folders wait for capacity.
            Box::pin(self.wait_for_capacity()).await;
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

    async fn wait_for_capacity(&mut self) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = self.context.queue.wait(&self.context.spec.name, self.capacity_pause) => {}
        }
        self.is_paused = false;
    }

    async fn process_event(&mut self) -> bool {
        let Some((path, event)) = self.context.pending.next() else {
            return false;
        };
        let may_be_file =
            path.file_name().is_some_and(|name| self.context.classify(name) != NameClass::Other);
        let companion_of = self.context.spec.ready.companion_of(&path);
        let (file, trigger) = match (event, companion_of) {
            (_, Some(file)) => (file, Trigger::Companion),
            _ if !may_be_file && self.context.spec.depth == 0 => return true,
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
        let previous = self.memory.candidates.get(path).cloned();
        let gates = &self.context.gates;
        let gate = if self.context.is_remote() { &gates.remote } else { &gates.local };
        let Some(permit) = gate.acquire().await else {
            return true;
        };
        let (context, at) = (Arc::clone(&self.context), path.to_owned());
        let outcome = tokio::task::spawn_blocking(move || evaluate(&context, &at, previous, trigger));
        match permit.wait(&self.context.progress, outcome).await {
            Ok(EvaluationOutcome::Backpressure(backpressure)) => {
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
                self.remember(path, EvaluationOutcome::Nothing);
            }
        }
        self.context.queue.leave(&self.context.spec.name);
        if std::mem::take(&mut self.capacity_pause) > Duration::ZERO
            && self.context.status().backpressure.take().is_some()
        {
            let folder = &self.context.spec.name;
            tracing::debug!(folder, "capacity for folder `{folder}` is available again");
        }
        true
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
        let new_issue = unreadable.clone().filter(|_| status.unreadable.is_none());
        status.unreadable = unreadable;
        drop(status);
        if let Some(issue) = new_issue {
            issue.report(&*self.context.events, &self.context.spec.name);
        }
    }
}
