//! A fault: which requests it applies to, and what happens to them.

use serde::Deserialize;

/// A fault and the requests that it applies to.
///
/// It applies to the `nth` matching request and the following ones, `times` in total.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Method; absent for any.
    #[serde(default)]
    pub method: Option<String>,
    /// Glob over the path; `*` matches within a segment, `**` across segments. Absent for any.
    #[serde(default)]
    pub path: Option<String>,
    /// Operation as in the request log, such as `create_label` or `blob`; absent for any.
    #[serde(default)]
    pub operation: Option<String>,
    /// Number of the first matching request that the fault applies to, from 1.
    #[serde(default = "one")]
    pub nth: u64,
    /// Number of requests that the fault applies to; 0 for all that follow.
    #[serde(default = "one")]
    pub times: u64,
    /// The effect.
    pub action: FaultAction,
}

fn one() -> u64 {
    1
}

impl Fault {
    /// A fault for the next request for an operation, such as `create_product`, `token` or `blob`.
    #[must_use]
    pub fn on(operation: &str, action: FaultAction) -> Self {
        Self { method: None, path: None, operation: Some(operation.to_owned()), nth: 1, times: 1, action }
    }

    /// A fault for the next request with a method and a path that a glob matches.
    #[must_use]
    pub fn at(method: &str, path: &str, action: FaultAction) -> Self {
        Self {
            method: Some(method.to_owned()),
            path: Some(path.to_owned()),
            operation: None,
            nth: 1,
            times: 1,
            action,
        }
    }

    /// Skips the first `nth - 1` matching requests.
    #[must_use]
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = nth;
        self
    }

    /// Applies to this number of requests; 0 for all.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    /// Applies to requests with this method only.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }
}

/// The effect on a request.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultAction {
    /// The request takes no effect and gets this response.
    Status {
        /// The HTTP status.
        status: u16,
        /// Value of `Retry-After`: seconds or an HTTP date.
        #[serde(default)]
        retry_after: Option<String>,
        /// Form of the body.
        #[serde(default)]
        body: FaultBody,
        /// The message in the body.
        #[serde(default)]
        message: Option<String>,
        /// The code in a JSON body.
        #[serde(default)]
        code: Option<String>,
    },
    /// The request takes no effect and gets this file, with status 200.
    File {
        /// The bytes of the file in base64.
        base64: String,
    },
    /// The connection is cut before the request takes effect.
    DropBefore,
    /// The request takes effect, then the connection is cut.
    DropAfter,
    /// The request takes no effect and gets no response.
    Hang,
    /// The request takes effect at once; the response is delayed.
    Delay {
        /// Milliseconds of real time.
        ms: u64,
    },
    /// The request takes effect after a delay, even if the client has disconnected, and gets no response.
    Late {
        /// Milliseconds of real time until it takes effect.
        ms: u64,
        /// Whether the connection is cut at once rather than left open.
        #[serde(default)]
        cut: bool,
    },
    /// The request takes effect; the body of the response ends half-way.
    Truncate,
    /// The request takes effect; the body of the response is not JSON.
    Garbage,
}

impl FaultAction {
    /// A status with a JSON error body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::Status { status, retry_after: None, body: FaultBody::Json, message: None, code: None }
    }

    /// A status with a body of some form.
    #[must_use]
    pub fn status_with(status: u16, body: FaultBody) -> Self {
        Self::Status { status, retry_after: None, body, message: None, code: None }
    }

    /// A 429 or the like with `Retry-After`.
    #[must_use]
    pub fn retry_after(status: u16, retry_after: &str) -> Self {
        let retry_after = Some(retry_after.to_owned());
        Self::Status { status, retry_after, body: FaultBody::Gateway, message: None, code: None }
    }

    /// Name of the action in the request log.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Status { status, .. } => format!("status {status}"),
            Self::File { .. } => "file".to_owned(),
            Self::DropBefore => "drop_before".to_owned(),
            Self::DropAfter => "drop_after".to_owned(),
            Self::Hang => "hang".to_owned(),
            Self::Delay { ms } => format!("delay {ms} ms"),
            Self::Late { ms, .. } => format!("late {ms} ms"),
            Self::Truncate => "truncate".to_owned(),
            Self::Garbage => "garbage".to_owned(),
        }
    }
}

/// The forms of error bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultBody {
    /// The API's own error object.
    #[default]
    Json,
    /// `{"statusCode":…,"message":…}`.
    Gateway,
    /// Plain text.
    Text,
    /// No body.
    Empty,
    /// An HTML page of a web server.
    Html,
    /// An HTML page of a proxy between client and service.
    Proxy,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_with_unknown_field_is_rejected() {
        let text = r#"{"operation":"commit","action":{"kind":"status","status":503,"body":"html"}}"#;
        let fault: Fault = serde_json::from_str(text).unwrap();
        assert!(matches!(fault.action, FaultAction::Status { status: 503, body: FaultBody::Html, .. }));
        assert!(serde_json::from_str::<Fault>(r#"{"operaton":"commit","action":{"kind":"hang"}}"#).is_err());
    }
}
