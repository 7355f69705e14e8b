//! Captured copies that an earlier daemon left and no job needs.

use super::state::Admission;
use dropship_job::JobId;
use dropship_store::StoreError;

impl Admission {
    /// The jobs with a captured copy or plan. List them before intake starts: copies captured later are in use.
    ///
    /// # Errors
    /// When the folder of the packages cannot be read.
    pub fn captured(&self) -> Result<Vec<JobId>, StoreError> {
        match self.packages.jobs() {
            // The next start sweeps them.
            Err(error) if self.packages.away().is_some() => {
                tracing::warn!("cannot look for captured packages that no job needs: {error}");
                self.packages.jobs_here().map_err(cannot_sweep)
            }
            jobs => jobs.map_err(cannot_sweep),
        }
    }

    /// Deletes those copies that have no job (the daemon died before it created one) or whose job no longer needs them
    /// (the daemon died before it deleted them).
    ///
    /// In a store without jobs, several copies are kept: they may be all that is left of a store that was lost.
    ///
    /// # Errors
    /// When the store cannot be read, or a copy cannot be deleted.
    pub fn discard_leftovers(&self, captured: &[JobId]) -> Result<(), StoreError> {
        let store_is_empty = self.store.counts()?.iter().all(|(_, jobs)| *jobs == 0);
        if store_is_empty && captured.len() > 1 {
            tracing::warn!(
                event = "copies_left",
                "the store has no jobs, but {} captured packages exist beside it; they are kept",
                captured.len()
            );
            return Ok(());
        }
        for id in captured {
            if self.store.job(id)?.is_none() {
                self.packages.discard_orphan(id).map_err(cannot_sweep)?;
            }
        }
        for id in self.packages.jobs_with_copy(captured).map_err(cannot_sweep)? {
            if self.store.job(&id)?.is_some_and(|job| job.collected().is_some()) {
                self.packages.discard_copy(&id).map_err(cannot_sweep)?;
            }
        }
        Ok(())
    }
}

fn cannot_sweep(error: std::io::Error) -> StoreError {
    StoreError::Io { what: "cannot sweep", path: "packages".into(), error }
}
