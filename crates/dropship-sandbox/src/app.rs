//! The one thing that every handler shares.

use std::sync::Mutex;

use tokio_util::sync::CancellationToken;

use super::blobs::BlobStore;
use super::clock::Clock;
use super::faults::Script;
use super::lock;
use super::log::Log;
use super::options::Options;
use super::quirks::{Quirk, Quirks};
use super::state::World;

/// A sandbox's insides.
#[derive(Debug)]
pub(super) struct App {
    pub(super) options: Options,
    pub(super) clock: Clock,
    pub(super) world: Mutex<World>,
    pub(super) blobs: BlobStore,
    pub(super) script: Mutex<Script>,
    pub(super) log: Mutex<Log>,
    /// `http://host:port` of the listener.
    pub(super) base: String,
    /// Cuts every request that is still being answered.
    pub(super) kill: CancellationToken,
    /// What signed URLs are signed with.
    pub(super) key: ring::hmac::Key,
}

impl App {
    pub(super) fn quirks(&self) -> Quirks {
        self.options.quirks
    }

    pub(super) fn has(&self, quirk: Quirk) -> bool {
        self.options.quirks.has(quirk)
    }

    /// Forgets everything: products, tokens, blobs, faults, the log.
    pub(super) fn reset(&self) {
        *lock(&self.world) = World::new(self.options.seed);
        *lock(&self.script) = Script::default();
        *lock(&self.log) = Log::default();
        self.blobs.clear();
    }
}

/// Where a call to the API comes from and how its URLs are to look.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) account: String,
    /// `http://host:port` as the caller knows it.
    pub(super) base: String,
    /// `v2.0` or `v1.0`.
    pub(super) version: &'static str,
}

impl Caller {
    /// The URL of a resource of the API.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}/{}/my/hardware/{path}", self.base, self.version)
    }
}
