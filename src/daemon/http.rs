//! `/metrics`, `/livez` and `/readyz`, on the control socket and, if configured, over TCP.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::metrics_page;
use crate::attention::{Attention, Severity};
use crate::http::{self, Limits, RequestSlots, SlotKind};
use crate::metrics::{Metrics, Text};
use crate::notify::Notifier;
use crate::observe::Heartbeats;
use crate::pipeline::Pipeline;
use dropship_hardware::Client;
use dropship_intake::Intake;

/// The parts of the daemon that the endpoints read.
pub(super) struct HealthEndpoints {
    pub(super) pipeline: Arc<Pipeline<Client>>,
    pub(super) intake: Arc<Intake>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) notifier: Arc<Notifier>,
    pub(super) heartbeats: Heartbeats,
    pub(super) attention: Arc<Attention>,
    pub(super) since: Timestamp,
}

/// Routes of the endpoints.
pub(super) fn routes(pages: Arc<HealthEndpoints>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .with_state(pages)
}

/// Binds a TCP socket and returns the future that serves the endpoints on it.
pub(super) fn listen(
    address: SocketAddr,
    routes: Router,
) -> anyhow::Result<impl Future<Output = ()> + Send + use<>> {
    let bind = || {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok::<_, std::io::Error>(listener)
    };
    let listener = bind().with_context(|| format!("[metrics] listen: cannot bind {address}"))?;
    Ok(async move {
        // A listener belongs to the runtime that polls it.
        match TcpListener::from_std(listener) {
            Ok(listener) => http::serve(listener, routes, Limits::PAGES, std::future::pending()).await,
            Err(error) => tracing::error!("the metrics endpoint at {address} stopped: {error}"),
        }
    })
}

async fn metrics(
    State(pages): State<Arc<HealthEndpoints>>,
    Extension(slots): Extension<RequestSlots>,
) -> Response {
    // Counting may wait for the disk.
    match blocking(&slots, move || metrics_page::page(&pages)).await {
        Ok(text) => ([(header::CONTENT_TYPE, Text::CONTENT_TYPE)], text).into_response(),
        Err(refusal) => refusal,
    }
}

/// Answers at once: it takes no lock that others hold for long, and blocks no thread.
async fn live(State(pages): State<Arc<HealthEndpoints>>) -> Response {
    let stalled = pages.stalled();
    let status = if stalled.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "live": stalled.is_empty(), "reasons": stalled }))).into_response()
}

async fn ready(
    State(pages): State<Arc<HealthEndpoints>>,
    Extension(slots): Extension<RequestSlots>,
) -> Response {
    match blocking(&slots, move || pages.readiness()).await {
        Ok((is_ready, page)) => {
            let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            (status, Json(page)).into_response()
        }
        Err(refusal) => refusal,
    }
}

/// Runs work that may wait for the disk.
async fn blocking<T: Send + 'static>(
    slots: &RequestSlots,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Response> {
    let slot = slots.take(SlotKind::Query).await.map_err(IntoResponse::into_response)?;
    let with_slot = move || {
        let _slot = slot;
        work()
    };
    let failed = |error: tokio::task::JoinError| {
        (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response()
    };
    tokio::task::spawn_blocking(with_slot).await.map_err(failed)
}

impl HealthEndpoints {
    fn stalled(&self) -> Vec<String> {
        let stalled = self.heartbeats.stalled(self.heartbeats.limit()).into_iter();
        stalled
            .map(|(part, age)| format!("{part} has stalled: no sign of life for {} s", age.as_secs()))
            .collect()
    }

    /// Whether packages are accepted, and the page with the kinds of trouble: `reasons` stop intake, `warnings` do not.
    fn readiness(&self) -> (bool, Value) {
        let trouble = self.attention.refresh();
        let kinds = |severity| {
            let of = trouble.iter().filter(|item| item.severity == severity);
            of.map(|item| item.kind.name()).collect::<BTreeSet<_>>()
        };
        let (mut reasons, warnings) = (kinds(Severity::StopsIntake), kinds(Severity::Warning));
        if self.pipeline.shutdown().is_cancelled() {
            reasons.insert("stopping");
        }
        if self.pipeline.store_failure().borrow().is_some() {
            reasons.insert("store-failed");
        }
        let is_ready = reasons.is_empty();
        let paused = self.pipeline.pause().scopes();
        let page = json!({
            "ready": is_ready, "reasons": reasons, "warnings": warnings, "trouble": trouble, "paused": paused,
        });
        (is_ready, page)
    }
}
