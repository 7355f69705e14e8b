//! The body of a request.

use axum::body::{Body, Bytes};

/// Maximum size of a body that is read into memory: every body except uploads.
pub(crate) const MAX_BODY: usize = 16 << 20;

/// A body that was read, or an upload that is still to be read.
#[derive(Debug)]
pub(crate) enum Payload {
    Bytes(Bytes),
    Stream(Body),
}

impl Payload {
    /// The bytes of a body that was read; empty for an upload.
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Stream(_) => &[],
        }
    }

    pub(crate) fn into_body(self) -> Body {
        match self {
            Self::Bytes(bytes) => Body::from(bytes),
            Self::Stream(body) => body,
        }
    }
}
