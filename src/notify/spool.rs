//! Where notifications wait: a folder for each target, a file for each notification.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::deliver::Target;
use super::note::Note;
use crate::store::{Filter, Store, StoreError};
use dropship_job::{JobId, StateKind};

/// So many of the last notifications are remembered, to tell what is known from what is not.
const REMEMBERED: usize = 1024;
/// Changes of jobs are handed over in about the order in which they happened.
const ABOUT: SignedDuration = SignedDuration::from_secs(60);
/// Jobs read at once when the spool catches up.
const PAGE: usize = 500;

/// Up to when everything is spooled.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Known {
    until: Option<Timestamp>,
    ids: VecDeque<String>,
}

/// The spool of all targets.
pub(super) struct Spool {
    targets: Vec<Arc<Target>>,
    path: PathBuf,
    known: Known,
}

impl Spool {
    /// Opens the spool. One that is new knows everything until now: history is not told.
    pub(super) fn open(root: &Path, targets: Vec<Arc<Target>>) -> io::Result<Self> {
        private(root)?;
        let path = root.join("known.json");
        let mut known: Known = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Known::default(),
            Err(error) => return Err(error),
        };
        known.until.get_or_insert_with(Timestamp::now);
        let spool = Self { targets, path, known };
        spool.remember()?;
        Ok(spool)
    }

    /// Spools what happened and was not spooled when the daemon before died.
    pub(super) fn catch_up(&mut self, store: &dyn Store, sandbox: bool) {
        let since = self.known.until.unwrap_or_default() - ABOUT;
        for state in [StateKind::Held].into_iter().chain(StateKind::ENDED) {
            if let Err(error) = self.catch_up_with(store, state, since, sandbox) {
                tracing::error!("notifications of {state} jobs cannot be caught up with: {error}");
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
            for job in jobs.iter().filter(|job| job.updated >= since) {
                if let Some(note) = Note::of_job(job, sandbox) {
                    self.take(&note);
                }
            }
            match jobs.last() {
                Some(last) if jobs.len() == PAGE => before = Some(last.id.clone()),
                _ => return Ok(()),
            }
        }
    }

    /// Spools a notification for each target that wants it, once.
    pub(super) fn take(&mut self, note: &Note) {
        if self.known.ids.contains(&note.id) {
            return;
        }
        for target in self.targets.iter().filter(|target| target.wants(note.event)) {
            match write(target.spool(), note) {
                Ok(()) => target.ring(),
                Err(error) => crate::observe::notification_lost(target.name(), &note.id, &error.to_string()),
            }
        }
        self.known.ids.push_back(note.id.clone());
        if self.known.ids.len() > REMEMBERED {
            self.known.ids.pop_front();
        }
        self.known.until = self.known.until.max(Some(note.at));
        if let Err(error) = self.remember() {
            tracing::warn!("{} cannot be written: {error}", self.path.display());
        }
    }

    fn remember(&self) -> io::Result<()> {
        let staged = self.path.with_extension("new");
        let mut file = File::create(&staged)?;
        file.write_all(&serde_json::to_vec(&self.known)?)?;
        // Else a power cut can leave an empty file under the name, and everything since counts as told.
        file.sync_all()?;
        fs::rename(&staged, &self.path)?;
        self.path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    }
}

/// Writes one notification, whole or not at all. Names sort by time.
fn write(folder: &Path, note: &Note) -> io::Result<()> {
    let name = format!("{:015}-{}", note.at.as_millisecond(), note.id.replace('/', "_"));
    let staged = folder.join(format!(".{name}"));
    let mut file = File::create(&staged)?;
    file.write_all(&serde_json::to_vec(note)?)?;
    file.sync_all()?;
    fs::rename(&staged, folder.join(format!("{name}.json")))?;
    File::open(folder)?.sync_all()
}

/// Makes a folder for the daemon alone.
pub(super) fn private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// The notifications of a folder, the oldest first.
pub(super) fn waiting(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for item in fs::read_dir(folder)? {
        let path = item?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
