//! What a reload would change. That is expensive: it is computed by one task at a time, and kept until the files change.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use parking_lot::{Condvar, Mutex};
use tokio::runtime::Handle;

use super::readings::Readings;
use crate::control::{Reloaded, Status};

/// Maximum number of unfinished jobs that are compared.
pub(super) const MAX_JOBS: usize = 2_000;

/// Maximum time that a request waits for a comparison.
const MAX_WAIT: Duration = Duration::from_millis(1_500);

/// Minimum time that a comparison is kept, although jobs end and begin.
const MIN_KEPT: Duration = Duration::from_secs(30);

/// A comparison takes at most this part of the time, however many jobs there are.
const SHARE: u32 = 20;

/// The last comparison.
#[derive(Debug, Default)]
pub(super) struct ReloadPreview {
    state: Mutex<PreviewState>,
    done: Condvar,
}

#[derive(Debug, Default)]
struct PreviewState {
    last: Option<Arc<ReloadComparison>>,
    is_running: bool,
}

/// A comparison.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ReloadComparison {
    /// When it began.
    pub(super) at: Timestamp,
    /// How long it took.
    pub(super) took: Duration,
    /// The changes, or every reason why a reload would be refused.
    pub(super) result: Result<Reloaded, String>,
    /// Whether there were more unfinished jobs than are compared.
    pub(super) has_left_out_jobs: bool,
    started_at: Instant,
    inputs: ComparedInputs,
}

/// What identifies the files and the configuration in force that were compared.
type ComparedInputs = (u64, Vec<(PathBuf, Option<FileStamp>)>);

/// The size of a file or folder, and when it was changed.
type FileStamp = (u64, Option<SystemTime>);

impl ReloadPreview {
    /// The comparison with the files as they are now; `None` while it is computed. Waits for a short time. `main` is the runtime of
    /// the workers.
    pub(super) fn current(
        self: &Arc<Self>,
        readings: &Readings,
        main: &Handle,
    ) -> Option<Arc<ReloadComparison>> {
        let inputs = inputs(readings);
        let mut state = self.state.lock();
        if let Some(last) = state.last.as_ref().filter(|last| last.is_fresh(&inputs)) {
            return Some(Arc::clone(last));
        }
        if !state.is_running {
            state.is_running = true;
            self.start(readings.clone(), inputs.clone(), main);
        }
        let deadline = Instant::now() + MAX_WAIT;
        while state.is_running {
            if self.done.wait_until(&mut state, deadline).timed_out() {
                return None;
            }
        }
        state.last.clone().filter(|last| last.inputs == inputs)
    }

    fn start(self: &Arc<Self>, readings: Readings, inputs: ComparedInputs, main: &Handle) {
        let running = ComparisonGuard(Arc::clone(self));
        main.spawn(async move {
            let (at, started_at) = (Timestamp::now(), Instant::now());
            let result = readings.preview_reload(MAX_JOBS).await.map_err(|error| error.message);
            let has_left_out_jobs = readings.status().is_ok_and(|status| unfinished(&status) > MAX_JOBS);
            let comparison = ReloadComparison {
                at,
                took: started_at.elapsed(),
                result,
                has_left_out_jobs,
                started_at,
                inputs,
            };
            running.0.state.lock().last = Some(Arc::new(comparison));
        });
    }
}

fn unfinished(status: &Status) -> usize {
    status.jobs.iter().filter(|(state, _)| !state.has_ended()).map(|(_, count)| count).sum()
}

/// Ends the comparison, also when its task ends early.
struct ComparisonGuard(Arc<ReloadPreview>);

impl Drop for ComparisonGuard {
    fn drop(&mut self) {
        self.0.state.lock().is_running = false;
        self.0.done.notify_all();
    }
}

impl ReloadComparison {
    fn is_fresh(&self, inputs: &ComparedInputs) -> bool {
        self.inputs == *inputs && self.started_at.elapsed() < MIN_KEPT.max(self.took.saturating_mul(SHARE))
    }
}

/// The files of the configuration in force, and their folders: a new file that an `include` finds changes its folder.
fn inputs(readings: &Readings) -> ComparedInputs {
    let active = readings.configuration();
    let files = active.config.files.iter().map(PathBuf::as_path).chain([active.config.path.as_path()]);
    let mut paths: Vec<_> = files.flat_map(|file| [Some(file), file.parent()]).flatten().collect();
    paths.sort_unstable();
    paths.dedup();
    let stamped = paths.into_iter().map(|path| (path.to_owned(), stamp(path)));
    (readings.configuration_standing().generation, stamped.collect())
}

fn stamp(path: &Path) -> Option<FileStamp> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.len(), metadata.modified().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparison_is_fresh_until_the_files_or_the_configuration_in_force_change() {
        let inputs = |generation, size| -> ComparedInputs {
            (generation, vec![("dropship.toml".into(), Some((size, None)))])
        };
        let comparison = ReloadComparison {
            at: Timestamp::UNIX_EPOCH,
            took: Duration::ZERO,
            result: Err("refused".to_owned()),
            has_left_out_jobs: false,
            started_at: Instant::now(),
            inputs: inputs(1, 10),
        };
        assert!(comparison.is_fresh(&inputs(1, 10)));
        assert!(!comparison.is_fresh(&inputs(2, 10)) && !comparison.is_fresh(&inputs(1, 11)));
        assert!(!comparison.is_fresh(&(1, vec![("dropship.toml".into(), None)])));
        let old = Instant::now()
            .checked_sub(MIN_KEPT * 2)
            .map(|started_at| ReloadComparison { started_at, ..comparison.clone() });
        assert!(old.is_none_or(|old| !old.is_fresh(&inputs(1, 10))), "jobs have ended since");
        let slow = ReloadComparison { took: MIN_KEPT, ..comparison };
        let old = Instant::now()
            .checked_sub(MIN_KEPT * 2)
            .map(|started_at| ReloadComparison { started_at, ..slow });
        assert!(old.is_none_or(|old| old.is_fresh(&inputs(1, 10))), "a slow comparison is kept longer");
    }
}
