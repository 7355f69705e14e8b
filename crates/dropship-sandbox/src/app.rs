//! The state that all request handlers share.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicUsize};

use tokio_util::sync::CancellationToken;

use crate::blob::store::BlobStore;
use crate::clock::SandboxClock;
use crate::faults::script::FaultScript;
use crate::lock::lock;
use crate::options::Options;
use crate::quirks::{Quirk, Quirks};
use crate::request_log::RequestLog;
use crate::state::ServiceState;

/// The shared state of a sandbox.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) options: Options,
    pub(crate) clock: SandboxClock,
    pub(crate) state: Mutex<ServiceState>,
    pub(crate) blobs: BlobStore,
    pub(crate) script: Mutex<FaultScript>,
    pub(crate) log: Mutex<RequestLog>,
    /// `http://host:port` of the listener.
    pub(crate) base: String,
    /// Number of next links that were written in an odd form. Callers of the paging hold the lock of the state.
    pub(crate) next_links: AtomicUsize,
    /// Seconds by which the `Date` header of responses is wrong.
    pub(crate) date_offset: AtomicI64,
    /// Cuts the connections of all open requests.
    pub(crate) kill: CancellationToken,
    /// Key of the signatures of signed URLs.
    pub(crate) key: ring::hmac::Key,
}

impl App {
    pub(crate) fn quirks(&self) -> Quirks {
        self.options.quirks
    }

    pub(crate) fn has(&self, quirk: Quirk) -> bool {
        self.options.quirks.has(quirk)
    }

    /// Deletes all objects, tokens, blobs, faults and logged requests.
    pub(crate) fn reset(&self) {
        *lock(&self.state) = ServiceState::new(self.options.seed);
        *lock(&self.script) = FaultScript::default();
        *lock(&self.log) = RequestLog::default();
        self.blobs.clear();
    }
}

/// The caller of the API, and the base of the URLs in the response.
#[derive(Debug, Clone)]
pub(crate) struct ApiCaller {
    pub(crate) account: String,
    /// `http://host:port` from the Host header of the request.
    pub(crate) base: String,
    /// `v2.0` or `v1.0`.
    pub(crate) version: &'static str,
}

impl ApiCaller {
    /// The URL of a resource of the API.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/{}/my/hardware/{path}", self.base, self.version)
    }
}
