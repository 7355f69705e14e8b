//! Limits on the requests that block a thread. A request waits for its turn; a client can use only a part of the slots.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The kinds of requests that block a thread. Each has its own slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotKind {
    /// A short query.
    Query,
    /// A query that reads the whole store.
    Bulk,
    /// A package that is received and inspected.
    Submit,
}

impl SlotKind {
    /// Number of slots in all, and for one client.
    const fn slots(self) -> (usize, usize) {
        match self {
            Self::Query => (8, 4),
            Self::Bulk => (4, 2),
            Self::Submit => (8, 4),
        }
    }

    /// Maximum time to wait for a slot.
    const fn patience(self) -> Duration {
        match self {
            Self::Query | Self::Bulk => Duration::from_secs(30),
            Self::Submit => Duration::from_secs(600),
        }
    }
}

#[derive(Debug)]
struct Kinds {
    query: Arc<Semaphore>,
    bulk: Arc<Semaphore>,
    submit: Arc<Semaphore>,
}

impl Kinds {
    fn new(count: impl Fn((usize, usize)) -> usize) -> Self {
        let slots = |kind: SlotKind| Arc::new(Semaphore::new(count(kind.slots())));
        Self { query: slots(SlotKind::Query), bulk: slots(SlotKind::Bulk), submit: slots(SlotKind::Submit) }
    }

    fn of(&self, kind: SlotKind) -> Arc<Semaphore> {
        Arc::clone(match kind {
            SlotKind::Query => &self.query,
            SlotKind::Bulk => &self.bulk,
            SlotKind::Submit => &self.submit,
        })
    }
}

/// The slots of a lane.
#[derive(Debug)]
pub(super) struct LaneSlots(Kinds);

impl Default for LaneSlots {
    fn default() -> Self {
        Self(Kinds::new(|(all, _)| all))
    }
}

/// The slots of one client.
#[derive(Debug)]
pub(super) struct ClientSlots(Kinds);

impl Default for ClientSlots {
    fn default() -> Self {
        Self(Kinds::new(|(_, each)| each))
    }
}

impl ClientSlots {
    /// Whether no request of the client runs.
    pub(super) fn are_free(&self) -> bool {
        [SlotKind::Query, SlotKind::Bulk, SlotKind::Submit]
            .into_iter()
            .all(|kind| self.0.of(kind).available_permits() == kind.slots().1)
    }
}

/// The slots that a request may take; an extension of each request.
#[derive(Debug, Clone)]
pub struct RequestSlots {
    lane: Arc<LaneSlots>,
    client: Arc<ClientSlots>,
}

/// A slot in use. It moves to the thread that the request blocks, which may outlive the connection.
#[derive(Debug)]
pub struct RequestSlot(#[expect(dead_code, reason = "held, never read")] [OwnedSemaphorePermit; 2]);

/// No slot became free in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the daemon is busy with other requests; try again later")]
pub struct Busy;

impl RequestSlots {
    pub(super) fn new(lane: Arc<LaneSlots>, client: Arc<ClientSlots>) -> Self {
        Self { lane, client }
    }

    /// Waits for a slot.
    ///
    /// # Errors
    /// When none becomes free in time.
    pub async fn take(&self, kind: SlotKind) -> Result<RequestSlot, Busy> {
        // The client's own first: its requests do not queue for the slots of all while it uses its part.
        let both = async {
            let client = self.client.0.of(kind).acquire_owned().await.map_err(|_| Busy)?;
            let lane = self.lane.0.of(kind).acquire_owned().await.map_err(|_| Busy)?;
            Ok(RequestSlot([client, lane]))
        };
        tokio::time::timeout(kind.patience(), both).await.unwrap_or(Err(Busy))
    }
}

impl IntoResponse for Busy {
    fn into_response(self) -> Response {
        let body = Json(json!({ "kind": "busy", "message": self.to_string() }));
        (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], body).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn client_that_uses_its_slots_does_not_block_another() {
        let lane = Arc::new(LaneSlots::default());
        let of = || RequestSlots::new(Arc::clone(&lane), Arc::default());
        let (flood, other) = (of(), of());
        let mut held = Vec::new();
        for _ in 0..SlotKind::Query.slots().1 {
            held.push(flood.take(SlotKind::Query).await.expect("a slot"));
        }
        assert!(!flood.client.are_free());
        assert_eq!(flood.take(SlotKind::Query).await.expect_err("its slots are in use"), Busy);
        drop(other.take(SlotKind::Query).await.expect("a slot"));
        drop(flood.take(SlotKind::Submit).await.expect("a slot of another kind"));
        drop(held);
        assert!(flood.client.are_free());
    }
}
