//! What a folder's task keeps of an evaluated file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::FolderTask;
use crate::candidates::Trigger;
use crate::evaluate::EvaluationOutcome;
use crate::folder_context::FolderContext;
use crate::scan::Scan;
use crate::{Backpressure, FileLoss};

/// Minimum and maximum interval between attempts under backpressure.
const CAPACITY_INTERVAL: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// Maximum number of scans of new subfolders that wait. With more, one full scan sees them all.
const MAX_QUEUED_SCANS: usize = 64;

impl FolderTask {
    /// Reports a file that was found and is lost now: it vanished, or another one has its place.
    pub(super) fn report_loss(&self, path: &Path, trigger: Trigger, outcome: &EvaluationOutcome) {
        let before = self.memory.candidates.get(path).map(|candidate| candidate.identity);
        let now = match outcome {
            EvaluationOutcome::Waits(candidate) => Some(candidate.identity),
            EvaluationOutcome::Known { identity, .. } => Some(*identity),
            _ => None,
        };
        let loss = match (before, now) {
            // A writer that begins again truncates the file.
            (Some(old), Some(new)) if (old.dev, old.ino) != (new.dev, new.ino) || new.size < old.size => {
                FileLoss::Overwritten
            }
            (Some(_), None) if matches!(outcome, EvaluationOutcome::Gone) => FileLoss::Vanished,
            (None, None)
                if matches!((outcome, trigger), (EvaluationOutcome::Gone, Trigger::Scan { .. }))
                    && self.is_new(path) =>
            {
                FileLoss::Vanished
            }
            _ => return,
        };
        self.context.events.lost(&self.context.spec.name, path, loss);
    }

    pub(super) fn remember(&mut self, path: &Path, outcome: EvaluationOutcome) {
        match outcome {
            EvaluationOutcome::Waits(candidate) => return self.memory.candidates.put(path, candidate),
            EvaluationOutcome::Ignored(changed) => self.context.status().ignored.insert(path, changed),
            EvaluationOutcome::Gone | EvaluationOutcome::Nothing | EvaluationOutcome::Backpressure(_) => {
                self.context.status().ignored.remove(path)
            }
            EvaluationOutcome::Directory => self.queue_subfolder(path.to_owned()),
            EvaluationOutcome::Known { identity, is_admitted } => {
                self.memory.known.record_seen(&self.context.spec.path, path, identity.dev, self.scan_number);
                self.context.status().accepted += u64::from(is_admitted);
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

    pub(super) fn pause_for_capacity(&mut self, Backpressure { reason, folder_only }: Backpressure) {
        let FolderContext { spec, queue, .. } = &*self.context;
        if folder_only {
            // No other folder has to wait for this one.
            queue.leave(&spec.name);
        } else {
            queue.enter(&spec.name, spec.priority);
        }
        self.is_paused = true;
        self.capacity_pause = (self.capacity_pause * 2).clamp(CAPACITY_INTERVAL.0, CAPACITY_INTERVAL.1);
        if self.context.status().backpressure.replace(reason.clone()).is_none() {
            tracing::debug!(folder = %spec.name, "no capacity for a file of folder `{}`: {reason}", spec.name);
        }
    }
}
