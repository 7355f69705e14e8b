//! Errors and common headers of the blob store.

use axum::body::Body;
use axum::response::Response;

use crate::blob::store::{BlobContent, ReceiveError};
use crate::reply::{response, set_header};

/// An error of the storage service: HTTP status, code and message.
pub(crate) struct BlobError(pub(crate) u16, pub(crate) &'static str, pub(crate) &'static str);

impl BlobError {
    pub(crate) const NOT_FOUND: Self = Self(404, "BlobNotFound", "The specified blob does not exist.");

    pub(crate) const CONDITION_NOT_MET: Self =
        Self(412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.");

    pub(crate) const NOT_PERMITTED: Self = Self(
        403,
        "AuthorizationPermissionMismatch",
        "This request is not authorized to perform this operation using this permission.",
    );

    pub(crate) const INTERNAL: Self =
        Self(500, "InternalError", "Server encountered an internal error. Please try again after some time.");

    /// The response; a response to HEAD has no body.
    pub(crate) fn into_response(self, is_head: bool) -> Response {
        let Self(status, code, message) = self;
        let xml = format!(
            "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
        );
        let body = if is_head { Body::empty() } else { Body::from(xml) };
        let mut answer = response(status, "application/xml", body);
        set_header(&mut answer, "x-ms-error-code", code);
        answer
    }
}

impl From<ReceiveError> for BlobError {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::Length => {
                Self(400, "InvalidInput", "The body is not as long as Content-Length says.")
            }
            ReceiveError::Md5 => Self(
                400,
                "Md5Mismatch",
                "The MD5 value specified in the request did not match with the MD5 value calculated by the server.",
            ),
            ReceiveError::Crc64 => Self(
                400,
                "Crc64Mismatch",
                "The CRC64 value specified in the request did not match with the CRC64 value calculated by the server.",
            ),
            ReceiveError::Disk(error) => {
                tracing::warn!(%error, "cannot store or read a blob of the sandbox: {error}");
                Self::INTERNAL
            }
        }
    }
}

/// Sets the entity tag and the time of the last change.
pub(crate) fn describe(answer: &mut Response, content: &BlobContent) {
    set_header(answer, "etag", &content.etag);
    let modified = std::time::SystemTime::from(content.modified);
    set_header(answer, "last-modified", &httpdate::fmt_http_date(modified));
}
