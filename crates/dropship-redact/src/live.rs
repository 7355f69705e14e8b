//! The secrets of this process.
//!
//! They are one static set, although the code avoids those. A text is masked where it becomes visible: in `Display` of a URL,
//! in visitors of serde, in the hook for panics, in the log. None of these can be given a handle, and each place that forgot
//! to take one would print the secret. A secret is secret for the whole process, so nothing needs a second set. It is
//! only added to, and what it holds changes no result but masks.

use std::sync::LazyLock;
use std::time::Duration;

use crate::registry::Registry;

/// The secrets of this process.
pub(crate) static LIVE: LazyLock<Registry> = LazyLock::new(Registry::new);

/// How long a secret is searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// Until the process ends: a credential of the configuration.
    Process,
    /// Until an hour after it has expired: an access token, the signature of an upload URL.
    For(Duration),
}

/// Adds a secret to those that [`mask`](crate::mask()) replaces, in each encoding.
pub fn remember(secret: &str, lifetime: Lifetime) {
    LIVE.add(
        secret,
        match lifetime {
            Lifetime::Process => None,
            Lifetime::For(lifetime) => Some(lifetime),
        },
    );
}
