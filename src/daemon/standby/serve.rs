//! Serves the control socket and the endpoints while a node stands by.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::control::StandbyControl;
use super::own_folders::OwnFolders;
use super::pages::StandbyPages;
use super::rows;
use crate::control::{self, OperatorGroups};
use crate::daemon::control_threads::ControlThreads;
use crate::daemon::http;
use crate::web::{self, JobRows};
use dropship_config::model::Config;
use dropship_engine::observe::Heartbeats;
use dropship_store::SharedStore;

/// Time in which requests that wait for the active node notice that this one has taken over, and are answered.
const LAST_ANSWERS: Duration = Duration::from_millis(300);

/// The control socket of a node that stands by. It is removed when this is dropped.
pub(crate) struct Standby {
    socket: PathBuf,
    socket_shutdown: CancellationToken,
    threads: Option<ControlThreads>,
    /// Listens on the addresses of the metrics and the pages.
    listeners: Vec<JoinHandle<()>>,
    /// Keeps the packages of the pages up to date.
    rows_task: Option<JoinHandle<()>>,
}

impl Standby {
    /// Binds the control socket, and the addresses of the metrics and the pages. `active` is the name of the active node.
    pub(crate) async fn serve(
        store: &Arc<SharedStore>,
        config: &Config,
        heartbeats: &Heartbeats,
        active: watch::Receiver<Option<String>>,
        own_folders: Option<Arc<OwnFolders>>,
        rows: Option<Arc<JobRows>>,
    ) -> anyhow::Result<Self> {
        let names = config.control.operators.clone();
        let operators = tokio::task::spawn_blocking(move || OperatorGroups::of(&names)).await?;
        let handler = Arc::new(StandbyControl::new(
            Arc::clone(store),
            config,
            operators,
            active.clone(),
            own_folders.clone(),
            rows.clone(),
        )?);
        let (heartbeats, since) = (heartbeats.clone(), Timestamp::now());
        let pages = StandbyPages { handler: Arc::clone(&handler), heartbeats, since, own_folders };
        let routes = http::routes(Arc::new(pages));
        let (threads, mut listeners) = (ControlThreads::start()?, Vec::new());
        if let Some(address) = config.metrics {
            listeners.extend(threads.spawn(http::listen(address, routes.clone())?));
        }
        let mut rows_task = None;
        if let (Some(settings), Some(rows)) = (config.web.clone(), rows) {
            // Registered before the pages read the store.
            let commits = store.follow();
            rows_task = Some(tokio::spawn(rows::follow(Arc::clone(&rows), Arc::clone(store), commits)));
            let (handler, main) = (Arc::clone(&handler) as _, tokio::runtime::Handle::current());
            let parts =
                web::SiteParts { settings, handler, rows, main, sandbox: false, stands_by: Some(active) };
            listeners.extend(threads.spawn(web::listen(parts)?));
        }
        let (socket, socket_shutdown) = (config.control.socket.clone(), CancellationToken::new());
        let main = tokio::runtime::Handle::current();
        let serving =
            control::serve(&socket, handler, routes, main, socket_shutdown.clone().cancelled_owned())
                .with_context(|| format!("cannot bind the control socket {}", socket.display()))?;
        threads.spawn(serving);
        Ok(Self { socket, socket_shutdown, threads: Some(threads), listeners, rows_task })
    }

    /// Ends, because this node has taken over. The addresses can be bound again then.
    pub(crate) async fn end(mut self) {
        tokio::time::sleep(LAST_ANSWERS).await;
        for task in self.listeners.drain(..) {
            task.abort();
            drop(task.await);
        }
    }
}

impl Drop for Standby {
    fn drop(&mut self) {
        self.socket_shutdown.cancel();
        self.rows_task.iter().for_each(JoinHandle::abort);
        drop(std::fs::remove_file(&self.socket));
        drop(self.threads.take());
    }
}
