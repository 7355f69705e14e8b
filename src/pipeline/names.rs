//! Creates of one name in one account go one at a time: of two lost answers nobody could tell whose a find is.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::job::{Job, JobId, Thing};

/// Names that are being created, and by which job.
#[derive(Debug, Default)]
pub struct Names(Mutex<BTreeMap<String, Holder>>);

#[derive(Debug, Clone)]
struct Holder {
    job: JobId,
    /// Since when, on a clock that nobody sets.
    since: Instant,
}

impl Names {
    /// The names that open jobs were creating when the daemon ended.
    #[must_use]
    pub fn of(jobs: &[Job]) -> Self {
        let since = Instant::now();
        let held = jobs.iter().filter_map(|job| {
            let (thing, intent) = job.doubt()?;
            Some((key(job, thing, &intent.name), Holder { job: job.id.clone(), since }))
        });
        Self(Mutex::new(held.collect()))
    }

    /// Takes a name for a job and says how long the job has had it; nothing while another job has it.
    ///
    /// Whoever had it for more than `spell` without letting go has ended or waits for a person, and no call of his can
    /// be carried out any more.
    #[must_use]
    pub fn take(&self, job: &Job, thing: Thing, name: &str, spell: Duration) -> Option<Duration> {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = || Holder { job: job.id.clone(), since: Instant::now() };
        let holder = names.entry(key(job, thing, name)).or_insert_with(mine);
        if holder.job != job.id && holder.since.elapsed() > spell {
            tracing::warn!(
                event = "name_freed",
                job_id = %job.id,
                "job {} kept the name `{name}` for {} s without a word of what came of it; job {} may use it now",
                holder.job,
                holder.since.elapsed().as_secs(),
                job.id
            );
            *holder = mine();
        }
        (holder.job == job.id).then(|| holder.since.elapsed())
    }

    /// A call goes out under the name: the time of holding it begins anew.
    pub fn renew(&self, job: &Job) {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names
            .values_mut()
            .filter(|holder| holder.job == job.id)
            .for_each(|holder| holder.since = Instant::now());
    }

    /// Lets go of all names of a job that has nothing in doubt.
    pub fn release(&self, job: &Job) {
        if job.doubt().is_none() {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, holder| holder.job != job.id);
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
