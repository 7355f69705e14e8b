//! The level of the log: what `--log-level`, `DROPSHIP_LOG` and `dropship log-level` accept.

use std::sync::OnceLock;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::{Registry, reload};

/// Lowest level that is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Something failed or was rejected, or a part of the daemon cannot do its work
    Error,
    /// An operator has to decide or should look
    Warn,
    /// Each change of a job; start, stop and reload
    Info,
    /// Each request, and each decision about a file
    Debug,
    /// Details for developers
    Trace,
}

/// Libraries with their most detailed level. At debug, reqwest, hyper and rustls log complete URLs, which may contain secrets.
const CAPS: [(&str, LogLevel); 6] = [
    ("reqwest", LogLevel::Info),
    ("hyper", LogLevel::Info),
    ("hyper_util", LogLevel::Info),
    ("h2", LogLevel::Info),
    ("rustls", LogLevel::Info),
    ("sled", LogLevel::Warn),
];

/// The filter of this process, once logging has started. A process has one, as it has one subscriber of `tracing`.
static ACTIVE: OnceLock<ActiveFilter> = OnceLock::new();

struct ActiveFilter {
    level: Mutex<LogLevel>,
    filter: reload::Handle<Targets, Registry>,
}

impl LogLevel {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }

    /// The filter: libraries log at this level, but not in more detail than their cap.
    fn filter(self) -> Targets {
        let caps = CAPS.map(|(library, cap)| (library, LevelFilter::from(self.min(cap))));
        Targets::new().with_default(self).with_targets(caps)
    }
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}

/// The filter of a new subscriber. [`set_log_level`] changes it later.
pub(super) fn first_filter(level: LogLevel) -> reload::Layer<Targets, Registry> {
    let (layer, filter) = reload::Layer::new(level.filter());
    // A process has one subscriber: a second one fails to start.
    drop(ACTIVE.set(ActiveFilter { level: Mutex::new(level), filter }));
    layer
}

/// Changes the level of the log until this process ends. Returns the level before.
///
/// # Errors
/// When this process does not log.
pub fn set_log_level(level: LogLevel) -> anyhow::Result<LogLevel> {
    let active = ACTIVE.get().ok_or_else(|| anyhow::anyhow!("this process does not write a log"))?;
    let mut current = active.level.lock();
    active.filter.reload(level.filter())?;
    Ok(std::mem::replace(&mut *current, level))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn filter_caps_libraries_and_never_raises_them() {
        let debug = LogLevel::Debug.filter();
        assert!(debug.would_enable("dropship::pipeline", &Level::DEBUG));
        assert!(!debug.would_enable("reqwest::connect", &Level::DEBUG));
        assert!(debug.would_enable("sled", &Level::WARN) && !debug.would_enable("sled", &Level::INFO));
        assert!(!LogLevel::Error.filter().would_enable("reqwest", &Level::INFO));
    }
}
