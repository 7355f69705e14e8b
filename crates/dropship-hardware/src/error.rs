//! What went wrong with a call: what the service said, whether it did what was asked, and what to do now.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

mod body;
mod classify;

pub(super) use body::read as read_body;
pub(super) use classify::judge;

/// A call failed. Its facts are fields: `error.class`, `error.fate`.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Box<Failure>);

/// The facts of an [`Error`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What the caller should do.
    pub class: Class,
    /// Whether the service may have carried the call out.
    pub fate: Fate,
    /// HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// The service's error code, as it came (`invalidInput`).
    pub code: Option<String>,
    /// The service's message, or what went wrong on the way; secrets masked.
    pub message: String,
    /// Validation errors: (target, message).
    pub validation: Vec<(String, String)>,
    /// How long the service wants to be left alone.
    pub retry_after: Option<Duration>,
    /// What was being done: `create product`.
    pub operation: &'static str,
    /// Our id of this client or job, as sent in `MS-CorrelationId`.
    pub correlation_id: String,
    /// Our id of this call, as sent in `MS-RequestId`; empty if nothing was sent.
    pub request_id: String,
    /// The service's own ids of the call, for a support ticket: (header, value).
    pub trace: Vec<(String, String)>,
}

/// What the caller should do about a failed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Call again later; nothing was done, or doing it twice does no harm.
    Retry,
    /// Find out by GET what is true before anything else.
    Reconcile,
    /// The service is not ready for this call; call again later, it may take long.
    NotReady,
    /// The same call will fail for ever.
    Permanent,
    /// The application lacks a role in Partner Center.
    Permission,
    /// The service does not know us: secret, certificate or tenant is wrong or has run out.
    Credentials,
}

/// Whether a failed call was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// Certainly not: no byte of the request left for the service.
    NeverSent,
    /// Certainly not: the service answered that it did not do it.
    Refused,
    /// Nobody knows: the answer was lost, unreadable, or a fault of the service.
    Uncertain,
}

impl Error {
    /// An error of our own making, before anything was sent.
    #[must_use]
    pub fn unsent(operation: &'static str, class: Class, message: impl Into<String>) -> Self {
        Self::from(Failure {
            class,
            fate: Fate::NeverSent,
            status: None,
            code: None,
            message: message.into(),
            validation: Vec::new(),
            retry_after: None,
            operation,
            correlation_id: String::new(),
            request_id: String::new(),
            trace: Vec::new(),
        })
    }

    /// Whether the service's code is this one, case-blind.
    #[must_use]
    pub fn has_code(&self, code: &str) -> bool {
        self.code.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(code))
    }

    /// What a person should look at, where the service's own words do not say it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        const ROLES: &str = "in Partner Center give the Entra application the role Manager and, under Hardware, \
                             Driver Submitter, Shipping Label Owner and Shipping Label Promoter";
        const LASTING: &str = "if this lasts, the Entra application probably lacks its Hardware roles in Partner \
                               Center (Manager, Driver Submitter, Shipping Label Owner)";
        const STRANGER: &str = "the service refuses the tokens of this Entra application; is it associated with \
                                the account in Partner Center?";
        const ACCOUNT: &str = "check tenant, client id and credential of the account";
        // Without a request it was the token service that spoke.
        let asked = !self.request_id.is_empty();
        match (self.class, self.status) {
            (Class::Permission, _) => Some(ROLES),
            (_, Some(503)) if asked && self.operation.starts_with("create") => Some(LASTING),
            (Class::Credentials, _) if asked => Some(STRANGER),
            (Class::Credentials, _) => Some(ACCOUNT),
            _ => None,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self(Box::new(failure))
    }
}

impl Deref for Error {
    type Target = Failure;

    fn deref(&self) -> &Failure {
        &self.0
    }
}

impl DerefMut for Error {
    fn deref_mut(&mut self) -> &mut Failure {
        &mut self.0
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
        if self.fate == Fate::Uncertain {
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
