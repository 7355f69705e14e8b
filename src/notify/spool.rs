//! The spool of all targets, and the record of the notifications that it has received.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::notification::Notification;
use super::spool_folder;
use super::target::NotifyTarget;
use dropship_job::{JobId, StateKind};
use dropship_store::{Filter, Store, StoreError};

/// Number of recent notification ids to keep, to recognise duplicates.
const MAX_IDS: usize = 1024;
/// Maximum time by which events may be queued out of order.
const REORDERING: SignedDuration = SignedDuration::from_secs(60);
/// Number of jobs to read at once when the spool catches up.
const PAGE: usize = 500;

/// The record of received notifications, stored in `known.json`.
#[derive(Debug, Default, Serialize, Deserialize)]
struct ReceivedNotifications {
    /// Time of the latest notification: all earlier ones were spooled.
    until: Option<Timestamp>,
    /// Ids of the latest notifications.
    ids: VecDeque<String>,
}

/// The spool of all targets.
pub(super) struct Spool {
    targets: Vec<Arc<NotifyTarget>>,
    path: PathBuf,
    received: ReceivedNotifications,
}

impl Spool {
    /// Opens the spool. A new spool starts now: past events are not notified.
    pub(super) fn open(root: &Path, targets: Vec<Arc<NotifyTarget>>) -> io::Result<Self> {
        spool_folder::create_private(root)?;
        let path = root.join("known.json");
        let mut received: ReceivedNotifications = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => ReceivedNotifications::default(),
            Err(error) => return Err(error),
        };
        received.until.get_or_insert_with(Timestamp::now);
        let spool = Self { targets, path, received };
        spool.save()?;
        Ok(spool)
    }

    /// Spools the events that the previous daemon did not spool before it died.
    pub(super) fn catch_up(&mut self, store: &dyn Store, sandbox: bool) {
        let since = self.received.until.unwrap_or_default() - REORDERING;
        for state in [StateKind::Held].into_iter().chain(StateKind::ENDED) {
            if let Err(error) = self.catch_up_with(store, state, since, sandbox) {
                tracing::error!(
                    "cannot read {state} jobs for missing notifications: {error}; some notifications may be lost"
                );
            }
        }
    }

    fn catch_up_with(
        &mut self,
        store: &dyn Store,
        state: StateKind,
        since: Timestamp,
        sandbox: bool,
    ) -> Result<(), StoreError> {
        let mut before: Option<JobId> = None;
        loop {
            let filter = Filter { state: Some(state), before: before.take(), limit: PAGE };
            let jobs = store.jobs(&filter)?;
            for job in jobs.iter().filter(|job| job.updated() >= since) {
                let history = store.history(job.id())?;
                let notification = Notification::of_history(job, &history, sandbox);
                if let Some(notification) = notification.filter(|notification| notification.at >= since) {
                    self.add(&notification);
                }
            }
            match jobs.last() {
                Some(last) if jobs.len() == PAGE => before = Some(last.id().clone()),
                _ => return Ok(()),
            }
        }
    }

    /// Spools a notification for each target that subscribes to it, unless it was spooled before.
    pub(super) fn add(&mut self, notification: &Notification) {
        if self.received.ids.contains(&notification.id) {
            return;
        }
        for target in self.targets.iter().filter(|target| target.subscribes_to(notification.event)) {
            match spool_folder::write(&target.spool, notification) {
                Ok(()) => target.wakeup.notify_one(),
                Err(error) => dropship_engine::observe::notification_lost(
                    target.name(),
                    &notification.id,
                    &error.to_string(),
                ),
            }
        }
        self.received.ids.push_back(notification.id.clone());
        if self.received.ids.len() > MAX_IDS {
            self.received.ids.pop_front();
        }
        self.received.until = self.received.until.max(Some(notification.at));
        if let Err(error) = self.save() {
            tracing::warn!(
                "cannot write {}: {error}; notifications may be delivered twice after a restart",
                self.path.display()
            );
        }
    }

    fn save(&self) -> io::Result<()> {
        let staged = self.path.with_extension("new");
        let mut file = File::create(&staged)?;
        file.write_all(&serde_json::to_vec(&self.received)?)?;
        // Without the sync, a power cut can leave an empty file. The spool would then start now and skip past events.
        file.sync_all()?;
        fs::rename(&staged, &self.path)?;
        self.path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    }
}
