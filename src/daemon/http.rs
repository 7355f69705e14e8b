//! `/metrics`, `/livez` and `/readyz`, on the control socket and, if configured, over TCP.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use jiff::Timestamp;
use serde_json::json;
use tokio::net::TcpListener;

use crate::http::{self, Limits, RequestSlots, SlotKind};
use crate::metrics::{Kind, Metrics, Text};
use crate::notify::Notifier;
use crate::observe::Heartbeats;
use crate::pipeline::Pipeline;
use dropship_hardware::Client;
use dropship_intake::{FolderHealth, FolderState, Intake};

/// The parts of the daemon that the endpoints read.
pub(super) struct HealthEndpoints {
    pub(super) pipeline: Arc<Pipeline<Client>>,
    pub(super) intake: Arc<Intake>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) notifier: Arc<Notifier>,
    pub(super) heartbeats: Heartbeats,
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
    match blocking(&slots, move || pages.metrics()).await {
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
        Ok((reasons, warnings)) => {
            let ready = reasons.is_empty();
            let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            let page = json!({ "ready": ready, "reasons": reasons, "warnings": warnings });
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

    /// Reasons why the daemon is not ready, and warnings about problems that only impair it.
    fn readiness(&self) -> (Vec<String>, Vec<String>) {
        let mut reasons = self.stalled();
        if self.pipeline.shutdown().is_cancelled() {
            reasons.push("the daemon is stopping".to_owned());
        }
        reasons.extend(
            self.pipeline.store_failure().borrow().iter().map(|why| format!("the store failed: {why}")),
        );
        if !self.pipeline.packages().has_free_space() {
            reasons.push("the disk of the store is nearly full: no package is accepted".to_owned());
        }
        for (name, suspension) in self.pipeline.accounts().all() {
            reasons.push(format!(
                "account `{name}` is suspended since {:.0}: {}",
                suspension.since, suspension.why
            ));
        }
        let mut warnings: Vec<_> = self.pipeline.pause().scopes().into_iter().collect();
        for scope in &mut warnings {
            *scope = match scope.as_str() {
                "*" => "everything is paused until `dropship resume`".to_owned(),
                folder => format!("folder `{folder}` is paused until `dropship resume {folder}`"),
            };
        }
        let health = self.intake.health();
        let mut degraded = Vec::new();
        for folder in &health {
            let no_room = folder.backpressure.iter();
            warnings.extend(no_room.map(|why| format!("files of folder `{}` wait: {why}", folder.name)));
            if folder.state == FolderState::Degraded {
                let why = folder.reason.as_deref().unwrap_or("it cannot be watched");
                degraded.push(format!("folder `{}`: {why}", folder.name));
            }
        }
        // A single degraded folder is a warning. If all are degraded, no package can be accepted.
        let is_every_folder_degraded = !health.is_empty() && degraded.len() == health.len();
        if is_every_folder_degraded {
            reasons.extend(degraded)
        } else {
            warnings.extend(degraded)
        }
        (reasons, warnings)
    }

    fn metrics(&self) -> String {
        let mut text = Text::default();
        text.family("dropship_build_info", Kind::Gauge, "The running version")
            .sample(&[("version", env!("CARGO_PKG_VERSION"))], 1.0);
        let since = self.since.as_second() as f64;
        text.one("dropship_start_time_seconds", Kind::Gauge, "When the daemon started", since);
        match self.pipeline.store().counts() {
            Ok(counts) => {
                let mut family =
                    text.family("dropship_jobs", Kind::Gauge, "Jobs that the store holds, by state");
                for (state, count) in counts {
                    family.sample(&[("state", state.as_str())], count as f64);
                }
            }
            Err(error) => tracing::warn!("cannot count the jobs in the store: {error}"),
        }
        let running = self.pipeline.queue().running() as f64;
        text.one("dropship_jobs_running", Kind::Gauge, "Jobs that workers process", running);
        self.write_folders(&mut text);
        let paused = f64::from(u8::from(!self.pipeline.pause().scopes().is_empty()));
        text.one("dropship_paused", Kind::Gauge, "Whether anything is paused", paused);
        let refused = self.pipeline.accounts().all();
        let mut family = text.family(
            "dropship_account_paused",
            Kind::Gauge,
            "Whether an account is suspended because Microsoft refuses it",
        );
        for name in self.pipeline.services().keys() {
            family.sample(&[("account", name)], f64::from(u8::from(refused.contains_key(name))));
        }
        let mut family = text.family(
            "dropship_heartbeat_age_seconds",
            Kind::Gauge,
            "Time since the last heartbeat of a component",
        );
        for (part, age) in self.heartbeats.ages() {
            family.sample(&[("part", part)], age.as_secs_f64());
        }
        self.notifier.write(&mut text);
        self.metrics.write(&mut text);
        text.into_string()
    }

    fn write_folders(&self, text: &mut Text) {
        let health = self.intake.health();
        type Value = fn(&FolderHealth) -> f64;
        let families: [(&'static str, Kind, &str, Value); 7] = [
            ("dropship_folder_degraded", Kind::Gauge, "Whether a folder cannot be watched fully", |folder| {
                f64::from(u8::from(folder.state == FolderState::Degraded))
            }),
            (
                "dropship_folder_candidates",
                Kind::Gauge,
                "Files that are not complete or settled yet",
                |folder| folder.candidates as f64,
            ),
            (
                "dropship_folder_backpressure",
                Kind::Gauge,
                "Whether files wait for capacity of the queue",
                |folder| f64::from(u8::from(folder.backpressure.is_some())),
            ),
            ("dropship_folder_accepted_total", Kind::Counter, "Files that were accepted", |folder| {
                folder.accepted as f64
            }),
            (
                "dropship_folder_ignored",
                Kind::Gauge,
                "Files in a folder that `exclude` leaves out",
                |folder| folder.ignored as f64,
            ),
            ("dropship_folder_events_total", Kind::Counter, "File system events", |folder| {
                folder.events as f64
            }),
            ("dropship_folder_scans_total", Kind::Counter, "Full scans of a folder", |folder| {
                folder.scans as f64
            }),
        ];
        for (name, kind, help, value) in families {
            let mut family = text.family(name, kind, help);
            for folder in &health {
                family.sample(&[("folder", &folder.name)], value(folder));
            }
        }
        let overflows = self.intake.overflows() as f64;
        let help = "Times that the kernel dropped events; a full scan of each folder followed";
        text.one("dropship_watch_overflows_total", Kind::Counter, help, overflows);
    }
}
