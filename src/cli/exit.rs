//! Exit codes, after sysexits.h.

use std::process::ExitCode;

use crate::control::{Refusal, RefusalKind};
use crate::store::StoreError;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// It failed.
    Failed,
    /// The command line is at fault.
    Usage,
    /// The job ended badly, or a package would be rejected.
    Rejected,
    /// No daemon to talk to.
    NoDaemon,
    /// Time ran out.
    TimedOut,
    /// Not permitted.
    NotPermitted,
    /// The configuration is at fault.
    Configuration,
}

impl Exit {
    /// The exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 64,
            Self::Rejected => 65,
            Self::NoDaemon => 69,
            Self::TimedOut => 75,
            Self::NotPermitted => 77,
            Self::Configuration => 78,
        }
    }

    /// The exit that an error asks for.
    #[must_use]
    pub fn of(error: &anyhow::Error) -> Self {
        if let Some(exit) = error.downcast_ref::<Ending>() {
            return exit.0;
        }
        if let Some(refusal) = error.downcast_ref::<Refusal>() {
            return match refusal.kind {
                RefusalKind::NotPermitted => Self::NotPermitted,
                RefusalKind::Configuration => Self::Configuration,
                RefusalKind::NotFound | RefusalKind::Illegal | RefusalKind::Failed => Self::Failed,
            };
        }
        if error.is::<crate::app::OtherService>() || error.is::<crate::config::Report>() {
            return Self::Configuration;
        }
        if error.is::<crate::control::NoDaemon>() {
            return Self::NoDaemon;
        }
        if matches!(error.downcast_ref::<StoreError>(), Some(StoreError::Io { error, .. }) if error.kind() == std::io::ErrorKind::PermissionDenied)
        {
            return Self::NotPermitted;
        }
        let denied = |cause: &(dyn std::error::Error + 'static)| {
            cause
                .downcast_ref::<std::io::Error>()
                .is_some_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
        };
        if error.chain().any(denied) { Self::NotPermitted } else { Self::Failed }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// An error with an exit code of its own.
#[derive(Debug, thiserror::Error)]
#[error("{1}")]
pub struct Ending(pub Exit, pub String);
