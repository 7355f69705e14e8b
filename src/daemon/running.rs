//! The running daemon.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::reload::Reloader;
use super::shutdown::{LiveParts, Shutdown};
use dropship_engine::pipeline::Pipeline;
use dropship_hardware::Client;

/// The daemon is idle when no job becomes due within this time.
const IDLE_SPAN: Duration = Duration::from_secs(60);

/// A daemon that accepts and processes packages.
pub struct Running {
    pub(super) live: LiveParts,
    pub(super) reloader: Arc<Reloader>,
    /// Whether the store was compared with the receipts.
    pub(super) caught_up: watch::Receiver<bool>,
    pub(super) until_idle: bool,
}

impl Running {
    /// The pipeline.
    #[must_use]
    pub fn pipeline(&self) -> &Arc<Pipeline<Client>> {
        &self.live.pipeline
    }

    /// Reloads the configuration on request.
    #[must_use]
    pub fn reloader(&self) -> Arc<Reloader> {
        Arc::clone(&self.reloader)
    }

    /// Runs until `stop` completes, the store fails, or the daemon is idle with [`Options::until_idle`](super::Options). Then
    /// shuts down.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> Shutdown {
        let mut store_failure = self.live.pipeline.store_failure();
        let failed = async {
            match store_failure.wait_for(Option::is_some).await {
                Ok(why) => why.clone().unwrap_or_default(),
                Err(_) => "the pipeline ended".to_owned(),
            }
        };
        let why = tokio::select! {
            () = stop => None,
            () = self.wait_until_idle(), if self.until_idle => None,
            why = failed => Some(why),
        };
        self.live.shut_down(why).await
    }

    /// Returns when no job is due within [`IDLE_SPAN`] and no file waits to be accepted.
    async fn wait_until_idle(&self) {
        let (pipeline, intake) = (&self.live.pipeline, &self.live.intake);
        // Fails if the comparison ended early.
        drop(self.caught_up.clone().wait_for(|done| *done).await);
        let no_job_is_due = || pipeline.queue().is_idle_until(pipeline.clock().after(IDLE_SPAN));
        while tokio::time::timeout(Duration::from_secs(1), intake.initial_scan_done()).await.is_err() {
            // A scan under backpressure continues when jobs end. If no job can end, waiting for it would never end.
            if intake.summary().backpressure > 0 && no_job_is_due() {
                return;
            }
        }
        let mut changes = pipeline.events().subscribe();
        loop {
            if no_job_is_due() && self.live.deliveries.is_idle() && intake.summary().candidates == 0 {
                return;
            }
            // Also every second, because dropping a candidate sends no notification.
            drop(tokio::time::timeout(Duration::from_secs(1), changes.changed()).await);
        }
    }
}
