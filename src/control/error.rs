//! Errors that the daemon reports to commands.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use dropship_store::StoreError;

/// An error that the daemon reports to a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ControlError {
    /// Decides the exit code of the command and the HTTP status on the socket.
    pub kind: ControlErrorKind,
    /// What failed, why, and what to do about it.
    pub message: String,
}

/// The kinds of [`ControlError`]; each has an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControlErrorKind {
    /// No such job, folder or label.
    NotFound,
    /// The state of the job does not permit the action.
    Illegal,
    /// The caller is not permitted to do this.
    NotPermitted,
    /// The configuration is invalid.
    Configuration,
    /// The daemon tried, and failed.
    Failed,
}

impl ControlErrorKind {
    /// All kinds, in the order of the documentation.
    pub const ALL: [Self; 5] =
        [Self::NotFound, Self::Illegal, Self::NotPermitted, Self::Configuration, Self::Failed];

    /// The word that scripts see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::Illegal => "illegal",
            Self::NotPermitted => "not-permitted",
            Self::Configuration => "configuration",
            Self::Failed => "failed",
        }
    }

    /// When it occurs.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::NotFound => "There is no such job, folder or label.",
            Self::Illegal => "The state of the job does not permit the action.",
            Self::NotPermitted => "The caller is not an operator.",
            Self::Configuration => {
                "The configuration on disk is invalid. The daemon keeps the one that it has."
            }
            Self::Failed => "The daemon attempted it, and it failed.",
        }
    }

    /// What the operator does about it.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::NotFound => "`dropship jobs` lists the jobs, `dropship status` the folders.",
            Self::Illegal => "`dropship show JOB` shows the state and the next step.",
            Self::NotPermitted => "Ask for membership in a group of `[control] operators`.",
            Self::Configuration => "Correct the errors that `dropship check` reports.",
            Self::Failed => "Read the message and the log.",
        }
    }
}

impl ControlError {
    /// Creates an error. Secrets in its message are masked.
    pub fn new(kind: ControlErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: dropship_redact::mask(&message.into()) }
    }
}

impl From<StoreError> for ControlError {
    fn from(error: StoreError) -> Self {
        let kind = if error.is_fatal() { ControlErrorKind::Failed } else { ControlErrorKind::Illegal };
        Self::new(kind, error.to_string())
    }
}

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        let status = match self.kind {
            ControlErrorKind::NotFound => StatusCode::NOT_FOUND,
            ControlErrorKind::Illegal => StatusCode::CONFLICT,
            ControlErrorKind::NotPermitted => StatusCode::FORBIDDEN,
            ControlErrorKind::Configuration => StatusCode::UNPROCESSABLE_ENTITY,
            ControlErrorKind::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, Json(self)).into_response()
    }
}

/// No daemon listens on the control socket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no daemon answers at {socket}; start it with `systemctl start dropship` or `dropship run`")]
pub struct NoDaemon {
    /// Path of the socket.
    pub socket: String,
}

/// Why a command has no connection to the daemon.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No daemon runs: the command may open the store itself.
    #[error(transparent)]
    NoDaemon(#[from] NoDaemon),
    /// A daemon may run, but this process cannot connect to it.
    #[error(transparent)]
    Control(#[from] ControlError),
}
