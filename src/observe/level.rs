//! The level of the log: what `--log-level`, `DROPSHIP_LOG` and `dropship log-level` accept.

use std::sync::OnceLock;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tracing_subscriber::{EnvFilter, Registry, reload};

/// Lowest level that is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// The work stops, or an operator must act
    Error,
    /// An operator should look
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

/// The filter of this process, once logging has started.
static ACTIVE: OnceLock<Active> = OnceLock::new();

struct Active {
    level: Mutex<LogLevel>,
    filter: reload::Handle<EnvFilter, Registry>,
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
    fn filter(self) -> anyhow::Result<EnvFilter> {
        let mut filter = EnvFilter::try_new(self.as_str())?;
        for (library, cap) in CAPS {
            filter = filter.add_directive(format!("{library}={}", self.min(cap).as_str()).parse()?);
        }
        Ok(filter)
    }
}

/// The filter of a new subscriber. [`set_log_level`] changes it later.
pub(super) fn first_filter(level: LogLevel) -> anyhow::Result<reload::Layer<EnvFilter, Registry>> {
    let (layer, filter) = reload::Layer::new(level.filter()?);
    // A process has one subscriber: a second one fails to start.
    drop(ACTIVE.set(Active { level: Mutex::new(level), filter }));
    Ok(layer)
}

/// Changes the level of the log until this process ends. Returns the level before.
///
/// # Errors
/// When this process does not log.
pub fn set_log_level(level: LogLevel) -> anyhow::Result<LogLevel> {
    let active = ACTIVE.get().ok_or_else(|| anyhow::anyhow!("this process does not write a log"))?;
    let mut current = active.level.lock();
    active.filter.reload(level.filter()?)?;
    Ok(std::mem::replace(&mut *current, level))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filter_caps_libraries_and_never_raises_them() {
        let debug = LogLevel::Debug.filter().expect("a filter").to_string();
        assert!(debug.contains("reqwest=info") && debug.contains("sled=warn"), "{debug}");
        let error = LogLevel::Error.filter().expect("a filter").to_string();
        assert!(error.contains("reqwest=error") && error.contains("sled=error"), "{error}");
    }
}
