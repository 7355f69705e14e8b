//! Which configuration is active: its generation, the last reload, and the keys that wait for a restart.

use jiff::Timestamp;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::pending_key::PendingKey;

/// The configuration since the start of the daemon.
#[derive(Debug)]
pub struct ConfigurationState(Mutex<ReloadState>);

#[derive(Debug, Clone)]
struct ReloadState {
    generation: u64,
    applied_at: Timestamp,
    last_attempt: Timestamp,
    refused: Option<RefusedReload>,
    restart: Vec<PendingKey>,
    last_reload: Option<LastReload>,
}

/// The last reload since the start of the daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastReload {
    /// Time of the reload.
    pub at: Timestamp,
    /// The operator, or the signal, that asked for it.
    pub by: String,
    /// Whether the configuration became active.
    pub ok: bool,
    /// The changes; the reasons, if it was refused.
    pub lines: Vec<String>,
}

/// A reload that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedReload {
    /// Time of the reload.
    pub at: Timestamp,
    /// Every reason.
    pub why: String,
}

impl ConfigurationState {
    /// The state after the start.
    #[must_use]
    pub fn new(at: Timestamp) -> Self {
        Self(Mutex::new(ReloadState {
            generation: 1,
            applied_at: at,
            last_attempt: at,
            refused: None,
            restart: Vec::new(),
            last_reload: None,
        }))
    }

    /// Records that a configuration became active; the keys in `restart` need a restart.
    pub fn record_applied(&self, restart: Vec<PendingKey>, at: Timestamp) {
        let mut state = self.0.lock();
        let generation = state.generation + 1;
        let last_reload = state.last_reload.take();
        *state =
            ReloadState { generation, applied_at: at, last_attempt: at, refused: None, restart, last_reload };
    }

    /// Records that a configuration was refused.
    pub fn record_refused(&self, why: String, at: Timestamp) {
        let mut state = self.0.lock();
        state.last_attempt = at;
        state.refused = Some(RefusedReload { at, why });
    }

    /// Records that the configuration on disk is the active one again; the keys in `restart` still need a restart.
    pub fn record_unchanged(&self, restart: Vec<PendingKey>) {
        let mut state = self.0.lock();
        state.refused = None;
        state.restart = restart;
    }

    /// Records how a reload has ended.
    pub fn record_reload(&self, reload: LastReload) {
        self.0.lock().last_reload = Some(reload);
    }

    /// The last reload; `None` before the first.
    #[must_use]
    pub fn last_reload(&self) -> Option<LastReload> {
        self.0.lock().last_reload.clone()
    }

    /// Number of configurations that have been active, from 1.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.0.lock().generation
    }

    /// When the active configuration was read.
    #[must_use]
    pub fn applied_at(&self) -> Timestamp {
        self.0.lock().applied_at
    }

    /// Time of the last reload or, before the first, of the start.
    #[must_use]
    pub fn last_at(&self) -> Timestamp {
        self.0.lock().last_attempt
    }

    /// The last reload, if it was refused.
    #[must_use]
    pub fn last_refused(&self) -> Option<RefusedReload> {
        self.0.lock().refused.clone()
    }

    /// The changed keys that need a restart.
    #[must_use]
    pub fn restart(&self) -> Vec<PendingKey> {
        self.0.lock().restart.clone()
    }
}
