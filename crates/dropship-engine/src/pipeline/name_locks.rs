//! Serialises creates that use the same name in the same account. If two such requests both lost their responses, the
//! object found later could not be attributed to either.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use dropship_job::{Job, JobId, LateDuplicateCheck, RemoteId, RemoteKind};

/// Names in use by a create, with the job that holds them.
#[derive(Debug, Default)]
pub(super) struct NameLocks(Mutex<BTreeMap<NameKey, NameHolder>>);

#[derive(Debug, Clone)]
struct NameHolder {
    job: JobId,
    /// Monotonic.
    since: Instant,
}

impl NameLocks {
    /// The names whose create was in doubt when the daemon ended.
    #[must_use]
    pub(super) fn of(jobs: &[Job]) -> Self {
        let since = Instant::now();
        let held = jobs.iter().flat_map(|job| {
            job.doubts().map(move |(kind, intent)| {
                (key(job, kind, &intent.name), NameHolder { job: job.id().clone(), since })
            })
        });
        Self(Mutex::new(held.collect()))
    }

    /// Locks a name for a job; returns how long the job has held it, or `None` while another job holds it.
    ///
    /// A holder older than `stale_after` has ended or is held for an operator. Its request can no longer take effect, so the
    /// lock is taken over.
    #[must_use]
    pub(super) fn acquire(
        &self,
        job: &Job,
        kind: RemoteKind,
        name: &str,
        stale_after: Duration,
    ) -> Option<Duration> {
        self.acquire_key(job, key(job, kind, name), name, stale_after)
    }

    /// The same for the name of a duplicate check, at the place of its create.
    #[must_use]
    pub(super) fn acquire_for_check(
        &self,
        job: &Job,
        check: &LateDuplicateCheck,
        stale_after: Duration,
    ) -> Option<Duration> {
        let parent = (check.product, check.submission);
        self.acquire_key(job, key_at(job, parent, check.kind, &check.name), &check.name, stale_after)
    }

    fn acquire_key(&self, job: &Job, key: NameKey, name: &str, stale_after: Duration) -> Option<Duration> {
        let mut names = self.0.lock();
        let new_holder = || NameHolder { job: job.id().clone(), since: Instant::now() };
        let holder = names.entry(key).or_insert_with(new_holder);
        if holder.job != *job.id() && holder.since.elapsed() > stale_after {
            tracing::warn!(
                event = "name_lock_taken_over",
                job_id = %job.id(),
                "job {} has held the name `{name}` for {} s without a result; job {} takes it over",
                holder.job,
                holder.since.elapsed().as_secs(),
                job.id()
            );
            *holder = new_holder();
        }
        (holder.job == *job.id()).then(|| holder.since.elapsed())
    }

    /// Restarts the age of the locks of a job, since a call is about to be sent.
    pub(super) fn renew(&self, job: &Job) {
        let mut names = self.0.lock();
        names
            .values_mut()
            .filter(|holder| holder.job == *job.id())
            .for_each(|holder| holder.since = Instant::now());
    }

    /// Releases the names of a job unless a create is in doubt. An ended job keeps its names until its duplicate checks are
    /// done.
    pub(super) fn release(&self, job: &Job) {
        let is_done = job.state().has_ended() && job.duplicate_checks().is_empty();
        if job.doubt().is_none() || is_done {
            self.0.lock().retain(|_, holder| holder.job != *job.id());
        }
    }
}

/// Names are unique among the products of an account, the submissions of a product, the labels of a submission.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct NameKey {
    account: Option<String>,
    product: Option<RemoteId>,
    submission: Option<RemoteId>,
    name: String,
}

fn key(job: &Job, kind: RemoteKind, name: &str) -> NameKey {
    key_at(job, (job.product().id(), job.submission().id()), kind, name)
}

fn key_at(job: &Job, parent: (Option<RemoteId>, Option<RemoteId>), kind: RemoteKind, name: &str) -> NameKey {
    let (product, submission) = match kind {
        RemoteKind::Product => (None, None),
        RemoteKind::Submission => (parent.0, None),
        RemoteKind::Label(_) => parent,
    };
    NameKey { account: job.account().map(str::to_owned), product, submission, name: name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dropship_job::testing::{JobBuilder, at};
    use dropship_job::{ErrorKind, Event, Fault};

    const STALE_AFTER: Duration = Duration::from_secs(600);

    /// A job that failed while its product was in doubt.
    fn ended(number: u32) -> JobBuilder {
        JobBuilder::new("in", number)
            .intended(RemoteKind::Product, "n", at(0))
            .event(Event::Failed { fault: Fault::new(ErrorKind::Internal, "x") })
    }

    #[tokio::test(start_paused = true)]
    async fn ended_job_keeps_its_name_until_the_duplicate_check() {
        let (names, builder) = (NameLocks::default(), ended(1));
        let (one, other) = (builder.build().expect("a job"), ended(2).build().expect("a job"));
        assert!(names.acquire(&one, RemoteKind::Product, "n", STALE_AFTER).is_some());
        names.release(&one);
        assert!(
            names.acquire(&other, RemoteKind::Product, "n", STALE_AFTER).is_none(),
            "its create may still take effect"
        );
        let checked = Event::DuplicatesChecked {
            kind: RemoteKind::Product,
            ids: Vec::new(),
            unproven: Vec::new(),
            next: None,
        };
        names.release(&builder.event(checked).build().expect("a job"));
        assert!(names.acquire(&other, RemoteKind::Product, "n", STALE_AFTER).is_some());
    }

    #[test]
    fn name_of_a_check_is_that_of_its_own_product() {
        let (names, builder) = (NameLocks::default(), ended(1));
        let mut check = builder.build().expect("a job").duplicate_checks()[0].clone();
        (check.kind, check.product) = (RemoteKind::Submission, Some(RemoteId::new(7)));
        // The job has continued with another product since.
        let found =
            Event::Created { kind: RemoteKind::Product, id: RemoteId::new(8), adopted: true, go_live: None };
        let (one, other) = (builder.event(found).build().expect("a job"), ended(2).build().expect("a job"));
        assert!(names.acquire_for_check(&one, &check, STALE_AFTER).is_some());
        assert!(names.acquire_for_check(&other, &check, STALE_AFTER).is_none());
        check.product = Some(RemoteId::new(8));
        assert!(names.acquire_for_check(&other, &check, STALE_AFTER).is_some());
    }
}
