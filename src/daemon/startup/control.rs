//! Serves the control socket and the HTTP endpoints.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::build::Core;
use crate::attention::Attention;
use crate::control::{self, OperatorGroups};
use crate::daemon::control::DaemonControl;
use crate::daemon::control_threads::ControlThreads;
use crate::daemon::health_endpoints::HealthEndpoints;
use crate::daemon::http;
use crate::daemon::reload::{self, Reloader};
use crate::web;
use dropship_intake::Intake;
use dropship_store::ListeningNote;

/// The control socket and the HTTP endpoints, while they are served.
pub(super) struct ServedEndpoints {
    pub(super) reloader: Arc<Reloader>,
    pub(super) tasks: Vec<JoinHandle<()>>,
    pub(super) socket_shutdown: CancellationToken,
    pub(super) threads: ControlThreads,
    pub(super) listening_note: Option<ListeningNote>,
}

/// Binds the control socket and the address of the endpoints, and serves both on threads of their own.
pub(super) async fn serve_control(
    core: &Core,
    intake: &Arc<Intake>,
    attention: &Arc<Attention>,
) -> anyhow::Result<ServedEndpoints> {
    let (pipeline, intake) = (Arc::clone(&core.pipeline), Arc::clone(intake));
    let routes = http::routes(Arc::new(HealthEndpoints {
        pipeline: Arc::clone(&pipeline),
        intake: Arc::clone(&intake),
        metrics: Arc::clone(&core.metrics),
        notifier: Arc::clone(&core.notifier),
        heartbeats: core.heartbeats.clone(),
        attention: Arc::clone(attention),
        since: jiff::Timestamp::now(),
    }));
    let active = core.admission.active();
    let threads = ControlThreads::start()?;
    let mut tasks = Vec::new();
    if let Some(address) = active.config.metrics {
        tasks.extend(threads.spawn(http::listen(address, routes.clone())?));
    }
    let state = Arc::clone(&attention.sources().configuration);
    let names = active.config.control.operators.clone();
    let operators = tokio::task::spawn_blocking(move || OperatorGroups::of(&names)).await?;
    let (admission, unit) = (Arc::clone(&core.admission), core.unit.clone());
    let reloader = Arc::new(Reloader::new(pipeline, intake, admission, state, unit, operators));
    tasks.push(tokio::spawn(reload::watch_disk(Arc::clone(&reloader), core.pipeline.shutdown().clone())));
    let handler =
        Arc::new(DaemonControl::new(Arc::clone(&reloader), Arc::clone(attention), Arc::clone(&core.calls)));
    if let (Some(settings), Some(rows)) = (&active.config.web, &core.rows) {
        let handler = Arc::clone(&handler) as _;
        let parts = web::SiteParts {
            settings: settings.clone(),
            handler,
            rows: Arc::clone(rows),
            main: tokio::runtime::Handle::current(),
            sandbox: core.pipeline.settings().sandbox,
            stands_by: None,
        };
        tasks.extend(threads.spawn(web::listen(parts)?));
    }
    let (socket, socket_shutdown) = (active.config.control.socket.clone(), CancellationToken::new());
    let main = tokio::runtime::Handle::current();
    let serving = control::serve(&socket, handler, routes, main, socket_shutdown.clone().cancelled_owned())
        .with_context(|| format!("cannot bind the control socket {}", socket.display()))?;
    tasks.extend(threads.spawn(serving));
    let listening_note = ListeningNote::write(&active.config.store.path);
    let listening_note = listening_note.inspect_err(|error| {
        tracing::warn!(
            "cannot note in the lock of the store {} that the control socket is served: {error}; commands wait 30 s if the \
             socket is removed",
            active.config.store.path.display()
        );
    });
    Ok(ServedEndpoints { reloader, tasks, socket_shutdown, threads, listening_note: listening_note.ok() })
}
