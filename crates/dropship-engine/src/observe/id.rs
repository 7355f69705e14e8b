//! Message ids of lines that need an administrator; the journal catalog explains each.

/// The daemon is ready.
pub const READY: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c01";
/// A package was accepted.
pub const ACCEPTED: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c02";
/// A package was rejected.
pub const REJECTED: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c03";
/// A job waits for an operator.
pub const HELD: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c04";
/// A job failed.
pub const FAILED: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c05";
/// A job succeeded.
pub const SUCCEEDED: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c06";
/// An account is suspended.
pub const ACCOUNT_PAUSED: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c07";
/// A suspended account works again.
pub const ACCOUNT_RESUMED: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c08";
/// A create is in doubt: its response was lost.
pub const IN_DOUBT: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c09";
/// A label was withdrawn after older labels had given up their targets to it.
pub const TARGETS_LOST: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c20";
/// A label that had to be withdrawn was published.
pub const LABEL_NOT_WITHDRAWN: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c16";
/// Microsoft failed a label.
pub const LABEL_FAILED: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c17";
/// A wait takes unusually long.
pub const OVERDUE: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c0a";
/// The database of the store was rebuilt.
pub const STORE_REBUILT: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c0b";
/// A new store recovered the jobs of an earlier one.
pub const JOBS_RECOVERED: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c14";
/// The store failed, and the daemon ends.
pub const STORE_FAILED: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c0c";
/// A folder cannot be watched completely.
pub const FOLDER_DEGRADED: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c0d";
/// The queue or the disk is full, and no package is accepted.
pub const INTAKE_PAUSED: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c15";
/// The outbox or a receipt cannot be written.
pub const OUTBOX_UNWRITABLE: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c0e";
/// A new configuration was refused.
pub const RELOAD_REFUSED: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c10";
/// The daemon shuts down.
pub const STOPPING: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c0f";
/// The daemon has shut down.
pub const STOPPED: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c11";
/// A notification could not be delivered.
pub const NOTIFY_FAILED: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c13";
/// A component has stalled, and the watchdog is not fed.
pub const STALLED: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c12";
/// The service does not answer.
pub const SERVICE_DOWN: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c40";
/// The service throttles an account.
pub const THROTTLED: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c41";
/// The disk of the store is nearly full.
pub const DISK_LOW: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c42";
/// Changed keys need a restart.
pub const RESTART_PENDING: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c43";
/// The clock of this machine is wrong.
pub const CLOCK_SKEW: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c44";
/// A secret or certificate expires soon.
pub const SECRET_EXPIRING: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c45";
/// A label that has to be withdrawn still exists.
pub const LABEL_PENDING_WITHDRAWAL: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c46";
/// The database of the store does not respond. `dropship-store` logs it.
pub const DATABASE_AWAY: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c62";
/// The storage of captured packages does not respond.
pub const PACKAGE_STORAGE_AWAY: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c63";
/// The node that has a folder is not running.
pub const NODE_AWAY: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c64";
/// The store is older than its receipts.
pub const STORE_OLDER: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c47";
/// A published label was withdrawn, has expired, or was changed, and dropship did not do it.
pub const LABEL_DRIFTED: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c60";
/// A dropped file could not be deleted or moved.
pub const AFTER_FAILED: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c49";
/// An item of the list of troubles is gone.
pub const ATTENTION_ENDED: &str = "f3c6a2b0d1a84b8c9a5d3a1f6f0e1c48";
