//! Reads the parameters and the body of a request. One that cannot be read is an [`ErrorResponse`].

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{self, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{Method, Uri};
use serde::de::DeserializeOwned;

use super::error_response::ErrorResponse;
use dropship_engine::operations::{ControlError, ControlErrorKind};

/// The parameters in the path.
pub(super) struct Path<T>(pub(super) T);

/// The parameters in the query.
pub(super) struct Query<T>(pub(super) T);

/// The JSON in the body.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ErrorResponse;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ErrorResponse> {
        let extract::Path(value) = extract::Path::from_request_parts(parts, state).await?;
        Ok(Self(value))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ErrorResponse;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ErrorResponse> {
        let extract::Query(value) = extract::Query::from_request_parts(parts, state).await?;
        Ok(Self(value))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ErrorResponse;

    async fn from_request(request: Request, state: &S) -> Result<Self, ErrorResponse> {
        let axum::Json(value) = axum::Json::from_request(request, state).await?;
        Ok(Self(value))
    }
}

impl From<PathRejection> for ErrorResponse {
    fn from(rejection: PathRejection) -> Self {
        malformed(rejection.body_text())
    }
}

impl From<QueryRejection> for ErrorResponse {
    fn from(rejection: QueryRejection) -> Self {
        malformed(rejection.body_text())
    }
}

impl From<JsonRejection> for ErrorResponse {
    fn from(rejection: JsonRejection) -> Self {
        malformed(rejection.body_text())
    }
}

fn malformed(why: String) -> ErrorResponse {
    ErrorResponse(ControlError::new(ControlErrorKind::Malformed, why))
}

/// The answer to a path that the daemon does not serve.
pub(super) async fn unknown_path(method: Method, uri: Uri) -> ErrorResponse {
    let message = format!("this daemon has no request `{method} {}`", uri.path());
    ErrorResponse(ControlError::new(ControlErrorKind::UnknownRequest, message))
}
