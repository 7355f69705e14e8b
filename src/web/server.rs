//! Serves the site: the checks that come before a page, and the headers that come after it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use futures_util::StreamExt;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::answer;
use super::headers;
use super::hosts::{AllowedHosts, BadHost};
use super::listener::SiteListener;
use super::open_streams::OpenStreams;
use super::readings::Readings;
use super::refusal::RequestRefusal;
use super::response;
use super::rows::{self, JobRows};
use super::site::Site;
use super::turns::Turns;
use crate::control::ControlHandler;
use crate::http::{self, Limits, RequestSlots};
use dropship_config::model::Web;
use dropship_redact::Escaped;

/// Maximum size of the body of a refused request that is read, so that its client gets to read the answer.
const MAX_BODY: usize = 256 << 10;

/// Maximum time to read it.
const BODY_TIME: Duration = Duration::from_secs(2);

/// Maximum length of the name of a user in the log, in characters.
const MAX_USER: usize = 100;

/// What the site needs of the daemon.
pub struct SiteParts {
    /// `[web]`.
    pub settings: Web,
    /// What commands see.
    pub handler: Arc<dyn ControlHandler>,
    /// The packages in memory, which follow the events of jobs.
    pub rows: Arc<JobRows>,
    /// The runtime of the workers.
    pub main: Handle,
    /// Whether submissions go to a sandbox.
    pub sandbox: bool,
    /// The name of the node that processes the jobs, while this one stands by.
    pub stands_by: Option<watch::Receiver<Option<String>>>,
}

/// Binds the address and returns the future that serves the site.
///
/// # Errors
/// When the address cannot be bound.
pub fn listen(parts: SiteParts) -> anyhow::Result<impl Future<Output = ()> + Send + use<>> {
    let SiteParts { settings, handler, rows, main, sandbox, stands_by } = parts;
    let address = settings.listen;
    let bind = || {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok::<_, std::io::Error>(listener)
    };
    let listener = bind().with_context(|| format!("[web] listen: cannot bind {address}"))?;
    let site = Arc::new(Site {
        readings: Readings::new(handler),
        hosts: AllowedHosts::of(&settings),
        trusted_header: settings.trusted_header,
        sandbox,
        stands_by,
        streams: OpenStreams::default(),
        rows,
        main,
        turns: Turns::default(),
        preview: Arc::default(),
    });
    let routes = Router::new().fallback(answer).with_state(Arc::clone(&site));
    Ok(async move {
        // A listener belongs to the runtime that polls it.
        match TcpListener::from_std(listener) {
            Ok(listener) => {
                // Ends with the runtime of the pages.
                tokio::spawn(rows::keep(Arc::clone(&site.rows), site.readings.clone()));
                http::serve(SiteListener(listener), routes, Limits::SITE, std::future::pending()).await;
            }
            Err(error) => tracing::error!("the pages at {address} stopped: {error}"),
        }
    })
}

async fn answer(
    State(site): State<Arc<Site>>,
    Extension(slots): Extension<RequestSlots>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    drain(&head.headers, body).await;
    let checked = check(&site, &head.method, &head.uri, &head.headers);
    let answered = match checked {
        Ok(()) => answer::answer(&site, &head.uri, &head.headers, &slots).await,
        Err(refusal) => Err(refusal),
    };
    let mut answer =
        answered.unwrap_or_else(|refusal| response::refusal(&refusal, |title| site.frame(None, title)));
    if head.method == Method::HEAD {
        answer = without_body(answer);
    }
    headers::add(answer.headers_mut());
    log(&site, &head.method, &head.uri, &head.headers, &answer);
    answer
}

/// The checks that come before a page.
fn check(
    site: &Site,
    method: &Method,
    uri: &axum::http::Uri,
    headers: &HeaderMap,
) -> Result<(), RequestRefusal> {
    match site.hosts.check(uri, headers) {
        Err(BadHost::Unknown) => return Err(RequestRefusal::Host),
        Err(BadHost::Malformed) => {
            return Err(RequestRefusal::Malformed("the request names no host, or more than one".to_owned()));
        }
        Ok(()) => {}
    }
    if [Method::GET, Method::HEAD].contains(method) { Ok(()) } else { Err(RequestRefusal::Method) }
}

/// Reads the body of a request, which nothing needs: a connection that is closed before may lose the answer.
async fn drain(headers: &HeaderMap, body: Body) {
    // Reading would ask the client to send it.
    if headers.contains_key(header::EXPECT) {
        return;
    }
    let reading = async {
        let (mut body, mut size) = (body.into_data_stream(), 0);
        while let Some(Ok(piece)) = body.next().await {
            size += piece.len();
            if size > MAX_BODY {
                return;
            }
        }
    };
    drop(tokio::time::timeout(BODY_TIME, reading).await);
}

/// The answer to HEAD: as for GET, with its length and without its body.
fn without_body(answer: Response) -> Response {
    let (mut head, body) = answer.into_parts();
    if let Some(length) = axum::body::HttpBody::size_hint(&body).exact() {
        head.headers.entry(header::CONTENT_LENGTH).or_insert(length.into());
    }
    (head, ()).into_response()
}

fn log(site: &Site, method: &Method, uri: &axum::http::Uri, headers: &HeaderMap, answer: &Response) {
    let user = site.trusted_header.as_deref().and_then(|name| headers.get(name));
    let user: String = user.map_or_else(
        || "-".to_owned(),
        |user| String::from_utf8_lossy(user.as_bytes()).chars().take(MAX_USER).collect(),
    );
    let (status, user, path) = (answer.status().as_u16(), Escaped(&user), Escaped(uri.path()));
    if answer.headers().contains_key(header::CONTENT_DISPOSITION) {
        tracing::info!(event = "web_download", "{method} {path} for {user}: {status}");
    } else {
        tracing::debug!(event = "web_request", "{method} {path} for {user}: {status}");
    }
}
