//! `/metrics`, `/livez` and `/readyz`, on the control socket and, if configured, over TCP.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::control::ErrorResponse;
use crate::http::{self, Limits, RequestSlots, SlotKind};
use crate::metrics::ExpositionText;
use dropship_engine::observe::Restart;
use dropship_engine::operations::ControlError;

/// The content of the endpoints. The methods may block.
pub(super) trait HealthPages: Send + Sync + 'static {
    /// The page of metrics.
    fn metrics(&self) -> String;
    /// The parts of the daemon without a sign of life that a restart helps, or the others. Does not block.
    fn stalled(&self, restart: Restart) -> Vec<String>;
    /// Whether packages are accepted, and the page with the kinds of trouble: `reasons` stop intake, `warnings` do not.
    fn readiness(&self) -> (bool, Value);
}

type Pages = Arc<dyn HealthPages>;

/// Routes of the endpoints.
pub(super) fn routes(pages: Pages) -> Router {
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

async fn metrics(State(pages): State<Pages>, Extension(slots): Extension<RequestSlots>) -> Response {
    // Counting may wait for the disk.
    match blocking(&slots, move || pages.metrics()).await {
        Ok(text) => ([(header::CONTENT_TYPE, ExpositionText::CONTENT_TYPE)], text).into_response(),
        Err(refusal) => refusal,
    }
}

/// Answers at once: it takes no lock that others hold for long, and blocks no thread.
async fn live(State(pages): State<Pages>) -> Response {
    let (reasons, warnings) = (pages.stalled(Restart::Helps), pages.stalled(Restart::DoesNotHelp));
    let is_live = reasons.is_empty();
    let status = if is_live { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "live": is_live, "reasons": reasons, "warnings": warnings }))).into_response()
}

async fn ready(State(pages): State<Pages>, Extension(slots): Extension<RequestSlots>) -> Response {
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
        ErrorResponse(ControlError::failed(error.to_string())).into_response()
    };
    tokio::task::spawn_blocking(with_slot).await.map_err(failed)
}
