//! Shutdown: intake stops, calls in flight end, workers release their jobs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::control_threads::ControlThreads;
use super::signals::{ForcedExit, MAX_SHUTDOWN};
use super::watchdog::Watchdog;
use dropship_engine::observe;
use dropship_engine::pipeline::{Deliveries, Pipeline};
use dropship_hardware::Client;
use dropship_intake::Intake;
use dropship_store::ListeningNote;

/// Maximum time for calls in flight; a create may take five minutes to respond.
const MAX_DRAIN: Duration = Duration::from_secs(330);

/// Maximum time for everything else, such as file work: it continues at the next start.
const MAX_FILE_WORK: Duration = Duration::from_secs(20);

/// Maximum time to close the store and to end the threads.
const MAX_CLOSING: Duration = Duration::from_secs(10);

/// Maximum time to release the lease of a store in a database.
const MAX_RELEASE: Duration = Duration::from_secs(5);

/// How the daemon ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// On request, or because it was idle.
    Clean,
    /// The store failed, for this reason.
    StoreFailed(String),
}

/// Everything that must be stopped at shutdown.
pub(super) struct LiveParts {
    pub(super) pipeline: Arc<Pipeline<Client>>,
    pub(super) intake: Arc<Intake>,
    pub(super) workers: JoinHandle<()>,
    pub(super) socket: PathBuf,
    /// Ends the control socket.
    pub(super) socket_shutdown: CancellationToken,
    pub(super) tasks: Vec<JoinHandle<()>>,
    /// The threads of the control socket.
    pub(super) threads: ControlThreads,
    pub(super) listening_note: Option<ListeningNote>,
    pub(super) watchdog: Option<Watchdog>,
    pub(super) forced_exit: ForcedExit,
    /// The results of folders that are on this node only.
    pub(super) deliveries: Arc<Deliveries>,
}

impl LiveParts {
    /// Shuts down; `failure` is why the store failed, if it did.
    pub(super) async fn shut_down(self, failure: Option<String>) -> Shutdown {
        let running = || self.pipeline.queue().running();
        dropship_systemd::stopping("Waiting for calls in flight to end");
        observe::stopping(running());
        let started = Instant::now();
        let extension = dropship_systemd::extend_timeouts(MAX_DRAIN + Duration::from_secs(30));
        if failure.is_some() {
            self.forced_exit.fail();
        }
        self.forced_exit.require_end_of("the calls in flight", MAX_SHUTDOWN);
        self.pipeline.shutdown().cancel();
        let workers = async {
            if let Err(error) = self.workers.await {
                tracing::error!("the workers ended with an error: {error}");
            }
        };
        let drained = async { tokio::join!(self.intake.stop(), workers) };
        // The effects of calls that do not end in time are checked at the next start.
        tokio::select! {
            _ = drained => {}
            () = only_file_work_is_left(&self.pipeline) => observe::work_left_behind(running()),
            () = tokio::time::sleep(MAX_DRAIN) => observe::drain_gave_up(running()),
        }
        self.forced_exit.require_end_of("the store or a thread", MAX_CLOSING);
        drop(self.listening_note);
        self.socket_shutdown.cancel();
        for task in self.tasks {
            task.abort();
        }
        drop(std::fs::remove_file(&self.socket));
        // Another node may take over now.
        let store = Arc::clone(self.pipeline.store());
        drop(tokio::time::timeout(MAX_RELEASE, tokio::task::spawn_blocking(move || store.close())).await);
        drop((self.threads, self.watchdog, extension));
        observe::stopped(started.elapsed());
        failure.map_or(Shutdown::Clean, Shutdown::StoreFailed)
    }
}

/// Returns when work has been running for [`MAX_FILE_WORK`] and no call that changes something is in flight.
async fn only_file_work_is_left(pipeline: &Pipeline<Client>) {
    tokio::time::sleep(MAX_FILE_WORK).await;
    while pipeline.pause().is_call_in_flight() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
