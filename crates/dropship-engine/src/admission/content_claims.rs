//! Contents of jobs whose acceptance is not committed yet.

use std::collections::HashMap;

use parking_lot::Mutex;

use dropship_job::{Job, JobId, Step};
use dropship_store::{Store, StoreError};

/// Contents of jobs that were inspected again and whose acceptance is not committed yet, by folder and content.
#[derive(Default)]
pub(super) struct ContentClaims(Mutex<HashMap<(Option<String>, String), JobId>>);

impl ContentClaims {
    /// The job that claims this content, unless it ended before it was accepted.
    pub(super) fn claimant(
        &self,
        store: &dyn Store,
        content: &str,
        folder: Option<&str>,
    ) -> Result<Option<Job>, StoreError> {
        let key = (folder.map(str::to_owned), content.to_owned());
        let Some(id) = self.0.lock().get(&key).cloned() else { return Ok(None) };
        let job = store.job(&id)?;
        let job = job.filter(|job| job.step() == Step::Inspect && !job.state().has_ended());
        if job.is_none() {
            // Accepted, and therefore in the store, or rejected.
            self.0.lock().remove(&key);
        }
        Ok(job)
    }

    /// The job claims this content.
    pub(super) fn claim(&self, id: &JobId, content: &str, folder: Option<&str>) {
        self.0.lock().insert((folder.map(str::to_owned), content.to_owned()), id.clone());
    }
}
