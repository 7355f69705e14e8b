//! What all requests of the site share.

use std::sync::Arc;

use dropship_web::{PageFrame, Section};
use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinError;

use super::hosts::AllowedHosts;
use super::open_streams::OpenStreams;
use super::preview::ReloadPreview;
use super::readings::Readings;
use super::refusal::RequestRefusal;
use super::rows::JobRows;
use super::turns::Turns;
use super::words::escape;
use crate::http::{RequestSlots, SlotKind};

/// What all requests share.
pub(super) struct Site {
    pub(super) readings: Readings,
    pub(super) hosts: AllowedHosts,
    /// The header with the name of the user, which a proxy sets.
    pub(super) trusted_header: Option<String>,
    /// Whether submissions go to a sandbox.
    pub(super) sandbox: bool,
    /// The name of the node that processes the jobs, while this one stands by.
    pub(super) stands_by: Option<watch::Receiver<Option<String>>>,
    /// The streams of newer versions of pages.
    pub(super) streams: OpenStreams,
    /// The packages in memory.
    pub(super) rows: Arc<JobRows>,
    /// The runtime of the workers, which previews reloads.
    pub(super) main: Handle,
    /// Whose turn it is to compute a page.
    pub(super) turns: Turns,
    /// What a reload would change.
    pub(super) preview: Arc<ReloadPreview>,
}

impl Site {
    /// The frame of a page.
    pub(super) fn frame(&self, section: Option<Section>, title: String) -> PageFrame {
        PageFrame {
            title,
            section,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sandbox: self.sandbox,
            active_node: self.stands_by.as_ref().and_then(|active| active.borrow().as_deref().map(escape)),
            now: Timestamp::now(),
        }
    }

    /// Computes a page when it is its turn.
    pub(super) async fn compute<T: Send + 'static>(
        &self,
        slots: &RequestSlots,
        kind: SlotKind,
        work: impl FnOnce() -> Result<T, RequestRefusal> + Send + 'static,
    ) -> Result<T, RequestRefusal> {
        let _slot = slots.take(kind).await?;
        self.turns.run(work).await.unwrap_or_else(|error| Err(failed(&error)))
    }

    /// Runs work that may wait for a file system.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        slots: &RequestSlots,
        kind: SlotKind,
        work: impl FnOnce() -> Result<T, RequestRefusal> + Send + 'static,
    ) -> Result<T, RequestRefusal> {
        let slot = slots.take(kind).await?;
        let with_slot = move || {
            let _slot = slot;
            work()
        };
        let done = tokio::task::spawn_blocking(with_slot).await;
        done.unwrap_or_else(|error| Err(failed(&error)))
    }
}

fn failed(error: &JoinError) -> RequestRefusal {
    RequestRefusal::Unavailable(format!("the daemon failed to answer: {error}"))
}
