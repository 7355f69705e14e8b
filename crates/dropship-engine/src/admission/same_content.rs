//! Packages with the same signed content as another job of their folder, but with other bytes: stamped, signed or zipped again, or
//! padded. They are held, so that a changed byte that no signature covers never submits a driver twice.

use super::state::Admission;
use dropship_config::model::SameContent;
use dropship_job::{Event, HoldFault, HoldReason, Job, JobId, State};
use dropship_store::StoreError;

impl Admission {
    /// The hold of an accepted package whose content another job of its folder has. Call it with `creating` locked, and
    /// commit the job before the lock is released.
    pub(super) fn hold_of_same_content(
        &self,
        id: &JobId,
        folder: Option<&str>,
        content: Option<&str>,
    ) -> Result<Option<Event>, StoreError> {
        let Some(content) = content.filter(|_| self.holds_same_content(folder)) else { return Ok(None) };
        Ok(self.other_job(id, folder, content)?.map(|first| held_event(id, &first)))
    }

    /// Like [`Self::hold_of_same_content`], for a job that was inspected again. Its worker commits the acceptance later, so the job
    /// claims the content until then.
    pub(super) fn claim_content(
        &self,
        job: &Job,
        content: Option<&str>,
    ) -> Result<Option<Event>, StoreError> {
        let _guard = self.creating.lock();
        let folder = job.package().folder.as_deref();
        let hold = self.hold_of_same_content(job.id(), folder, content)?;
        if let Some(content) = content {
            self.content_claims.claim(job.id(), content, folder);
        }
        Ok(hold)
    }

    fn holds_same_content(&self, folder: Option<&str>) -> bool {
        let active = self.active();
        let folder = folder.and_then(|folder| active.folder(folder));
        folder.is_none_or(|folder| folder.same_content == SameContent::Hold)
    }

    /// The oldest other job with this content that was neither rejected nor cancelled.
    fn other_job(&self, id: &JobId, folder: Option<&str>, content: &str) -> Result<Option<Job>, StoreError> {
        for other in self.store.jobs_with_content(content, folder)? {
            let job = self.store.job(&other)?.filter(|_| other != *id);
            let counts = |job: &Job| !matches!(job.state(), State::Rejected { .. } | State::Cancelled);
            if let Some(job) = job.filter(counts) {
                return Ok(Some(job));
            }
        }
        let claimant = self.content_claims.claimant(&*self.store, content, folder)?;
        Ok(claimant.filter(|job| job.id() != id))
    }
}

fn held_event(id: &JobId, first: &Job) -> Event {
    let (name, first) = (&first.package().name, first.id());
    let message = format!(
        "the package has the same signed content as {name} (job {first}): they differ only in signatures or in bytes that no \
         signature covers; `dropship approve {id}` submits it as well, `dropship cancel {id}` ends it"
    );
    Event::Held { fault: HoldFault::new(HoldReason::SameContent, message), request: None }
}
