//! Startup: turns a configuration into a running daemon.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use self::build::{Core, build_pipeline, build_services};
use self::control::{ServedEndpoints, serve_control};
use self::intake::{start_intake, watch_attention};
use self::recovery::recover;
use self::store::open_store;
use self::tasks::{Tasks, spawn_tasks};
use super::running::Running;
use super::shutdown::LiveParts;
use super::signals::ForcedExit;
use super::{status_line, watchdog};
use crate::attention::Attention;
use crate::package_objects;
use crate::store_binding;
use dropship_config::model::{AfterSuccess, Config};
use dropship_engine::observe;
use dropship_intake::Intake;

mod build;
mod control;
mod intake;
mod namesake;
mod recovery;
mod store;
mod tasks;

pub use namesake::NameTaken;

/// Maximum time to open the store; replaying a long journal takes minutes.
const MAX_START: Duration = Duration::from_secs(30 * 60);

/// Options of `dropship run`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// End when no job is queued, running or due within the next minute.
    pub until_idle: bool,
    /// Use a sandbox: nothing is sent to Microsoft, and no dropped file is moved or deleted.
    pub sandbox: bool,
}

/// Cancels the start of a daemon while it rebuilds the store.
#[derive(Debug, Clone, Default)]
pub struct StartupCancellation(Arc<AtomicBool>);

impl StartupCancellation {
    /// Requests the end of the start.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A daemon with its configuration, before it opens or binds anything.
pub struct Loaded {
    config: Config,
    options: Options,
}

impl Loaded {
    /// Prepares a daemon for this configuration.
    #[must_use]
    pub fn new(mut config: Config, options: Options) -> Self {
        if options.sandbox {
            for folder in &mut config.folders {
                folder.after = AfterSuccess::Leave;
            }
        }
        Self { config, options }
    }

    /// Opens the store, binds the sockets, watches the folders and starts the workers.
    ///
    /// # Errors
    /// When the daemon cannot run; the error says why, and what to do. [`Cancelled`](dropship_store::StoreError::Cancelled) after
    /// [`StartupCancellation::cancel`].
    pub async fn start(
        self,
        forced_exit: ForcedExit,
        cancellation: &StartupCancellation,
    ) -> anyhow::Result<Running> {
        let Self { config, options } = self;
        let descriptors = crate::http::raise_limit();
        tracing::debug!("at most {descriptors} descriptors can be open");
        let starting = dropship_systemd::extend_timeouts(MAX_START);
        let opened = open_store(&config, options, &cancellation.0).await?;
        store_binding::check(&*opened.store, &config, options.sandbox).await?;
        let services = build_services(&config, &opened, options)?;
        let packages = package_objects::open(&config.store).await?;
        let core = build_pipeline(config, &opened, packages, services, options)?;
        forced_exit.watch(&core.heartbeats);
        let captured = recover(&core, &opened).await?;
        let intake = start_intake(&core)?;
        let attention = watch_attention(&core, &intake);
        let served = serve_control(&core, &intake, &attention).await?;
        let tasks = spawn_tasks(&core, &intake, &attention, opened, captured)?;
        drop(starting);
        Ok(announce(core, intake, &attention, served, tasks, options, forced_exit))
    }
}

/// Notifies systemd, and logs that the daemon is ready.
fn announce(
    core: Core,
    intake: Arc<Intake>,
    attention: &Attention,
    served: ServedEndpoints,
    tasks: Tasks,
    options: Options,
    forced_exit: ForcedExit,
) -> Running {
    let socket = core.admission.active().config.control.socket.clone();
    let watchdog = watchdog::start(&core.heartbeats, &socket);
    let status = status_line::of(&core.pipeline, &intake, &attention.refresh());
    observe::ready(&status, options.sandbox);
    core.unit.ready(&status);
    let live = LiveParts {
        pipeline: core.pipeline,
        intake,
        workers: tasks.workers,
        socket,
        socket_shutdown: served.socket_shutdown,
        threads: served.threads,
        listening_note: served.listening_note,
        tasks: served.tasks.into_iter().chain(tasks.others).collect(),
        watchdog,
        forced_exit,
        deliveries: core.deliveries,
    };
    Running { live, reloader: served.reloader, caught_up: tasks.caught_up, until_idle: options.until_idle }
}
