//! Serves the control socket and the endpoints while a node stands by.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::control::StandbyControl;
use super::own_folders::OwnFolders;
use super::pages::StandbyPages;
use crate::config::model::Config;
use crate::control::{self, OperatorGroups};
use crate::daemon::control_threads::ControlThreads;
use crate::daemon::http;
use crate::observe::Heartbeats;
use dropship_store::SharedStore;

/// Time in which requests that wait for the active node notice that this one has taken over, and are answered.
const LAST_ANSWERS: Duration = Duration::from_millis(300);

/// The control socket of a node that stands by. It is removed when this is dropped.
pub(in crate::daemon) struct Standby {
    socket: PathBuf,
    closing: CancellationToken,
    threads: Option<ControlThreads>,
}

impl Standby {
    /// Binds the control socket and the address of the metrics. `active` is the name of the active node.
    pub(in crate::daemon) async fn serve(
        store: &Arc<SharedStore>,
        config: &Config,
        heartbeats: &Heartbeats,
        active: watch::Receiver<Option<String>>,
        own: Option<Arc<OwnFolders>>,
    ) -> anyhow::Result<Self> {
        let names = config.control.operators.clone();
        let operators = tokio::task::spawn_blocking(move || OperatorGroups::of(&names)).await?;
        let handler =
            Arc::new(StandbyControl::new(Arc::clone(store), config, operators, active, own.clone())?);
        let (heartbeats, since) = (heartbeats.clone(), Timestamp::now());
        let pages = StandbyPages { handler: Arc::clone(&handler) as _, heartbeats, since, own };
        let routes = http::routes(Arc::new(pages));
        let threads = ControlThreads::start()?;
        if let Some(address) = config.metrics {
            threads.spawn(http::listen(address, routes.clone())?);
        }
        let (socket, closing) = (config.control.socket.clone(), CancellationToken::new());
        let main = tokio::runtime::Handle::current();
        let serving = control::serve(&socket, handler, routes, main, closing.clone().cancelled_owned())
            .with_context(|| format!("cannot bind the control socket {}", socket.display()))?;
        threads.spawn(serving);
        Ok(Self { socket, closing, threads: Some(threads) })
    }

    /// Ends, because this node has taken over.
    pub(in crate::daemon) async fn end(self) {
        tokio::time::sleep(LAST_ANSWERS).await;
    }
}

impl Drop for Standby {
    fn drop(&mut self) {
        self.closing.cancel();
        drop(std::fs::remove_file(&self.socket));
        drop(self.threads.take());
    }
}
