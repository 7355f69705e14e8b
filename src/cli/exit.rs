//! Exit codes, after `sysexits.h`.

use std::error::Error as StdError;
use std::io;
use std::process::ExitCode;

use crate::control::{ConnectError, NoDaemon};
use dropship_engine::operations::{ControlError, ControlErrorKind};
use dropship_store::{CopyMark, StoreError};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Done,
    /// 1: failed.
    Failed,
    /// 2: `plan --replay` has found differences.
    Differences,
    /// 64: invalid command line.
    Usage,
    /// 65: the job failed, was rejected or cancelled, or the package would be rejected.
    Rejected,
    /// 69: no daemon is running.
    NoDaemon,
    /// 75: timed out.
    TimedOut,
    /// 77: not permitted.
    NotPermitted,
    /// 78: invalid configuration.
    Configuration,
}

impl Exit {
    /// All of them, in the order of their codes.
    pub(super) const ALL: [Self; 9] = [
        Self::Done,
        Self::Failed,
        Self::Differences,
        Self::Usage,
        Self::Rejected,
        Self::NoDaemon,
        Self::TimedOut,
        Self::NotPermitted,
        Self::Configuration,
    ];

    /// What it means, for the manual.
    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Done => "Done.",
            Self::Failed => "Failed; the message has the reason.",
            Self::Differences => "dropship plan --replay has found differences.",
            Self::Usage => {
                "The command line is invalid, or names a folder, rule or test case that does not exist."
            }
            Self::Rejected => {
                "The job failed, was rejected or was cancelled, or the package would be rejected. With --held fail, also: the job is held. Of plan, \
                 also: the job would be held. Of api: the service rejected the object, or the object was cancelled."
            }
            Self::NoDaemon => "No daemon answers.",
            Self::TimedOut => "Timed out, or the daemon is busy.",
            Self::NotPermitted => "Not permitted.",
            Self::Configuration => {
                "The configuration is invalid, dropship check reports another error, or dropship cannot use the store with this version or \
                 configuration. Of api, also: Microsoft refuses the credentials."
            }
        }
    }

    /// The exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Differences => 2,
            Self::Usage => 64,
            Self::Rejected => 65,
            Self::NoDaemon => 69,
            Self::TimedOut => 75,
            Self::NotPermitted => 77,
            Self::Configuration => 78,
        }
    }

    /// The exit code for an error.
    #[must_use]
    pub fn of(error: &anyhow::Error) -> Self {
        if let Some(exit) = error.downcast_ref::<ExitError>() {
            return exit.0;
        }
        if let Some(error) = error.downcast_ref::<ControlError>() {
            return Self::of_kind(error.kind);
        }
        match error.downcast_ref::<ConnectError>() {
            Some(ConnectError::NoDaemon(_)) => return Self::NoDaemon,
            Some(ConnectError::Control(error)) => return Self::of_kind(error.kind),
            None => {}
        }
        if error.is::<NoDaemon>() {
            return Self::NoDaemon;
        }
        if let Some(StoreError::Newer { .. } | StoreError::Older { .. } | StoreError::Unusable { .. }) =
            error.downcast_ref::<StoreError>()
        {
            return Self::Configuration;
        }
        if error.is::<crate::store_binding::EndpointMismatch>()
            || error.is::<crate::daemon::FolderConflict>()
            || error.is::<crate::daemon::NameTaken>()
            || error.is::<crate::database::UnusableSettings>()
            || error.is::<CopyMark>()
            || error.is::<dropship_config::Report>()
        {
            return Self::Configuration;
        }
        if error.chain().any(is_permission_denied) { Self::NotPermitted } else { Self::Failed }
    }

    fn of_kind(kind: ControlErrorKind) -> Self {
        match kind {
            ControlErrorKind::NotPermitted => Self::NotPermitted,
            ControlErrorKind::Configuration => Self::Configuration,
            ControlErrorKind::UnknownFolder | ControlErrorKind::UnknownRule => Self::Usage,
            ControlErrorKind::Busy => Self::TimedOut,
            ControlErrorKind::Unreachable => Self::NoDaemon,
            ControlErrorKind::NotFound
            | ControlErrorKind::Illegal
            | ControlErrorKind::Failed
            | ControlErrorKind::DatabaseAway
            | ControlErrorKind::Malformed
            | ControlErrorKind::UnknownRequest => Self::Failed,
        }
    }
}

fn is_permission_denied(cause: &(dyn StdError + 'static)) -> bool {
    let io_error = match cause.downcast_ref::<StoreError>() {
        Some(StoreError::Io { error, .. }) => Some(error),
        _ => cause.downcast_ref::<io::Error>(),
    };
    io_error.is_some_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// An error in the command line.
pub(super) fn usage(text: impl Into<String>) -> anyhow::Error {
    ExitError(Exit::Usage, text.into()).into()
}

/// An error that determines the exit code.
#[derive(Debug, thiserror::Error)]
#[error("{1}")]
pub struct ExitError(pub Exit, pub String);
