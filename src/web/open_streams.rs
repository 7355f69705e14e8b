//! Which streams are open, and on which pages.

use std::collections::HashMap;

use axum::body::Bytes;
use parking_lot::Mutex;
use tokio::sync::watch;

use dropship_job::JobId;

/// The page that a stream updates.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum StreamPage {
    /// The overview.
    Overview,
    /// One package.
    Package(JobId),
}

/// The last version of a page; empty until it was computed.
pub(super) type PageVersion = Option<Bytes>;

/// The open streams.
#[derive(Debug, Default)]
pub(super) struct OpenStreams(pub(super) Mutex<StreamsByPage>);

/// The open streams, by page.
#[derive(Debug, Default)]
pub(super) struct StreamsByPage {
    /// Number of streams.
    pub(super) count: usize,
    /// The versions of each page that has readers.
    pub(super) pages: HashMap<StreamPage, watch::Sender<PageVersion>>,
}
