//! A sled database, with the repairs and the sync that sled 0.34 lacks.

use std::fs::File;
use std::num::NonZeroU64;
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::error::StoreError;

/// Timer slack of sled's threads. Seven of them wait for work for the life of the process, and wake once a second without it;
/// with this slack, the kernel lets them sleep for longer. Work wakes them at once in any case. Further ones, which sled
/// starts under load, end after about three such sleeps.
const SLACK: Duration = Duration::from_secs(60);

/// An open database.
pub(crate) struct Sled {
    pub(crate) db: sled::Db,
    /// sled 0.34's own flush does not reach the disk on Linux (`sync_file_range`); a sync of this does.
    file: File,
}

impl Sled {
    /// Opens the database of a folder. sled panics on some damage; that is an error here.
    pub(crate) fn open(folder: &Path) -> Result<Self, StoreError> {
        drop_unfinished_snapshots(folder)?;
        let config = sled::Config::new()
            .path(folder)
            .mode(sled::Mode::LowSpace)
            .cache_capacity(8 << 20)
            // The writer flushes after commits; sled's own timer would sync twice a second, for nothing.
            .flush_every_ms(None);
        let opened =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| open_unlocked(&config, short_pause)));
        let db = match opened {
            Ok(Ok(db)) => db,
            Ok(Err(error)) => return Err(sled_error(&error)),
            Err(_) => {
                return Err(StoreError::Damaged {
                    what: "sled panicked when it opened the database".to_owned(),
                });
            }
        };
        start_threads(&db);
        let path = folder.join("db");
        let failed = |source| StoreError::Io { what: "cannot open", path: path.clone(), error: source };
        let file = File::open(&path).map_err(failed)?;
        Ok(Self { db, file })
    }

    /// Writes all changes to the disk.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        // Changes in sled's own buffers would be lost with the process, and replayed at the next start.
        self.db.flush().map_err(|error| sled_error(&error))?;
        let failed =
            |source| StoreError::Io { what: "cannot sync", path: "the database".into(), error: source };
        self.file.sync_data().map_err(failed)
    }
}

/// Maximum time in which sled's threads release a database after its last handle was dropped.
const RELEASE: Duration = Duration::from_secs(5);

/// Opens a database; waits while threads of sled keep it locked that still work for an earlier handle. Other processes cannot
/// have it open: they would hold the lock of the store. `pause` is called between two attempts.
fn open_unlocked(config: &sled::Config, pause: impl Fn()) -> sled::Result<sled::Db> {
    let started = Instant::now();
    loop {
        // Not for longer: the pause would take as long as the slack.
        let slack = TimerSlack::of_new_threads(SLACK);
        let opened = config.open();
        drop(slack);
        match opened {
            Err(error) if is_locked(&error) && started.elapsed() < RELEASE => pause(),
            opened => return opened,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the end of sled's work cannot be waited for")]
fn short_pause() {
    thread::sleep(Duration::from_millis(5));
}

/// Whether a database is open already. sled reports it by the text only.
fn is_locked(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(error) if error.to_string().starts_with("could not acquire lock"))
}

/// The timer slack of this thread, which threads that it starts inherit (`PR_SET_TIMERSLACK(2const)`). Its former value
/// returns when this is dropped.
struct TimerSlack(Option<NonZeroU64>);

impl TimerSlack {
    /// Without effect where the kernel refuses it: it only saves power.
    fn of_new_threads(slack: Duration) -> Self {
        let before = rustix::thread::current_timer_slack().ok().and_then(NonZeroU64::new);
        let raised = u64::try_from(slack.as_nanos()).ok().and_then(NonZeroU64::new);
        Self::set(before.and(raised));
        Self(before)
    }

    fn set(slack: Option<NonZeroU64>) {
        if let Some(slack) = slack
            && let Err(error) = rustix::thread::set_current_timer_slack(Some(slack))
        {
            tracing::debug!("cannot set the timer slack: {error}");
        }
    }
}

impl Drop for TimerSlack {
    fn drop(&mut self) {
        Self::set(self.0);
    }
}

/// Has sled start its threads now. They would start with the first write, without the timer slack. Waits for the work that it
/// gives to them: until it is done, it keeps the database open and locked, also after the last handle is dropped.
fn start_threads(db: &sled::Db) {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let _slack = TimerSlack::of_new_threads(SLACK);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut flush = std::pin::pin!(db.flush_async());
    // Nothing has been written, so the result of the flush does not matter.
    while flush.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
        thread::park();
    }
}

/// sled 0.34 cannot open a database with an unfinished snapshot (its issues 1527 and 1533).
fn drop_unfinished_snapshots(folder: &Path) -> Result<(), StoreError> {
    let Ok(items) = std::fs::read_dir(folder) else {
        return Ok(());
    };
    for path in items.flatten().map(|item| item.path()) {
        if path.extension().is_some_and(|extension| extension == "generating") {
            let failed = |source| StoreError::Io { what: "cannot remove", path: path.clone(), error: source };
            std::fs::remove_file(&path).map_err(failed)?;
        }
    }
    Ok(())
}

/// A failing disk is not damage: the same database opens when the cause is gone.
pub(crate) fn sled_error(error: &sled::Error) -> StoreError {
    match error {
        sled::Error::Io(error) => {
            let source = match error.raw_os_error() {
                Some(code) => std::io::Error::from_raw_os_error(code),
                None => std::io::Error::new(error.kind(), error.to_string()),
            };
            StoreError::Io {
                what: "cannot read or write",
                path: "the database in `sled`".into(),
                error: source,
            }
        }
        error => StoreError::Damaged { what: format!("sled: {error}") },
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    #[test]
    fn wait_for_the_lock_has_the_timer_slack_of_the_thread() {
        let slack = || rustix::thread::current_timer_slack().expect("a timer slack");
        let (before, folder) = (slack(), tempfile::tempdir().expect("a folder"));
        let config = sled::Config::new().path(folder.path());
        let holder = RefCell::new(Some(config.open().expect("a database")));
        let pauses = Cell::new(0);
        let opened = open_unlocked(&config, || {
            assert_eq!(slack(), before, "a sleep would take as long as the slack");
            drop(holder.take());
            pauses.set(pauses.get() + 1);
            short_pause();
        });
        opened.expect("the database is unlocked");
        assert!(pauses.get() > 0 && slack() == before);
    }
}
