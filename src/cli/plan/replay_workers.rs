//! Plans packages again on all processors, while they are read.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::runtime::Handle;

use crate::cli::backend::Backend;
use dropship_engine::replay::{PackageDifferences, RememberedPackage, ReplayRules};
use dropship_hardware::DriverMetadata;
use dropship_job::JobId;

/// Maximum number of packages that wait for a worker.
const MAX_WAITING: usize = 32;

/// Maximum number of workers: reading the packages limits the speed of more.
const MAX_WORKERS: usize = 4;

/// The workers of one replay.
pub(super) struct ReplayWorkers<'a> {
    pub(super) rules: ReplayRules<'a>,
    pub(super) backend: &'a Backend,
    /// Reads packages and driver metadata.
    pub(super) runtime: Handle,
}

/// A package that was planned again.
pub(super) struct ReplayedPackage {
    pub(super) package: RememberedPackage,
    /// How its plan would differ; `None` if it cannot be planned again.
    pub(super) differences: Option<PackageDifferences>,
}

/// A package that waits for a worker.
struct QueuedPackage {
    number: usize,
    package: RememberedPackage,
    record: Vec<u8>,
}

/// Passes results on in the order in which the packages were read.
struct InOrder<'a> {
    next: usize,
    early_results: BTreeMap<usize, ReplayedPackage>,
    on_package: &'a mut (dyn FnMut(ReplayedPackage) -> anyhow::Result<()> + Send),
    failure: Option<anyhow::Error>,
}

impl InOrder<'_> {
    fn add(&mut self, number: usize, replayed: anyhow::Result<ReplayedPackage>) {
        match replayed {
            Ok(replayed) => drop(self.early_results.insert(number, replayed)),
            Err(error) => self.fail(error),
        }
        while let Some(replayed) = self.early_results.remove(&self.next) {
            self.next += 1;
            if let Err(error) = (self.on_package)(replayed) {
                self.fail(error);
            }
        }
    }

    /// Keeps the first failure.
    fn fail(&mut self, error: anyhow::Error) {
        self.failure.get_or_insert(error);
    }
}

impl ReplayWorkers<'_> {
    /// Calls `on_package` with every package that arrived at `since` or later, newest first. Blocks.
    ///
    /// # Errors
    /// When the packages or driver metadata cannot be read, or `each` fails.
    pub(super) fn run(
        &self,
        since: Option<Timestamp>,
        on_package: &mut (dyn FnMut(ReplayedPackage) -> anyhow::Result<()> + Send),
    ) -> anyhow::Result<()> {
        let results =
            Mutex::new(InOrder { next: 0, early_results: BTreeMap::new(), on_package, failure: None });
        let (sender, receiver) = sync_channel(MAX_WAITING);
        let receiver = Mutex::new(receiver);
        let count = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(MAX_WORKERS);
        let read = thread::scope(|scope| {
            for _ in 0..count {
                scope.spawn(|| self.work(&receiver, &results));
            }
            // Dropped when everything is read, which ends the workers.
            let sender = sender;
            let mut number = 0;
            self.runtime.block_on(self.backend.remembered(since, &mut |package, record| {
                let waiting = QueuedPackage { number, package: package.clone(), record: record.to_vec() };
                number += 1;
                anyhow::ensure!(results.lock().failure.is_none(), "the replay has failed");
                Ok(sender.send(waiting)?)
            }))
        });
        match results.into_inner().failure {
            Some(failure) => Err(failure),
            None => read,
        }
    }

    fn work(&self, receiver: &Mutex<Receiver<QueuedPackage>>, results: &Mutex<InOrder<'_>>) {
        loop {
            let received = receiver.lock().recv();
            let Ok(QueuedPackage { number, package, record }) = received else { return };
            let metadata = LazyMetadata { workers: self, failure: RefCell::new(None) };
            let differences = self.rules.replay(&package, &record, || metadata.read(&package.job));
            let replayed = match metadata.failure.into_inner() {
                Some(failure) => Err(failure),
                None => Ok(ReplayedPackage { package, differences }),
            };
            results.lock().add(number, replayed);
        }
    }
}

/// Reads the driver metadata of a job when they are needed.
struct LazyMetadata<'a> {
    workers: &'a ReplayWorkers<'a>,
    /// Why they could not be read.
    failure: RefCell<Option<anyhow::Error>>,
}

impl LazyMetadata<'_> {
    fn read(&self, job: &JobId) -> Option<DriverMetadata> {
        let ReplayWorkers { backend, runtime, .. } = self.workers;
        let read = backend
            .driver_metadata(runtime, job)
            .and_then(|bytes| Ok(bytes.map(|bytes| DriverMetadata::parse(&bytes)).transpose()?));
        read.unwrap_or_else(|error| {
            let context = format!("cannot read the stored driver metadata of job {job}");
            *self.failure.borrow_mut() = Some(error.context(context));
            None
        })
    }
}
