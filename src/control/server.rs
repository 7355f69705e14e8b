//! The daemon's end of the socket. Who can open it may look, wait and submit; operators may change things.

use std::future::Future;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::extract::{Path as Segment, Query, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::IncomingStream;
use axum::{Json, Router};
use futures_util::TryStreamExt;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use tokio::net::UnixListener;
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::notes::Note;
use super::office::{Act, Office, Refusal, RefusalKind, Wanted};
use super::peer::Peer;
use super::reloaded::Reloaded;
use super::status::Status;
use crate::doctor::Finding;
use crate::outbox::Receipt;
use dropship_job::JobId;

/// What the daemon does beyond its store.
pub trait Reach: Send + Sync + 'static {
    /// The office.
    fn office(&self) -> &Office;
    /// Groups whose members may change things.
    fn operators(&self) -> Vec<String>;
    /// The summary.
    fn status(&self) -> Result<Status, Refusal>;
    /// What is not as it should be; blocks.
    fn doctor(&self) -> Result<Vec<Finding>, Refusal>;
    /// A full look at a folder or at all.
    fn rescan(&self, folder: Option<&str>) -> Result<(), Refusal>;
    /// Puts the emergency brake on or takes it off.
    fn brake<'a>(&'a self, folder: Option<&'a str>, on: bool) -> BoxFuture<'a, Result<(), Refusal>>;
    /// Does something to a job.
    fn act<'a>(&'a self, id: &'a JobId, act: &'a Act, by: &'a str)
    -> BoxFuture<'a, Result<Receipt, Refusal>>;
    /// Notes what was done to a label by hand; gives the job that made it, if one did.
    fn note(&self, label: u64, note: Note, by: String) -> BoxFuture<'_, Result<Option<JobId>, Refusal>>;
    /// Reads the configuration anew: all of it comes into force, or none.
    fn reload<'a>(&'a self, by: &'a str) -> BoxFuture<'a, Result<Reloaded, Refusal>>;
    /// Takes a package that is handed in; blocks.
    fn hand_in(&self, submitted: &Submitted, bytes: &mut dyn io::Read) -> Result<JobId, Refusal>;
}

/// What a submitted package is called and counts for.
#[derive(Debug, Clone, Deserialize)]
pub struct Submitted {
    /// File name.
    pub name: String,
    /// Folder that it counts for.
    #[serde(default)]
    pub folder: Option<String>,
    /// Rule to go by.
    #[serde(default)]
    pub rule: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Scope {
    #[serde(default)]
    folder: Option<String>,
}

type Shared = State<Arc<dyn Reach>>;
type Answer<T> = Result<Json<T>, Refusal>;

/// Serves the socket until `shutdown`, with more pages to look at.
///
/// # Errors
/// When the socket cannot be bound.
pub fn serve<F>(
    socket: &Path,
    reach: Arc<dyn Reach>,
    more: Router,
    shutdown: F,
) -> io::Result<impl Future<Output = io::Result<()>> + use<F>>
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = bind(socket)?;
    let changes = Router::new()
        .route("/v1/jobs/{id}/act", post(act))
        .route("/v1/labels/{label}/note", post(note))
        .route("/v1/pause", post(pause))
        .route("/v1/resume", post(resume))
        .route("/v1/rescan", post(rescan))
        .route("/v1/reload", post(reload))
        .layer(middleware::from_fn_with_state(Arc::clone(&reach), operators_only));
    let app = Router::new()
        .route("/v1/status", get(status))
        .route("/v1/jobs", get(jobs))
        .route("/v1/jobs/{id}", get(show))
        .route("/v1/packages/{sha256}", get(find))
        .route("/v1/doctor", get(doctor))
        .route("/v1/export", get(export))
        .route("/v1/submit", post(submit))
        .merge(changes)
        .with_state(reach)
        .merge(more);
    let service = app.into_make_service_with_connect_info::<Connection>();
    let serving = axum::serve(listener, service).with_graceful_shutdown(shutdown);
    Ok(serving.into_future())
}

/// Binds the socket; one that a dead daemon left behind is replaced.
fn bind(path: &Path) -> io::Result<UnixListener> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    match std::fs::symlink_metadata(path) {
        // The store's lock is held by now, so whoever made this socket is gone.
        Ok(found) if found.file_type().is_socket() => std::fs::remove_file(path)?,
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
    Ok(listener)
}

/// The peer of a connection, asked for once.
#[derive(Debug, Clone)]
struct Connection(Option<Peer>);

impl Connected<IncomingStream<'_, UnixListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        Self(Peer::of(stream.io()).ok())
    }
}

async fn operators_only(
    State(reach): Shared,
    ConnectInfo(Connection(peer)): ConnectInfo<Connection>,
    mut request: Request,
    next: Next,
) -> Response {
    let what = request.uri().path().to_owned();
    match peer {
        Some(peer) if peer.may_change(&reach.operators()) => {
            tracing::info!(
                event = "changed",
                uid = peer.uid,
                pid = peer.pid,
                "{what} asked for by uid {}",
                peer.uid
            );
            request.extensions_mut().insert(By(format!("uid {}", peer.uid)));
            next.run(request).await
        }
        peer => {
            let who = peer.map_or_else(|| "an unknown peer".to_owned(), |peer| format!("uid {}", peer.uid));
            tracing::warn!(event = "refused", "{what} refused to {who}");
            let message = format!(
                "{who} may look, wait and submit, but changes nothing: be root, or a member of [control] operators"
            );
            Refusal::new(RefusalKind::NotPermitted, message).into_response()
        }
    }
}

/// In whose name something is done.
#[derive(Debug, Clone)]
struct By(String);

async fn status(State(reach): Shared) -> Answer<Status> {
    blocking(move || reach.status()).await
}

async fn jobs(State(reach): Shared, Query(wanted): Query<Wanted>) -> Answer<Vec<Receipt>> {
    blocking(move || reach.office().jobs(&wanted)).await
}

async fn show(State(reach): Shared, Segment(id): Segment<String>) -> Answer<Receipt> {
    let id = parse(&id)?;
    blocking(move || reach.office().show(&id)).await
}

async fn find(State(reach): Shared, Segment(sha256): Segment<String>) -> Answer<Vec<Receipt>> {
    blocking(move || reach.office().find(&sha256)).await
}

async fn doctor(State(reach): Shared) -> Answer<Vec<Finding>> {
    blocking(move || reach.doctor()).await
}

/// JSON lines as they come; an export that breaks off ends without its last line feed.
async fn export(State(reach): Shared) -> Body {
    let (lines, taken) = tokio::sync::mpsc::channel::<Result<Vec<u8>, io::Error>>(64);
    tokio::task::spawn_blocking(move || {
        let given = reach.office().export(&mut |line| {
            let line = [line, b"\n"].concat();
            lines.blocking_send(Ok(line)).map_err(|_| io::ErrorKind::BrokenPipe.into())
        });
        if let Err(error) = given {
            drop(lines.blocking_send(Err(io::Error::other(error.to_string()))));
        }
    });
    Body::from_stream(futures_util::stream::unfold(taken, |mut taken| async {
        taken.recv().await.map(|line| (line, taken))
    }))
}

async fn act(
    State(reach): Shared,
    Segment(id): Segment<String>,
    axum::Extension(By(by)): axum::Extension<By>,
    Json(act): Json<Act>,
) -> Answer<Receipt> {
    let id = parse(&id)?;
    Ok(Json(reach.act(&id, &act, &by).await?))
}

async fn note(
    State(reach): Shared,
    Segment(label): Segment<u64>,
    axum::Extension(By(by)): axum::Extension<By>,
    Json(note): Json<Note>,
) -> Answer<Option<JobId>> {
    Ok(Json(reach.note(label, note, by).await?))
}

async fn pause(State(reach): Shared, Json(scope): Json<Scope>) -> Answer<()> {
    Ok(Json(reach.brake(scope.folder.as_deref(), true).await?))
}

async fn resume(State(reach): Shared, Json(scope): Json<Scope>) -> Answer<()> {
    Ok(Json(reach.brake(scope.folder.as_deref(), false).await?))
}

async fn rescan(State(reach): Shared, Json(scope): Json<Scope>) -> Answer<()> {
    Ok(Json(reach.rescan(scope.folder.as_deref())?))
}

async fn reload(State(reach): Shared, axum::Extension(By(by)): axum::Extension<By>) -> Answer<Reloaded> {
    // Whoever hangs up half-way must not leave half of it in force.
    let done = tokio::spawn(async move { reach.reload(&by).await }).await;
    done.unwrap_or_else(|error| Err(Refusal::new(RefusalKind::Failed, error.to_string()))).map(Json)
}

/// The package's bytes are the body: the daemon never opens a path for somebody else.
async fn submit(State(reach): Shared, Query(submitted): Query<Submitted>, body: Body) -> Answer<JobId> {
    let stream = body.into_data_stream().map_err(io::Error::other);
    let mut bytes = SyncIoBridge::new(StreamReader::new(stream));
    blocking(move || reach.hand_in(&submitted, &mut bytes)).await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Answer<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Refusal::new(RefusalKind::Failed, error.to_string()))).map(Json)
}

fn parse(id: &str) -> Result<JobId, Refusal> {
    id.parse().map_err(|error: dropship_job::BadJobId| Refusal::new(RefusalKind::NotFound, error.to_string()))
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match self.kind {
            RefusalKind::NotFound => StatusCode::NOT_FOUND,
            RefusalKind::Illegal => StatusCode::CONFLICT,
            RefusalKind::NotPermitted => StatusCode::FORBIDDEN,
            RefusalKind::Configuration => StatusCode::UNPROCESSABLE_ENTITY,
            RefusalKind::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, Json(self)).into_response()
    }
}
