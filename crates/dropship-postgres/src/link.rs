//! Calls to the database from threads that may block, over a connection that is made again when it breaks.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use dropship_store::StoreError;
use tokio::runtime::Runtime;
use tokio::sync::Mutex;

use crate::session::{HintCallback, Session};
use crate::settings::Settings;

/// Maximum time of a call. The connection is closed then: a server that waits for its replica stops waiting, and reports no success.
const CALL: Duration = Duration::from_secs(10);

/// Work on a connection.
pub(crate) type SessionWork<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The thread on which connections live.
pub(crate) struct ConnectionThread(Option<Runtime>);

impl ConnectionThread {
    pub(crate) fn start() -> Result<Self, StoreError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("postgres")
            .enable_all()
            .build()
            .map_err(|error| StoreError::Unusable { what: format!("cannot start a thread: {error}") })?;
        Ok(Self(Some(runtime)))
    }
}

impl Drop for ConnectionThread {
    fn drop(&mut self) {
        // To wait for the runtime is not allowed on threads of another runtime.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// A connection that is made when it is needed.
#[derive(Clone)]
pub(crate) struct DatabaseLink {
    thread: Arc<ConnectionThread>,
    pub(crate) settings: Arc<Settings>,
    session: Arc<Mutex<Option<Session>>>,
    hint: Option<HintCallback>,
}

impl DatabaseLink {
    pub(crate) fn new(thread: Arc<ConnectionThread>, settings: Arc<Settings>) -> Self {
        Self { thread, settings, session: Arc::default(), hint: None }
    }

    /// Another connection to the same database.
    pub(crate) fn another(&self) -> Self {
        Self::new(Arc::clone(&self.thread), Arc::clone(&self.settings))
    }

    /// Has the next connection listen for the appends of other nodes.
    pub(crate) fn listen(&mut self, hint: HintCallback) {
        self.hint = Some(hint);
        self.session = Arc::default();
    }

    /// Runs work on the connection; blocks this thread. The connection is closed after an error that may be its own.
    pub(crate) fn call<T: Send + 'static>(
        &self,
        work: impl for<'a> FnOnce(&'a Session) -> SessionWork<'a, T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (settings, hint) = (Arc::clone(&self.settings), self.hint.clone());
        let session = Arc::clone(&self.session);
        self.run(async move {
            let mut slot = session.lock().await;
            let open = match slot.take().filter(|session| !session.is_closed()) {
                Some(open) => open,
                None => Session::open(&settings, hint).await?,
            };
            let done = work(&open).await;
            if !matches!(done, Err(StoreError::Away { .. })) {
                *slot = Some(open);
            }
            done
        })
    }

    /// Runs a future on the thread of the connections, for a limited time.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, result) = mpsc::sync_channel(1);
        let Some(runtime) = &self.thread.0 else {
            return Err(StoreError::Stopped("its connections are closed".to_owned()));
        };
        runtime.spawn(async move {
            let late = || StoreError::Away { what: format!("no answer within {} s", CALL.as_secs()) };
            let done = tokio::time::timeout(CALL, work).await.unwrap_or_else(|_| Err(late()));
            drop(answer.send(done));
        });
        let lost = || Err(StoreError::Away { what: "the call was aborted".to_owned() });
        result.recv().unwrap_or_else(|_| lost())
    }
}
