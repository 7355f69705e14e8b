//! The server: takes a request, lets it meet its fault, and answers it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::response::Response;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::api::{self, Payload};
use super::app::App;
use super::blob_http;
use super::blobs::BlobStore;
use super::clock::Clock;
use super::control::Control;
use super::control_http;
use super::downloads;
use super::listener::{Cuttable, Peer};
use super::lock;
use super::log::{self, Entry};
use super::mishaps;
use super::options::Options;
use super::reply::{Fail, html, json_response, refuse, response};
use super::route::{Op, Route};
use super::state::World;
use super::token;

/// The largest body of a call that is not an upload.
pub(super) const MAX_BODY: usize = 16 << 20;

/// How long a stopped sandbox waits for open connections.
const GRACE: Duration = Duration::from_millis(200);

/// A running sandbox; it stops when it is dropped.
#[derive(Debug)]
pub struct Sandbox {
    app: Arc<App>,
    stop: CancellationToken,
    server: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts a sandbox; it serves when this returns.
    ///
    /// # Errors
    /// It cannot listen where it should, or has no scratch folder.
    pub async fn start(options: Options) -> io::Result<Self> {
        let (listener, address) = Cuttable::bind(options.listen).await?;
        // Who listens everywhere is reached on this machine.
        let host = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
        let reached = SocketAddr::new(host, address.port());
        let mut key = [0_u8; 32];
        getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
        let app = Arc::new(App {
            clock: Clock::new(options.speed),
            world: Mutex::new(World::new(options.seed)),
            blobs: BlobStore::new()?,
            script: Mutex::default(),
            log: Mutex::default(),
            base: format!("http://{reached}"),
            kill: CancellationToken::new(),
            key: ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key),
            options,
        });
        let stop = CancellationToken::new();
        let router = Router::new().fallback(serve).with_state(Arc::clone(&app));
        let service = router.into_make_service_with_connect_info::<Peer>();
        let (stopped, kill) = (stop.clone(), app.kill.clone());
        let server = tokio::spawn(async move {
            let serving =
                axum::serve(listener, service).with_graceful_shutdown(stopped.clone().cancelled_owned());
            let serving = std::pin::pin!(serving.into_future());
            let grace = async {
                stopped.cancelled().await;
                tokio::time::sleep(GRACE).await;
            };
            tokio::select! {
                ended = serving => {
                    if let Err(error) = ended {
                        tracing::warn!(%error, "the sandbox stopped serving");
                    }
                }
                () = grace => {}
            }
            kill.cancel();
        });
        Ok(Self { app, stop, server: Some(server) })
    }

    /// `http://ADDRESS:PORT`: authority, API and blob store alike.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.app.base
    }

    /// Its controls.
    #[must_use]
    pub fn control(&self) -> Control {
        Control::new(Arc::clone(&self.app))
    }

    /// Stops it; connections that are in use get a moment to end.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        if let Some(server) = self.server.take()
            && let Err(error) = server.await
        {
            tracing::debug!(%error, "the sandbox's server ended badly");
        }
    }

    /// Serves until `until` ends, then stops.
    pub async fn serve_until(self, until: impl Future<Output = ()>) {
        until.await;
        self.shutdown().await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Takes one request.
async fn serve(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let route = Route::of(&parts.method, parts.uri.path());
    let streams = matches!(route, Route::Blob { .. } | Route::Api { op: Op::PutPackage, .. });
    let payload = if streams {
        Payload::Stream(body)
    } else {
        match to_bytes(body, MAX_BODY).await {
            Ok(bytes) => Payload::Bytes(bytes),
            Err(_) => return html(413, "Request Entity Too Large"),
        }
    };
    if let Route::Control(path) = &route {
        let bytes = to_bytes(payload.into_body(), MAX_BODY).await.unwrap_or_default();
        return control_http::answer(&app, &parts.method, path, &bytes);
    }
    let number = lock(&app.log).begin(entry(&app, &parts, &route, &payload));
    let action = lock(&app.script).take(parts.method.as_str(), parts.uri.path(), route.name());
    if let Some(action) = &action {
        lock(&app.log).amend(number, |entry| entry.fault = Some(action.name()));
    }
    let answer = tokio::select! {
        answer = mishaps::meet(&app, parts, route, payload, action) => answer,
        () = app.kill.cancelled() => None,
    };
    if let Some(answer) = &answer {
        lock(&app.log).amend(number, |entry| entry.status = Some(answer.status().as_u16()));
    }
    answer.unwrap_or_else(|| {
        peer.cut();
        response(500, "", Body::empty())
    })
}

fn entry(app: &App, parts: &Parts, route: &Route, payload: &Payload) -> Entry {
    let body = match payload {
        Payload::Bytes(bytes) if bytes.is_empty() => Value::Null,
        Payload::Bytes(bytes) if matches!(route, Route::Token { .. }) => log::masked_form(bytes),
        Payload::Bytes(bytes) => {
            serde_json::from_slice(bytes).unwrap_or_else(|_| json!(String::from_utf8_lossy(bytes)))
        }
        Payload::Stream(_) => Value::Null,
    };
    Entry {
        number: 0,
        at: app.clock.wall(),
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: log::masked_query(parts.uri.query().unwrap_or_default()),
        operation: route.name(),
        headers: log::headers_of_interest(&parts.headers),
        body,
        status: None,
        fault: None,
    }
}

/// Answers a request as the service would.
pub(super) async fn respond(app: &Arc<App>, parts: &Parts, route: Route, payload: Payload) -> Response {
    let host = parts.headers.get("host").and_then(|host| host.to_str().ok());
    let base = host.map_or_else(|| app.base.clone(), |host| format!("http://{host}"));
    let query = parts.uri.query().unwrap_or_default();
    match route {
        Route::Token { tenant, v2 } => {
            if parts.method != axum::http::Method::POST {
                return html(405, "Method Not Allowed");
            }
            let bytes = to_bytes(payload.into_body(), MAX_BODY).await.unwrap_or_default();
            token::answer(app, &tenant, v2, &base, &parts.headers, &bytes)
        }
        Route::ManagedIdentity => token::managed_identity(app, &parts.headers, query),
        Route::Discovery { tenant } => json_response(200, &token::discovery(&base, &tenant)),
        Route::Api { op, version } => api::answer(app, parts, &base, &op, version, payload).await,
        Route::Blob { name } => {
            blob_http::answer(app, &parts.method, &name, query, &parts.headers, payload.into_body()).await
        }
        Route::Report { pid, sid } => downloads::report(app, &parts.headers, pid, sid),
        Route::Metadata { sid } => downloads::metadata(app, &parts.headers, sid).await,
        Route::WrongMethod => refuse(Fail::gateway(405, "Method Not Allowed"), app.quirks()),
        Route::Control(_) | Route::Unknown => refuse(Fail::gateway(404, "Resource not found"), app.quirks()),
    }
}
