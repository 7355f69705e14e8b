//! One target: delivers what its spool holds, until it is taken or too old.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify as Bell;
use tokio_util::sync::CancellationToken;

use super::note::Note;
use super::spool;
use super::{command, webhook};
use crate::config::model::{Notify, Occasion, Via};

/// First pause after a failure ...
const FIRST: Duration = Duration::from_secs(1);
/// ... and the longest.
const LONGEST: Duration = Duration::from_secs(300);

/// Somebody who wants to know.
#[derive(Debug)]
pub(super) struct Target {
    wanted: Notify,
    spool: PathBuf,
    hook: Option<webhook::Webhook>,
    bell: Bell,
    delivered: AtomicU64,
    failed: AtomicU64,
    given_up: AtomicU64,
}

impl Target {
    pub(super) fn new(wanted: Notify, root: &Path) -> anyhow::Result<Self> {
        let spool = root.join(&wanted.name);
        spool::private(&spool).with_context(|| format!("cannot make {}", spool.display()))?;
        let hook = match &wanted.via {
            Via::Webhook { url, secret } => Some(
                webhook::Webhook::new(url.clone(), secret.as_ref(), wanted.timeout)
                    .with_context(|| format!("notify `{}`", wanted.name))?,
            ),
            Via::Command(_) => None,
        };
        let (delivered, failed, given_up) = Default::default();
        Ok(Self { wanted, spool, hook, bell: Bell::new(), delivered, failed, given_up })
    }

    pub(super) fn name(&self) -> &str {
        &self.wanted.name
    }

    pub(super) fn spool(&self) -> &Path {
        &self.spool
    }

    pub(super) fn wants(&self, occasion: Occasion) -> bool {
        self.wanted.on.contains(&occasion)
    }

    /// Something new is in the spool.
    pub(super) fn ring(&self) {
        self.bell.notify_one();
    }

    pub(super) fn counts(&self) -> [(&'static str, u64); 3] {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        [("delivered", of(&self.delivered)), ("failed", of(&self.failed)), ("given_up", of(&self.given_up))]
    }

    pub(super) fn pending(&self) -> usize {
        spool::waiting(&self.spool).map_or(0, |waiting| waiting.len())
    }

    /// Delivers until it is stopped; what is under way then is done again at the next start.
    pub(super) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut pause = FIRST;
        loop {
            let bell = self.bell.notified();
            let round = async {
                let all = self.round().await;
                pause = if all { FIRST } else { (pause * 2).min(LONGEST) };
                if all {
                    bell.await;
                } else {
                    // Something new may get through where something old does not.
                    drop(tokio::time::timeout(pause / 2, bell).await);
                }
            };
            tokio::select! {
                () = round => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Tries each that waits once; true when none is left.
    async fn round(&self) -> bool {
        let waiting = match spool::waiting(&self.spool) {
            Ok(waiting) => waiting,
            Err(error) => {
                tracing::error!("{} cannot be read: {error}", self.spool.display());
                return false;
            }
        };
        let mut all = true;
        for path in waiting {
            all &= self.one(&path).await;
        }
        all
    }

    /// Tries one; true when it is done with.
    async fn one(&self, path: &Path) -> bool {
        let read = std::fs::read(path).map_err(|error| error.to_string());
        let note =
            read.and_then(|text| serde_json::from_slice::<Note>(&text).map_err(|error| error.to_string()));
        let note = match note {
            Ok(note) => note,
            Err(error) => {
                crate::observe::notification_lost(self.name(), &path.display().to_string(), &error);
                return std::fs::rename(path, path.with_extension("bad")).is_ok();
            }
        };
        let done = match (&self.wanted.via, &self.hook) {
            (Via::Command(command), _) => command::run(command, &note, self.wanted.timeout).await,
            (Via::Webhook { .. }, Some(hook)) => hook.send(&note).await,
            (Via::Webhook { .. }, None) => Err("it has no client".to_owned()),
        };
        let age = Timestamp::now().duration_since(note.at);
        let too_old = age > SignedDuration::try_from(self.wanted.give_up).unwrap_or(SignedDuration::MAX);
        match done {
            Ok(()) => {
                self.delivered.fetch_add(1, Ordering::Relaxed);
                crate::observe::notified(self.name(), &note.id);
            }
            Err(why) if too_old => {
                self.given_up.fetch_add(1, Ordering::Relaxed);
                crate::observe::notification_lost(self.name(), &note.id, &why);
            }
            Err(why) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                crate::observe::notification_failed(self.name(), &note.id, &why);
                return false;
            }
        }
        if let Err(error) = std::fs::remove_file(path) {
            tracing::error!("{} cannot be removed, and is told again: {error}", path.display());
            return false;
        }
        true
    }
}
