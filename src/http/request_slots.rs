//! Limits on the requests that block a thread. A request waits for its turn; a client can use only a part of the slots.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

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

/// Numbers of slots.
#[derive(Debug, Clone, Copy)]
struct SlotCounts {
    /// Slots that each request may take.
    shared: usize,
    /// Slots of which each client can take one only, so that few clients cannot take all.
    reserved: usize,
    /// Slots of both kinds that one client can take.
    per_client: usize,
}

impl SlotKind {
    const ALL: [Self; 3] = [Self::Query, Self::Bulk, Self::Submit];

    const fn counts(self) -> SlotCounts {
        match self {
            Self::Query => SlotCounts { shared: 8, reserved: 4, per_client: 4 },
            Self::Bulk => SlotCounts { shared: 4, reserved: 2, per_client: 2 },
            Self::Submit => SlotCounts { shared: 8, reserved: 8, per_client: 4 },
        }
    }

    /// Maximum time to wait for a slot.
    const fn max_wait(self) -> Duration {
        match self {
            Self::Query | Self::Bulk => Duration::from_secs(30),
            Self::Submit => Duration::from_secs(600),
        }
    }
}

/// One value for each kind of request.
#[derive(Debug)]
struct PerSlotKind<T> {
    query: T,
    bulk: T,
    submit: T,
}

impl<T> PerSlotKind<T> {
    fn new(value: impl Fn(SlotKind) -> T) -> Self {
        Self { query: value(SlotKind::Query), bulk: value(SlotKind::Bulk), submit: value(SlotKind::Submit) }
    }

    fn of(&self, kind: SlotKind) -> &T {
        match kind {
            SlotKind::Query => &self.query,
            SlotKind::Bulk => &self.bulk,
            SlotKind::Submit => &self.submit,
        }
    }
}

fn semaphore(slots: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(slots))
}

#[derive(Debug)]
struct ClassSemaphores {
    shared: Arc<Semaphore>,
    reserved: Arc<Semaphore>,
}

/// The slots of a class of clients.
#[derive(Debug)]
pub(super) struct ClassSlots(PerSlotKind<ClassSemaphores>);

impl Default for ClassSlots {
    fn default() -> Self {
        Self(PerSlotKind::new(|kind| {
            let counts = kind.counts();
            ClassSemaphores { shared: semaphore(counts.shared), reserved: semaphore(counts.reserved) }
        }))
    }
}

#[derive(Debug)]
struct ClientSemaphores {
    per_client: Arc<Semaphore>,
    /// The one reserved slot that the client may take.
    reserved: Arc<Semaphore>,
}

/// The slots of one client.
#[derive(Debug)]
pub(super) struct ClientSlots(PerSlotKind<ClientSemaphores>);

impl Default for ClientSlots {
    fn default() -> Self {
        Self(PerSlotKind::new(|kind| ClientSemaphores {
            per_client: semaphore(kind.counts().per_client),
            reserved: semaphore(1),
        }))
    }
}

impl ClientSlots {
    /// Whether no request of the client runs.
    pub(super) fn are_free(&self) -> bool {
        SlotKind::ALL
            .into_iter()
            .all(|kind| self.0.of(kind).per_client.available_permits() == kind.counts().per_client)
    }
}

/// The slots that a request may take; an extension of each request.
#[derive(Debug, Clone)]
pub struct RequestSlots {
    class: Arc<ClassSlots>,
    client: Arc<ClientSlots>,
}

/// A slot in use. It moves to the thread that the request blocks, which may outlive the connection.
#[derive(Debug)]
pub struct RequestSlot(#[expect(dead_code, reason = "held, never read")] Vec<OwnedSemaphorePermit>);

/// No slot became free in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the daemon is busy with other requests; try again later")]
pub struct Busy;

impl From<AcquireError> for Busy {
    fn from(_: AcquireError) -> Self {
        Self
    }
}

impl RequestSlots {
    pub(super) fn new(class: Arc<ClassSlots>, client: Arc<ClientSlots>) -> Self {
        Self { class, client }
    }

    /// Waits for a slot.
    ///
    /// # Errors
    /// When none becomes free in time.
    pub async fn take(&self, kind: SlotKind) -> Result<RequestSlot, Busy> {
        tokio::time::timeout(kind.max_wait(), self.next(kind)).await.unwrap_or(Err(Busy))
    }

    async fn next(&self, kind: SlotKind) -> Result<RequestSlot, Busy> {
        let (client, class) = (self.client.0.of(kind), self.class.0.of(kind));
        // The client's own first: its requests do not queue for the slots of all while it uses its part.
        let client_permit = Arc::clone(&client.per_client).acquire_owned().await?;
        let reserved = async {
            let client_reserved = Arc::clone(&client.reserved).acquire_owned().await?;
            Ok([client_reserved, Arc::clone(&class.reserved).acquire_owned().await?])
        };
        tokio::select! {
            biased;
            shared = Arc::clone(&class.shared).acquire_owned() => Ok(RequestSlot(vec![client_permit, shared?])),
            reserved = reserved => {
                let [client_reserved, reserved] = reserved.map_err(|error: AcquireError| Busy::from(error))?;
                Ok(RequestSlot(vec![client_permit, client_reserved, reserved]))
            }
        }
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

    fn clients(count: usize) -> Vec<RequestSlots> {
        let class = Arc::new(ClassSlots::default());
        (0..count).map(|_| RequestSlots::new(Arc::clone(&class), Arc::default())).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn client_that_uses_its_slots_does_not_block_another() {
        let clients = clients(2);
        let [flood, other] = clients.as_slice() else { panic!("two clients") };
        let mut held = Vec::new();
        for _ in 0..SlotKind::Query.counts().per_client {
            held.push(flood.take(SlotKind::Query).await.expect("a slot"));
        }
        assert!(!flood.client.are_free());
        assert_eq!(flood.take(SlotKind::Query).await.expect_err("its slots are in use"), Busy);
        drop(other.take(SlotKind::Query).await.expect("a slot"));
        drop(flood.take(SlotKind::Submit).await.expect("a slot of another kind"));
        drop(held);
        assert!(flood.client.are_free());
    }

    #[tokio::test(start_paused = true)]
    async fn clients_that_take_all_that_they_can_leave_slots_for_clients_that_have_none() {
        for kind in SlotKind::ALL {
            let counts = kind.counts();
            let floods = counts.shared.div_ceil(counts.per_client);
            let clients = clients(floods + counts.reserved);
            let (floods, others) = clients.split_at(floods);
            let mut held = Vec::new();
            for flood in floods {
                for _ in 0..=counts.per_client {
                    held.extend(flood.take(kind).await);
                }
            }
            assert_eq!(held.len(), counts.shared, "{kind:?}");
            for other in others {
                held.push(other.take(kind).await.expect("a slot"));
            }
            drop(held);
            assert!(clients.iter().all(|client| client.client.are_free()), "{kind:?}");
        }
    }
}
