//! Shutdown: intake stops, calls in flight end, workers release their jobs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::watchdog::Watchdog;
use crate::pipeline::Pipeline;
use crate::{observe, systemd};
use dropship_hardware::Client;
use dropship_intake::Intake;

/// Maximum time for calls in flight; a create may take five minutes to respond.
const MAX_DRAIN: Duration = Duration::from_secs(330);

/// How the daemon ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// On request, or because it was idle.
    Clean,
    /// The store failed, for this reason.
    StoreFailed(String),
}

/// Everything that must be stopped at shutdown.
pub(super) struct Live {
    pub(super) pipeline: Arc<Pipeline<Client>>,
    pub(super) intake: Arc<Intake>,
    pub(super) workers: JoinHandle<()>,
    pub(super) socket: PathBuf,
    /// Ends the control socket.
    pub(super) closing: CancellationToken,
    pub(super) tasks: Vec<JoinHandle<()>>,
    pub(super) watchdog: Option<Watchdog>,
}

impl Live {
    /// Shuts down; `failure` is why the store failed, if it did.
    pub(super) async fn shut_down(self, failure: Option<String>) -> Shutdown {
        let running = || self.pipeline.queue().running();
        systemd::stopping("Waiting for calls in flight to end");
        observe::stopping(running());
        let started = Instant::now();
        let extension = systemd::extend_timeouts(MAX_DRAIN + Duration::from_secs(30));
        self.pipeline.shutdown().cancel();
        let drained = async {
            self.intake.stop().await;
            if let Err(error) = self.workers.await {
                tracing::error!("the workers ended with an error: {error}");
            }
        };
        // The effects of calls that do not end in time are checked at the next start.
        if tokio::time::timeout(MAX_DRAIN, drained).await.is_err() {
            observe::drain_gave_up(running());
        }
        self.closing.cancel();
        for task in self.tasks {
            task.abort();
        }
        drop(std::fs::remove_file(&self.socket));
        drop((self.watchdog, extension));
        observe::stopped(started.elapsed());
        failure.map_or(Shutdown::Clean, Shutdown::StoreFailed)
    }
}
