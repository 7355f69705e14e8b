//! The routes of the control socket.
//!
//! | request | answer |
//! |---|---|
//! | `GET /v1/status` | the summary |
//! | `GET /v1/jobs?state=&folder=&rule=&package=&since=&before=&limit=` | jobs, newest first |
//! | `GET /v1/jobs/{id}` | one job with its history |
//! | `GET /v1/packages/{sha256}` | the jobs of a package |
//! | `GET /v1/jobs/{id}/files/{name}` | a result of a job |
//! | `GET /v1/files?path=` | what the daemon does with a file |
//! | `GET /v1/who?hardware_id=&os=&upcoming=&limit=` | the published labels that reach a device |
//! | `GET /v1/doctor` | problems of the store and its files |
//! | `GET /v1/remembered?since=` | two lines for each remembered package: the package, and its record |
//! | `GET /v1/jobs/{id}/metadata` | the stored driver metadata of a job; empty if there are none |
//! | `GET /v1/reload` | what a reload would change |
//! | `GET /v1/export` | all records of the store, one JSON object per line |
//! | `POST /v1/submit?name=&folder=&rule=` | submits the package in the body, returns the job's id |
//! | `POST /v1/adopt` | follows a submission that was made elsewhere, returns the job's id (operators) |
//! | `POST /v1/jobs/{id}/actions` | retries, cancels or approves a job (operators) |
//! | `POST /v1/labels/{label}/changes` | records a change that was made with `dropship api` (operators) |
//! | `POST /v1/pause`, `/v1/resume`, `/v1/rescan` | `{"folder": NAME or null}` (operators) |
//! | `POST /v1/log-level` | `{"level": LEVEL}`: changes the level of the log, returns the level before (operators) |
//! | `POST /v1/reload` | applies the configuration on disk (operators) |
//!
//! Errors are a [`ControlError`] with a status that follows from its kind.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, header};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::TryStreamExt;
use jiff::Timestamp;
use serde::Deserialize;
use tokio::runtime::Handle;
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::error_response::ErrorResponse;
use super::extract::{self, Path, Query};
use super::handler::{AdoptRequest, ControlHandler, SubmitRequest};
use super::label_change::LabelChange;
use super::length_limited::{LengthLimited, too_large};
use super::reloaded::Reloaded;
use super::status::Status;
use crate::http::{RequestSlot, RequestSlots, SlotKind};
use dropship_engine::admission::FileStanding;
use dropship_engine::observe::{self, LogLevel};
use dropship_engine::operations::JobAction;
use dropship_engine::operations::JobQuery;
use dropship_engine::operations::Operator;
use dropship_engine::operations::{ControlError, ControlErrorKind};
use dropship_engine::operations::{ReachingLabel, WhoQuery};
use dropship_engine::outbox::Receipt;
use dropship_hardware::LabelId;
use dropship_job::JobId;
use dropship_store::Finding;

/// Maximum number of lines that wait for a slow reader.
const LINE_BUFFER: usize = 64;

type Handler = State<Arc<dyn ControlHandler>>;
type Answer<T> = Result<Json<T>, ErrorResponse>;

/// The folder of a request; if absent, all folders.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct FolderScope {
    #[serde(default)]
    folder: Option<String>,
}

/// Routes for every process that can open the socket.
pub(super) fn reads() -> Router<Arc<dyn ControlHandler>> {
    Router::new()
        .route("/v1/status", get(status))
        .route("/v1/jobs", get(jobs))
        .route("/v1/jobs/{id}", get(show))
        .route("/v1/jobs/{id}/files/{name}", get(result_file))
        .route("/v1/files", get(file))
        .route("/v1/who", get(who))
        .route("/v1/packages/{sha256}", get(find))
        .route("/v1/doctor", get(doctor))
        .route("/v1/export", get(export))
        .route("/v1/remembered", get(remembered))
        .route("/v1/jobs/{id}/metadata", get(driver_metadata))
        .route("/v1/reload", get(preview_reload))
        .route("/v1/submit", post(submit))
}

/// Routes for operators.
pub(super) fn changes() -> Router<Arc<dyn ControlHandler>> {
    Router::new()
        .route("/v1/adopt", post(adopt))
        .route("/v1/jobs/{id}/actions", post(act))
        .route("/v1/labels/{label}/changes", post(record_label_change))
        .route("/v1/pause", post(pause))
        .route("/v1/resume", post(resume))
        .route("/v1/rescan", post(rescan))
        .route("/v1/log-level", post(log_level))
        .route("/v1/reload", post(reload))
}

async fn status(State(handler): Handler, Extension(slots): Extension<RequestSlots>) -> Answer<Status> {
    run_blocking(slots.take(SlotKind::Query).await?, move || handler.status()).await
}

async fn jobs(
    State(handler): Handler,
    Extension(slots): Extension<RequestSlots>,
    Query(query): Query<JobQuery>,
) -> Answer<Vec<Receipt>> {
    run_blocking(slots.take(SlotKind::Query).await?, move || handler.list(&query)).await
}

async fn show(
    State(handler): Handler,
    Extension(slots): Extension<RequestSlots>,
    Path(id): Path<String>,
) -> Answer<Receipt> {
    let id = parse(&id)?;
    run_blocking(slots.take(SlotKind::Query).await?, move || handler.jobs().show(&id)).await
}

async fn find(
    State(handler): Handler,
    Extension(slots): Extension<RequestSlots>,
    Path(sha256): Path<String>,
) -> Answer<Vec<Receipt>> {
    run_blocking(slots.take(SlotKind::Query).await?, move || handler.jobs().find(&sha256)).await
}

async fn result_file(
    State(handler): Handler,
    Extension(slots): Extension<RequestSlots>,
    Path((id, name)): Path<(String, String)>,
) -> Result<Body, ErrorResponse> {
    let id = parse(&id)?;
    let slot = slots.take(SlotKind::Bulk).await?;
    let opened = run_blocking(slot, move || handler.jobs().open_result(&id, &name));
    let file = tokio::fs::File::from_std(opened.await?.0);
    Ok(Body::from_stream(tokio_util::io::ReaderStream::new(file)))
}

/// The path of a file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct FilePath {
    path: std::path::PathBuf,
}

async fn file(
    State(handler): Handler,
    Extension(slots): Extension<RequestSlots>,
    Query(file): Query<FilePath>,
) -> Answer<FileStanding> {
    run_blocking(slots.take(SlotKind::Query).await?, move || handler.file_standing(&file.path)).await
}

async fn who(
    State(handler): Handler,
    Extension(slots): Extension<RequestSlots>,
    Query(query): Query<WhoQuery>,
) -> Answer<Vec<ReachingLabel>> {
    run_blocking(slots.take(SlotKind::Query).await?, move || handler.jobs().who(&query)).await
}

async fn doctor(State(handler): Handler, Extension(slots): Extension<RequestSlots>) -> Answer<Vec<Finding>> {
    run_blocking(slots.take(SlotKind::Bulk).await?, move || handler.doctor()).await
}

async fn export(
    State(handler): Handler,
    Extension(slots): Extension<RequestSlots>,
) -> Result<Body, ErrorResponse> {
    let slot = slots.take(SlotKind::Bulk).await?;
    Ok(stream_lines(slot, move |each| handler.jobs().export(each)))
}

/// The packages to list.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RememberedQuery {
    #[serde(default)]
    since: Option<Timestamp>,
}

async fn remembered(
    State(handler): Handler,
    Extension(slots): Extension<RequestSlots>,
    Query(RememberedQuery { since }): Query<RememberedQuery>,
) -> Result<Body, ErrorResponse> {
    let slot = slots.take(SlotKind::Bulk).await?;
    Ok(stream_lines(slot, move |each| {
        handler.remembered(since, &mut |package, record| {
            each(&[serde_json::to_vec(package)?.as_slice(), b"\n", record].concat())
        })
    }))
}

async fn driver_metadata(
    State(handler): Handler,
    Extension(slots): Extension<RequestSlots>,
    Path(id): Path<String>,
) -> Result<Body, ErrorResponse> {
    let id = parse(&id)?;
    let read = run_blocking(slots.take(SlotKind::Query).await?, move || handler.driver_metadata(&id));
    let Json(metadata) = read.await?;
    Ok(Body::from(metadata.unwrap_or_default()))
}

async fn preview_reload(
    State(handler): Handler,
    Extension(main): Extension<MainRuntime>,
    Extension(slots): Extension<RequestSlots>,
) -> Answer<Reloaded> {
    let slot = slots.take(SlotKind::Bulk).await?;
    main.run(async move {
        let _slot = slot;
        handler.preview_reload(usize::MAX).await
    })
    .await
}

/// A response of lines that blocking work writes. Work that fails ends the response with an error instead of its last chunk.
fn stream_lines(
    slot: RequestSlot,
    work: impl FnOnce(&mut dyn FnMut(&[u8]) -> io::Result<()>) -> Result<(), ControlError> + Send + 'static,
) -> Body {
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Vec<u8>, io::Error>>(LINE_BUFFER);
    tokio::task::spawn_blocking(move || {
        let _slot = slot;
        let done = work(&mut |line| {
            let line = [line, b"\n"].concat();
            sender.blocking_send(Ok(line)).map_err(|_| io::ErrorKind::BrokenPipe.into())
        });
        if let Err(error) = done {
            // Fails if the client has disconnected, which needs no response.
            drop(sender.blocking_send(Err(io::Error::other(error.to_string()))));
        }
    });
    Body::from_stream(futures_util::stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|line| (line, receiver))
    }))
}

async fn act(
    State(handler): Handler,
    Extension(main): Extension<MainRuntime>,
    Path(id): Path<String>,
    Extension(operator): Extension<Operator>,
    extract::Body(action): extract::Body<JobAction>,
) -> Answer<Receipt> {
    let id = parse(&id)?;
    handler.jobs().require_journal()?;
    main.run(async move { handler.act(&id, &action, &operator).await }).await
}

async fn adopt(
    State(handler): Handler,
    Extension(main): Extension<MainRuntime>,
    Extension(operator): Extension<Operator>,
    extract::Body(request): extract::Body<AdoptRequest>,
) -> Answer<JobId> {
    handler.jobs().require_journal()?;
    main.run(async move { handler.adopt(request, operator.name).await }).await
}

async fn record_label_change(
    State(handler): Handler,
    Extension(main): Extension<MainRuntime>,
    Path(label): Path<LabelId>,
    Extension(operator): Extension<Operator>,
    extract::Body(change): extract::Body<LabelChange>,
) -> Answer<Option<JobId>> {
    handler.jobs().require_journal()?;
    main.run(async move { handler.record_label_change(label, change, operator.name).await }).await
}

async fn pause(
    State(handler): Handler,
    Extension(main): Extension<MainRuntime>,
    extract::Body(scope): extract::Body<FolderScope>,
) -> Answer<()> {
    handler.jobs().require_journal()?;
    main.run(async move { handler.set_paused(scope.folder.as_deref(), true).await }).await
}

async fn resume(
    State(handler): Handler,
    Extension(main): Extension<MainRuntime>,
    extract::Body(scope): extract::Body<FolderScope>,
) -> Answer<()> {
    handler.jobs().require_journal()?;
    main.run(async move { handler.set_paused(scope.folder.as_deref(), false).await }).await
}

async fn rescan(
    State(handler): Handler,
    Extension(main): Extension<MainRuntime>,
    extract::Body(scope): extract::Body<FolderScope>,
) -> Answer<()> {
    main.run(async move { handler.rescan(scope.folder.as_deref()) }).await
}

/// A level of the log.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct LogLevelRequest {
    level: LogLevel,
}

async fn log_level(
    Extension(operator): Extension<Operator>,
    extract::Body(LogLevelRequest { level }): extract::Body<LogLevelRequest>,
) -> Answer<LogLevel> {
    let changed = observe::log_level_changed(level, &operator.name);
    changed.map(Json).map_err(|error| {
        ControlError::new(ControlErrorKind::Failed, format!("cannot change the log level: {error:#}")).into()
    })
}

async fn reload(
    State(handler): Handler,
    Extension(main): Extension<MainRuntime>,
    Extension(operator): Extension<Operator>,
) -> Answer<Reloaded> {
    main.run(async move { handler.reload(&operator.name).await }).await
}

/// The request contains the bytes instead of a path: the daemon must not open files with its own rights for another user.
async fn submit(
    State(handler): Handler,
    Extension(slots): Extension<RequestSlots>,
    Query(request): Query<SubmitRequest>,
    headers: HeaderMap,
    body: Body,
) -> Answer<JobId> {
    handler.jobs().require_journal()?;
    let limit = handler.max_package();
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > limit) {
        return Err(ControlError::new(ControlErrorKind::Failed, too_large(limit)).into());
    }
    let slot = slots.take(SlotKind::Submit).await?;
    let stream = body.into_data_stream().map_err(io::Error::other);
    let bytes = SyncIoBridge::new(StreamReader::new(stream));
    let mut bytes = LengthLimited::new(bytes, limit);
    run_blocking(slot, move || handler.submit(&request, &mut bytes)).await
}

/// The runtime of the workers. Changes run there, in a task that a client which disconnects does not stop half-way.
#[derive(Debug, Clone)]
pub(super) struct MainRuntime(pub(super) Handle);

impl MainRuntime {
    async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, ControlError>> + Send + 'static,
    ) -> Answer<T> {
        let done = self.0.spawn(work).await;
        Ok(Json(done.map_err(|error| panicked(&error))??))
    }
}

/// Runs work that blocks; the slot is free again when the work has ended.
async fn run_blocking<T: Send + 'static>(
    slot: RequestSlot,
    work: impl FnOnce() -> Result<T, ControlError> + Send + 'static,
) -> Answer<T> {
    let with_slot = move || {
        let _slot = slot;
        work()
    };
    let done = tokio::task::spawn_blocking(with_slot).await;
    Ok(Json(done.map_err(|error| panicked(&error))??))
}

fn panicked(error: &tokio::task::JoinError) -> ControlError {
    ControlError::new(ControlErrorKind::Failed, format!("the daemon failed to answer: {error}"))
}

fn parse(id: &str) -> Result<JobId, ControlError> {
    id.parse().map_err(|error: dropship_job::BadJobId| {
        ControlError::new(ControlErrorKind::NotFound, error.to_string())
    })
}
