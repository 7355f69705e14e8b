//! An error as the response to a request.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::http::Busy;
use dropship_engine::operations::{ControlError, ControlErrorKind};

/// An error of an operation, which becomes the response. Its status follows from its kind.
#[derive(Debug)]
pub struct ErrorResponse(pub ControlError);

impl From<ControlError> for ErrorResponse {
    fn from(error: ControlError) -> Self {
        Self(error)
    }
}

impl From<Busy> for ErrorResponse {
    fn from(busy: Busy) -> Self {
        Self(ControlError::new(ControlErrorKind::Busy, busy.to_string()))
    }
}

impl IntoResponse for ErrorResponse {
    fn into_response(self) -> Response {
        let status = match self.0.kind {
            ControlErrorKind::NotFound | ControlErrorKind::UnknownFolder | ControlErrorKind::UnknownRule => {
                StatusCode::NOT_FOUND
            }
            ControlErrorKind::UnknownRequest => StatusCode::NOT_FOUND,
            ControlErrorKind::Malformed => StatusCode::BAD_REQUEST,
            ControlErrorKind::Illegal => StatusCode::CONFLICT,
            ControlErrorKind::NotPermitted => StatusCode::FORBIDDEN,
            ControlErrorKind::Configuration => StatusCode::UNPROCESSABLE_ENTITY,
            ControlErrorKind::Failed | ControlErrorKind::Unreachable => StatusCode::INTERNAL_SERVER_ERROR,
            ControlErrorKind::Busy | ControlErrorKind::DatabaseAway => StatusCode::SERVICE_UNAVAILABLE,
        };
        (status, Json(self.0)).into_response()
    }
}
