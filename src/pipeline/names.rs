//! Creates of one name in one account go one at a time: of two lost answers nobody could tell whose a find is.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::job::{Job, JobId, Thing};

/// Names that are being created, and by which job.
#[derive(Debug, Default)]
pub struct Names(Mutex<BTreeMap<String, JobId>>);

impl Names {
    /// The names that open jobs were creating when the daemon ended.
    #[must_use]
    pub fn of(jobs: &[Job]) -> Self {
        let held = jobs.iter().filter_map(|job| {
            let (thing, intent) = job.doubt()?;
            Some((key(job, thing, &intent.name), job.id.clone()))
        });
        Self(Mutex::new(held.collect()))
    }

    /// Takes a name for a job; false while another job has it.
    #[must_use]
    pub fn take(&self, job: &Job, thing: Thing, name: &str) -> bool {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let holder = names.entry(key(job, thing, name)).or_insert_with(|| job.id.clone());
        *holder == job.id
    }

    /// Lets go of all names of a job that has nothing in doubt.
    pub fn release(&self, job: &Job) {
        if job.doubt().is_none() {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, holder| *holder != job.id);
        }
    }
}

/// What a name has to be unique in: products in an account, submissions in a product, labels in a submission.
fn key(job: &Job, thing: Thing, name: &str) -> String {
    let account = job.account.as_deref().unwrap_or_default();
    let (product, submission) = (job.product.id().unwrap_or(0), job.submission.id().unwrap_or(0));
    match thing {
        Thing::Product => format!("{account}/{name}"),
        Thing::Submission => format!("{account}/{product}/{name}"),
        Thing::Label(_) => format!("{account}/{product}/{submission}/{name}"),
    }
}
