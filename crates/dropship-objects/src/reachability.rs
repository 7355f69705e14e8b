//! Whether the storage responds. While it does not, it is probed until it does.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use object_store::ObjectStore;
use object_store::path::Path;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::error::{ObjectError, describe};

/// Interval between probes.
const PROBE: Duration = Duration::from_secs(2);

/// Maximum time of a probe.
const LIMIT: Duration = Duration::from_secs(10);

/// Why the storage does not respond, while it does not.
#[derive(Clone)]
pub(crate) struct Reachability {
    why: watch::Sender<Option<String>>,
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    address: String,
    runtime: Handle,
}

impl Reachability {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, prefix: Path, address: String, runtime: Handle) -> Self {
        Self { why: watch::channel(None).0, store, prefix, address, runtime }
    }

    pub(crate) fn away(&self) -> Option<String> {
        self.why.borrow().clone()
    }

    /// Notes the result of a call.
    pub(crate) fn note<T>(&self, result: &Result<T, ObjectError>) {
        match result {
            Err(ObjectError::Away { what }) => self.set_away(what),
            Err(ObjectError::Local(_)) => {}
            Ok(_)
            | Err(
                ObjectError::NotFound { .. } | ObjectError::Altered { .. } | ObjectError::Contended { .. },
            ) => self.set_reachable(),
        }
    }

    /// Lists the first object.
    pub(crate) async fn probe(&self) -> Result<(), ObjectError> {
        let first = async { self.store.list(Some(&self.prefix)).next().await.transpose() };
        let away = |what: String| ObjectError::Away { what };
        match tokio::time::timeout(LIMIT, first).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(away(describe(&error))),
            Err(_) => Err(away(format!("no answer within {} s", LIMIT.as_secs()))),
        }
    }

    fn set_reachable(&self) {
        if self.why.send_if_modified(|why| why.take().is_some()) {
            tracing::debug!("the storage {} responds again", self.address);
        }
    }

    fn set_away(&self, what: &str) {
        let is_new = self.why.send_if_modified(|why| {
            let is_new = why.is_none();
            why.get_or_insert_with(|| what.to_owned());
            is_new
        });
        if !is_new {
            return;
        }
        tracing::debug!("the storage {} does not respond: {what}", self.address);
        let reachability = self.clone();
        self.runtime.spawn(async move {
            while reachability.probe().await.is_err() {
                tokio::time::sleep(PROBE).await;
            }
            reachability.set_reachable();
        });
    }
}
