//! Errors of calls: the service's response, whether it executed the call, and what the caller can do.

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use dropship_redact::mask;

mod body;
mod classify;
mod kinds;

pub(crate) use body::{ErrorBody, describe_error, read as read_body};
pub(crate) use classify::{Classification, classify};
pub use kinds::{Execution, Recovery};

/// A call failed. The details are read as fields: `error.recovery`, `error.execution`, `error.status`.
///
/// The text of the error and all its fields are safe to log: secrets and signatures of URLs are masked.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Box<ErrorDetails>);

/// The details of an [`Error`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorDetails {
    /// The failed operation: `create product`.
    pub operation: &'static str,
    /// Whether the service executed the call.
    pub execution: Execution,
    /// The remedy.
    pub recovery: Recovery,
    /// The operation creates an object: after [`Execution::Unknown`] the object may exist.
    pub creates: bool,
    /// HTTP status, if there was a response.
    pub status: Option<u16>,
    /// The service's error code as it was sent (`invalidInput`), or [`INCOMPLETE_LIST`](crate::INCOMPLETE_LIST).
    pub code: Option<String>,
    /// The service's message, or the reason why there is no response.
    pub message: String,
    /// Validation errors: (target, message).
    pub validation: Vec<(String, String)>,
    /// Pause that the service asked for before the next call.
    pub retry_after: Option<Duration>,
    /// This client's correlation id, sent in `MS-CorrelationId`; empty if nothing was sent.
    pub correlation_id: String,
    /// This call's id, sent in `MS-RequestId`; empty if nothing was sent.
    pub request_id: String,
    /// The service's own ids of the call, for a support ticket: (header, value).
    pub trace: Vec<(String, String)>,
}

impl Error {
    /// An error with the facts that every error has. The other fields are empty; the `with_` methods fill them in.
    #[must_use]
    pub fn new(
        operation: &'static str,
        execution: Execution,
        recovery: Recovery,
        message: impl Into<String>,
    ) -> Self {
        Self(Box::new(ErrorDetails {
            operation,
            execution,
            recovery,
            creates: false,
            status: None,
            code: None,
            message: mask(&message.into()),
            validation: Vec::new(),
            retry_after: None,
            correlation_id: String::new(),
            request_id: String::new(),
            trace: Vec::new(),
        }))
    }

    /// An error that occurred before the request was sent.
    #[must_use]
    pub fn not_sent(operation: &'static str, recovery: Recovery, message: impl Into<String>) -> Self {
        Self::new(operation, Execution::NotSent, recovery, message)
    }

    /// The same error with the HTTP status of the response.
    #[must_use]
    pub fn with_status(mut self, status: impl Into<Option<u16>>) -> Self {
        self.0.status = status.into();
        self
    }

    /// The same error of an operation that creates an object, or does not.
    #[must_use]
    pub fn with_creates(mut self, creates: bool) -> Self {
        self.0.creates = creates;
        self
    }

    /// The same error with the service's error code.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<Option<String>>) -> Self {
        self.0.code = code.into().map(|code| mask(&code));
        self
    }

    /// The same error with the service's validation errors: (target, message).
    #[must_use]
    pub fn with_validation(mut self, validation: Vec<(String, String)>) -> Self {
        let masked = validation.into_iter().map(|(target, message)| (mask(&target), mask(&message)));
        self.0.validation = masked.collect();
        self
    }

    /// The same error with the pause that the service asked for.
    #[must_use]
    pub fn with_retry_after(mut self, pause: impl Into<Option<Duration>>) -> Self {
        self.0.retry_after = pause.into();
        self
    }

    /// The same error with the ids that the request carried.
    #[must_use]
    pub fn with_request(mut self, correlation_id: &str, request_id: &str) -> Self {
        correlation_id.clone_into(&mut self.0.correlation_id);
        request_id.clone_into(&mut self.0.request_id);
        self
    }

    /// The same error with the service's own ids of the call.
    #[must_use]
    pub fn with_trace(mut self, trace: Vec<(String, String)>) -> Self {
        self.0.trace = trace.into_iter().map(|(header, value)| (header, mask(&value))).collect();
        self
    }

    /// The error of an operation that failed because it could not get an access token.
    pub(crate) fn without_token(mut self, operation: &'static str, correlation_id: &str) -> Self {
        self.0.message = format!("no access token: {}", self.0.message);
        self.0.operation = operation;
        correlation_id.clone_into(&mut self.0.correlation_id);
        self
    }

    /// Whether the service's code is `code`; case is ignored.
    #[must_use]
    pub fn has_code(&self, code: &str) -> bool {
        self.code.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(code))
    }

    /// Whether the service may have answered without knowing the object of the call: with 404, or with 400 without naming a fault
    /// of the request. Both have been met for objects that had just been created.
    #[must_use]
    pub fn may_not_know_object(&self) -> bool {
        let is_verdict = ["requestInvalidForCurrentState", "updateUnauthorized", "readOnlyProduct"]
            .iter()
            .any(|code| self.has_code(code));
        match self.status {
            Some(404) => true,
            Some(400) => self.validation.is_empty() && !is_verdict,
            _ => false,
        }
    }

    /// Advice for operators where the service's own message does not name the cause.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        const ROLES: &str = "in Partner Center give the Entra application the role Manager and, under Hardware, \
                             Driver Submitter, Shipping Label Owner and Shipping Label Promoter";
        const MISSING_ROLES: &str = "if this lasts, the Entra application probably lacks its Hardware roles in \
                                     Partner Center (Manager, Driver Submitter, Shipping Label Owner)";
        const UNKNOWN_APPLICATION: &str = "the service refuses the tokens of this Entra application; is it \
                                           associated with the account in Partner Center?";
        const ACCOUNT: &str = "check tenant, client id and credential of the account";
        // Without a request id the error comes from the token service.
        let reached_api = !self.request_id.is_empty();
        match (self.recovery, self.status) {
            (Recovery::Permission, _) => Some(ROLES),
            (_, Some(503)) if reached_api && self.creates => Some(MISSING_ROLES),
            (Recovery::Credentials, _) if reached_api => Some(UNKNOWN_APPLICATION),
            (Recovery::Credentials, _) => Some(ACCOUNT),
            _ => None,
        }
    }
}

impl Deref for Error {
    type Target = ErrorDetails;

    fn deref(&self) -> &ErrorDetails {
        &self.0
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}", self.operation)?;
        match (self.status, &self.code) {
            (Some(status), Some(code)) => write!(f, ": {status} {code}")?,
            (Some(status), None) => write!(f, ": {status}")?,
            (None, Some(code)) => write!(f, ": {code}")?,
            (None, None) => {}
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        for (at, (target, message)) in self.validation.iter().enumerate() {
            write!(f, "{} {target}: {message}", if at == 0 { ";" } else { "," })?;
        }
        if self.creates && self.execution == Execution::Unknown {
            f.write_str("; whether the service did it is unknown")?;
        }
        if let Some(hint) = self.hint() {
            write!(f, "; {hint}")?;
        }
        if !self.request_id.is_empty() {
            write!(f, " [request {}]", self.request_id)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
