//! Which streams are open, and on which pages.

use std::collections::HashMap;

use axum::body::Bytes;
use parking_lot::Mutex;
use tokio::sync::watch;

use dropship_job::JobId;

/// The page that a stream updates.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Topic {
    /// The overview.
    Overview,
    /// One package.
    Package(JobId),
}

/// The last version of a page; empty until it was computed.
pub(super) type Version = Option<Bytes>;

/// The open streams.
#[derive(Debug, Default)]
pub(super) struct Streams(pub(super) Mutex<Open>);

/// The open streams, by page.
#[derive(Debug, Default)]
pub(super) struct Open {
    /// Number of streams.
    pub(super) count: usize,
    /// The versions of each page that has readers.
    pub(super) topics: HashMap<Topic, watch::Sender<Version>>,
}
