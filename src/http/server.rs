//! Accepts and serves connections.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::connections::{ConnectionRefusal, Connections, OpenConnection};
use super::descriptors::{self, Reserve};
use super::limits::Limits;
use super::listener::{Caller, ClientKey, Listener};
use super::request_body;
use super::write_stall::WriteStall;

/// Maximum size of a request head in bytes.
const MAX_HEAD: usize = 32 << 10;

/// Maximum number of headers.
const MAX_HEADERS: usize = 64;

/// Maximum number of connections whose request is read before it is refused, in all and of one client. More get the answer at once,
/// which a client that is still sending may not see.
const MAX_REFUSING: (usize, usize) = (32, 4);

/// Maximum time to refuse a connection: to read its request and to answer it.
const MAX_REFUSAL_TIME: Duration = Duration::from_secs(2);

/// Minimum and maximum pause after accepting has failed.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// Minimum interval between log entries about refused connections.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// Serves a router until `shutdown`. Open connections are closed then.
pub async fn serve<L: Listener>(
    listener: L,
    router: Router,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let descriptors = descriptors::limit();
    let limits = limits.within(descriptors);
    let mut server = Server {
        refusals: RefusalLog::new(listener.name()),
        listener,
        router,
        limits,
        descriptors,
        connections: Connections::new(limits),
        reserve: Reserve::new(),
        pause: PAUSE.0,
        serving: JoinSet::new(),
        refusing: JoinSet::new(),
        refused: HashMap::new(),
    };
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => return,
            () = server.accept() => {}
        }
    }
}

struct Server<L> {
    listener: L,
    router: Router,
    limits: Limits,
    /// Limit of open descriptors.
    descriptors: u64,
    connections: Arc<Connections>,
    reserve: Reserve,
    /// Pause after the next failure to accept.
    pause: Duration,
    refusals: RefusalLog,
    serving: JoinSet<()>,
    refusing: JoinSet<()>,
    /// The clients that are being refused; the count of an entry is one more than that of the client's connections.
    refused: HashMap<ClientKey, Arc<()>>,
}

impl<L: Listener> Server<L> {
    /// Accepts one connection. Cancel-safe: a connection is in a task before this awaits again.
    async fn accept(&mut self) {
        match self.listener.accept().await {
            Ok((stream, caller)) => {
                self.pause = PAUSE.0;
                self.reserve.refill();
                for tasks in [&mut self.serving, &mut self.refusing] {
                    while tasks.try_join_next().is_some() {}
                }
                self.admit(stream, caller);
            }
            Err(error) if descriptors::is_exhausted(&error) => {
                self.refusals.log(&format!("cannot accept a connection: {error}; raise LimitNOFILE="));
                self.reserve.release();
                // The client gets an end instead of waiting in the queue of the socket.
                drop(self.listener.accept().now_or_never());
                self.reserve.refill();
                tokio::time::sleep(self.pause).await;
                self.pause = (self.pause * 2).min(PAUSE.1);
            }
            // The client has gone, or its identity cannot be read.
            Err(error) => {
                tracing::debug!("{}: a connection was not accepted: {error}", self.refusals.listener)
            }
        }
    }

    fn admit(&mut self, stream: L::Stream, caller: Caller) {
        let admitted = if descriptors::is_reserved(&stream, caller.class, self.descriptors) {
            Err(ConnectionRefusal::Descriptors)
        } else {
            self.connections.open(&caller)
        };
        match admitted {
            Ok(open) => {
                let serving = serve_client(stream, self.router.clone(), caller, open, self.limits);
                self.serving.spawn(serving);
            }
            Err(refusal) => {
                self.refusals.log(&format!("a connection of {:?} was refused: {refusal}", caller.key));
                let client = Arc::clone(self.refused.entry(caller.key).or_default());
                let may_wait = refusal != ConnectionRefusal::Descriptors
                    && self.refusing.len() < MAX_REFUSING.0
                    && Arc::strong_count(&client) <= MAX_REFUSING.1 + 1;
                if may_wait {
                    self.refusing.spawn(refuse(stream, refusal, client));
                } else {
                    refuse_unread(stream, refusal);
                }
                self.refused.retain(|_, client| Arc::strong_count(client) > 1);
            }
        }
    }
}

/// Serves one connection.
async fn serve_client<S>(stream: S, router: Router, caller: Caller, open: OpenConnection, limits: Limits)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let service = TowerToHyperService::new(router);
    let slots = open.slots.clone();
    let answering = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
        let mut request = request.map(|body| request_body::limit_body(Body::new(body), limits));
        request.extensions_mut().extend(caller.extensions.clone());
        request.extensions_mut().insert(slots.clone());
        service.call(request)
    });
    let io = TokioIo::new(WriteStall::new(stream, limits.stall));
    if let Err(error) = builder(limits.head, limits.keep_alive).serve_connection(io, answering).await {
        tracing::debug!("a connection ended: {error}");
    }
    drop(open);
}

/// Answers the first request of a connection with 503. `client` counts it.
async fn refuse<S>(stream: S, refusal: ConnectionRefusal, client: Arc<()>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let answering = hyper::service::service_fn(move |_: Request<hyper::body::Incoming>| {
        std::future::ready(Ok::<_, Infallible>(refusal_response(refusal)))
    });
    let answered = builder(MAX_REFUSAL_TIME, false).serve_connection(TokioIo::new(stream), answering);
    drop(tokio::time::timeout(MAX_REFUSAL_TIME, answered).await);
    drop(client);
}

/// Sends 503 before the request has been read, and closes the connection. Nothing waits: the descriptor is free before the next
/// connection is accepted, so that a flood cannot use up all of them.
fn refuse_unread(stream: impl AsFd, refusal: ConnectionRefusal) {
    let body = refusal_body(refusal).to_string();
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    // Not through the runtime, which would first wait for the socket. The answer fits into the buffer of every new connection.
    if let Err(error) = rustix::io::write(stream, answer.as_bytes()) {
        tracing::debug!("a refused client has gone: {error}");
    }
}

fn refusal_body(refusal: ConnectionRefusal) -> Value {
    json!({ "kind": "busy", "message": format!("{refusal}; try again later") })
}

fn refusal_response(refusal: ConnectionRefusal) -> Response {
    let body = axum::Json(refusal_body(refusal));
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], body).into_response()
}

fn builder(head: Duration, keep_alive: bool) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .max_headers(MAX_HEADERS)
        .keep_alive(keep_alive)
        .max_buf_size(MAX_HEAD);
    builder
}

/// Logs refused connections, at most once a minute.
struct RefusalLog {
    listener: String,
    last_logged: Option<Instant>,
    unlogged: u64,
}

impl RefusalLog {
    fn new(listener: String) -> Self {
        Self { listener, last_logged: None, unlogged: 0 }
    }

    fn log(&mut self, why: &str) {
        if self.last_logged.is_some_and(|logged| logged.elapsed() < LOG_INTERVAL) {
            self.unlogged += 1;
            return;
        }
        let more = match std::mem::take(&mut self.unlogged) {
            0 => String::new(),
            more => format!(" ({more} more since the last such entry)"),
        };
        tracing::error!(event = "connection_refused", "{}: {why}{more}", self.listener);
        self.last_logged = Some(Instant::now());
    }
}
