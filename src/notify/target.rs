//! A target of notifications: a webhook or a command with its spool folder and counters.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use tokio::sync::Notify as Wakeup;

use super::spool_folder;
use super::webhook::Webhook;
use dropship_config::model::{Notify, Occasion, Via};
use dropship_engine::observe::LogThrottle;

/// A target, configured by a `[[notify]]`.
#[derive(Debug)]
pub(super) struct NotifyTarget {
    pub(super) config: Notify,
    /// Folder of the notifications that wait for this target.
    pub(super) spool: PathBuf,
    /// The webhook's client; absent for a command.
    pub(super) webhook: Option<Webhook>,
    /// Notified when the spool has a new notification.
    pub(super) wakeup: Wakeup,
    pub(super) counts: AttemptCounts,
    /// Failures since the last delivery, for the log.
    pub(super) failures: LogThrottle,
}

/// Attempts by outcome.
#[derive(Debug, Default)]
pub(super) struct AttemptCounts {
    pub(super) delivered: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) given_up: AtomicU64,
}

impl NotifyTarget {
    /// Creates the spool folder and the client.
    ///
    /// # Errors
    /// When the folder cannot be created, or the webhook's secret cannot be read.
    pub(super) fn new(config: Notify, root: &Path) -> anyhow::Result<Self> {
        let spool = root.join(&config.name);
        spool_folder::create_private(&spool)
            .with_context(|| format!("cannot create the spool folder {}", spool.display()))?;
        let webhook = match &config.via {
            Via::Webhook { url, secret } => Some(
                Webhook::new(url.clone(), secret.as_ref(), config.timeout)
                    .with_context(|| format!("cannot set up notify `{}`", config.name))?,
            ),
            Via::Command(_) => None,
        };
        Ok(Self {
            config,
            spool,
            webhook,
            wakeup: Wakeup::new(),
            counts: AttemptCounts::default(),
            failures: LogThrottle::new(),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.config.name
    }

    /// Whether the target is notified of this kind of event.
    pub(super) fn subscribes_to(&self, occasion: Occasion) -> bool {
        self.config.on.contains(&occasion)
    }

    /// Number of attempts by outcome, with the names of the metric's label.
    pub(super) fn outcomes(&self) -> [(&'static str, u64); 3] {
        let AttemptCounts { delivered, failed, given_up } = &self.counts;
        [("delivered", delivered), ("failed", failed), ("given_up", given_up)]
            .map(|(name, count)| (name, count.load(Ordering::Relaxed)))
    }

    /// Number of notifications in the spool.
    pub(super) fn pending(&self) -> usize {
        spool_folder::list_pending(&self.spool).map_or(0, |pending| pending.len())
    }
}
