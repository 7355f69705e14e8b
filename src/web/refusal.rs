//! Why a request is not answered with what it asks for.

use axum::http::StatusCode;

use crate::http::Busy;
use dropship_engine::operations::{ControlError, ControlErrorKind};

/// Why a request is refused. The kinds are all the answers that the pages have besides 200 and 304.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RequestRefusal {
    /// The request cannot be understood.
    Malformed(String),
    /// A parameter cannot be used.
    Parameter {
        /// Its name.
        name: String,
        /// Why.
        why: String,
    },
    /// There is no such page, package or file.
    NotFound(String),
    /// The method is neither GET nor HEAD.
    Method,
    /// The host is not served here.
    Host,
    /// The daemon cannot answer now.
    Unavailable(String),
}

impl RequestRefusal {
    /// A parameter that cannot be used.
    pub(super) fn parameter(name: &str, why: impl Into<String>) -> Self {
        Self::Parameter { name: name.to_owned(), why: why.into() }
    }

    /// The status of the answer.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) | Self::Parameter { .. } => StatusCode::BAD_REQUEST,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Host => StatusCode::MISDIRECTED_REQUEST,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl From<Busy> for RequestRefusal {
    fn from(busy: Busy) -> Self {
        Self::Unavailable(busy.to_string())
    }
}

impl From<ControlError> for RequestRefusal {
    fn from(error: ControlError) -> Self {
        match error.kind {
            ControlErrorKind::NotFound | ControlErrorKind::UnknownFolder | ControlErrorKind::UnknownRule => {
                Self::NotFound(error.message)
            }
            ControlErrorKind::Illegal
            | ControlErrorKind::NotPermitted
            | ControlErrorKind::Configuration
            | ControlErrorKind::Failed
            | ControlErrorKind::DatabaseAway
            | ControlErrorKind::Malformed
            | ControlErrorKind::UnknownRequest
            | ControlErrorKind::Busy
            | ControlErrorKind::Unreachable => Self::Unavailable(error.message),
        }
    }
}
