//! Kinds of failed calls, by their meaning for the caller.

/// What to do about a failed call. Exhaustive on purpose: a caller must handle every case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Recovery {
    /// Repeat the call later. The service did nothing, or repeating the call does no harm.
    Retry,
    /// Read the object's state before anything else: the call may have taken effect.
    Reconcile,
    /// The service is not ready for this call yet. Repeat it later; this can take hours.
    NotReady,
    /// The same call will always fail.
    Permanent,
    /// The application lacks a role in Partner Center.
    Permission,
    /// Authentication failed: the secret, certificate, client id or tenant is wrong or has expired.
    Credentials,
}

/// Whether the service executed a failed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Execution {
    /// No: the request was not sent.
    NotSent,
    /// No: the service rejected the request.
    Rejected,
    /// Unknown: the response was lost or unreadable, or the service failed.
    Unknown,
}
