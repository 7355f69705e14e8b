//! The threads of the control socket and the web pages: a runtime of its own, so that they answer when the workers hang.

use anyhow::Context as _;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// Threads that answer requests; a request that waits for the disk uses another one.
const THREADS: usize = 2;

/// Maximum number of threads for requests that block. The request slots of all listeners need fewer.
const BLOCKING: usize = 160;

/// The threads. They end when this is dropped; requests in progress are not waited for.
#[derive(Debug)]
pub(super) struct ControlThreads(Option<Runtime>);

impl ControlThreads {
    pub(super) fn start() -> anyhow::Result<Self> {
        let mut runtime = Builder::new_multi_thread();
        let runtime = runtime.worker_threads(THREADS).max_blocking_threads(BLOCKING);
        let runtime = runtime.thread_name("control").enable_all().build();
        Ok(Self(Some(runtime.context("cannot start the threads of the control socket")?)))
    }

    /// Runs a server.
    pub(super) fn spawn(&self, server: impl Future<Output = ()> + Send + 'static) -> Option<JoinHandle<()>> {
        self.0.as_ref().map(|runtime| runtime.spawn(server))
    }
}

impl Drop for ControlThreads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
