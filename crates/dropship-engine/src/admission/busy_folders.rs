//! Folders whose files cannot be admitted at the moment, such as while an outbox hangs. Each attempt fails in the same way, so
//! only the first is logged, and the end with the duration.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::observe;

/// The folders whose last file could not be admitted, by name.
#[derive(Debug, Default)]
pub(super) struct BusyFolders(Mutex<HashMap<String, BusyFolder>>);

#[derive(Debug, Clone, Copy)]
struct BusyFolder {
    since: Instant,
    attempts: u64,
}

impl BusyFolders {
    /// A file could not be admitted because of `why`.
    pub(super) fn on_failed(&self, folder: &str, path: &Path, why: &str) {
        if self.count(folder, Instant::now()) == 1 {
            observe::folder_busy(folder, path, why);
        } else {
            tracing::debug!(folder, "{}: {why}", path.display());
        }
    }

    /// A file was admitted, or rejected, or has to become complete.
    pub(super) fn on_passed(&self, folder: &str) {
        if let Some((duration, attempts)) = self.end(folder, Instant::now()) {
            observe::folder_busy_ended(folder, duration, attempts);
        }
    }

    /// Number of attempts that failed since the last that did not.
    fn count(&self, folder: &str, now: Instant) -> u64 {
        let mut folders = self.0.lock();
        let busy = folders.entry(folder.to_owned()).or_insert(BusyFolder { since: now, attempts: 0 });
        busy.attempts += 1;
        busy.attempts
    }

    /// How long and how often attempts failed, if the last one did.
    fn end(&self, folder: &str, now: Instant) -> Option<(Duration, u64)> {
        let busy = self.0.lock().remove(folder)?;
        Some((now.duration_since(busy.since), busy.attempts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_folder_is_counted_until_a_file_passes() {
        let folders = BusyFolders::default();
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(folders.end("a", start), None);
        assert_eq!(
            (folders.count("a", start), folders.count("b", after(5)), folders.count("a", after(7))),
            (1, 1, 2)
        );
        assert_eq!(folders.end("a", after(90)), Some((Duration::from_secs(90), 2)));
        assert_eq!(folders.end("a", after(91)), None);
        assert_eq!(folders.count("a", after(100)), 1, "the next time is logged again");
        assert_eq!(folders.end("b", after(6)), Some((Duration::from_secs(1), 1)));
    }
}
