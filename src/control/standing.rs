//! The configuration in force and the calls of the API, as the daemon remembers them since its start.

use jiff::Timestamp;

use crate::attention::{LastReload, RefusedReload};
use crate::metrics::AccountCalls;

/// Which configuration is active, and how the last reload ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigurationStanding {
    /// Number of configurations that have been active, from 1.
    pub generation: u64,
    /// When the active configuration was read.
    pub active_since: Timestamp,
    /// The last reload; `None` before the first.
    pub last_reload: Option<LastReload>,
    /// The last reload, if it was refused and the configuration on disk still differs from the active one.
    pub refused: Option<RefusedReload>,
    /// The changed keys that need a restart.
    pub restart: Vec<String>,
}

/// The calls of the API.
#[derive(Debug, Clone, PartialEq)]
pub struct Calls {
    /// When counting began: the start of the daemon.
    pub since: Timestamp,
    /// The calls by account and hour.
    pub accounts: Vec<AccountCalls>,
}
