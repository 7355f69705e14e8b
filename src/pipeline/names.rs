//! Creates of one name in one account go one at a time: of two lost answers nobody could tell whose a find is.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use dropship_job::{Job, JobId, LateDuplicateCheck, RemoteKind};

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
            let (kind, intent) = job.doubt()?;
            Some((key(job, kind, &intent.name), Holder { job: job.id.clone(), since }))
        });
        Self(Mutex::new(held.collect()))
    }

    /// Takes a name for a job and says how long the job has had it; nothing while another job has it.
    ///
    /// Whoever had it for more than `spell` without letting go has ended or waits for a person, and no call of his can
    /// be carried out any more.
    #[must_use]
    pub fn take(&self, job: &Job, kind: RemoteKind, name: &str, spell: Duration) -> Option<Duration> {
        self.take_key(job, key(job, kind, name), name, spell)
    }

    /// The same for a name that a create of the job bore before, where that would be.
    #[must_use]
    pub fn take_again(&self, job: &Job, check: &LateDuplicateCheck, spell: Duration) -> Option<Duration> {
        let place = (check.product, check.submission);
        self.take_key(job, key_at(job, place, check.kind, &check.name), &check.name, spell)
    }

    fn take_key(&self, job: &Job, key: String, name: &str, spell: Duration) -> Option<Duration> {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = || Holder { job: job.id.clone(), since: Instant::now() };
        let holder = names.entry(key).or_insert_with(mine);
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

    /// Lets go of all names of a job that has nothing in doubt, or was looked for after its end.
    pub fn release(&self, job: &Job) {
        if job.doubt().is_none() || job.is_over() {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, holder| holder.job != job.id);
        }
    }
}

/// What a name has to be unique in: products in an account, submissions in a product, labels in a submission.
fn key(job: &Job, kind: RemoteKind, name: &str) -> String {
    key_at(job, (job.product.id(), job.submission.id()), kind, name)
}

fn key_at(job: &Job, place: (Option<u64>, Option<u64>), kind: RemoteKind, name: &str) -> String {
    let account = job.account.as_deref().unwrap_or_default();
    let (product, submission) = (place.0.unwrap_or(0), place.1.unwrap_or(0));
    match kind {
        RemoteKind::Product => format!("{account}/{name}"),
        RemoteKind::Submission => format!("{account}/{product}/{name}"),
        RemoteKind::Label(_) => format!("{account}/{product}/{submission}/{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dropship_job::{Event, Fault, Intent, Package, fold};

    const SPELL: Duration = Duration::from_secs(600);

    /// A job that was ended while its product was in doubt.
    fn ended(number: u32) -> Job {
        let package = Package {
            name: "a.cab".into(),
            path: None,
            folder: None,
            sha256: number.to_string(),
            size: 1,
            outbox: String::new(),
        };
        let at = jiff::Timestamp::UNIX_EPOCH;
        let accepted = Event::Accepted {
            rule: "r".into(),
            account: "a".into(),
            plan: String::new(),
            labels: Vec::new(),
            warnings: Vec::new(),
            vars: BTreeMap::default(),
        };
        let intent = Intent {
            name: "n".into(),
            request: String::new(),
            existing_ids: Vec::new(),
            may_complete_until: at,
            first_called: None,
            not_found_count: 0,
            reissued: 0,
            duplicate_check_at: None,
        };
        let intended = Event::Intended { kind: RemoteKind::Product, intent };
        let failed = Event::Failed { fault: Fault::new("x", "x") };
        let events = [Event::Arrived { package }, accepted, intended, failed];
        fold(&JobId::new(1, number), events.iter().map(|event| (at, event))).expect("legal").expect("a job")
    }

    #[tokio::test(start_paused = true)]
    async fn an_ended_job_keeps_its_name_until_it_was_looked_for() {
        let (names, mut one, other) = (Names::default(), ended(1), ended(2));
        assert!(names.take(&one, RemoteKind::Product, "n", SPELL).is_some());
        names.release(&one);
        assert!(
            names.take(&other, RemoteKind::Product, "n", SPELL).is_none(),
            "what it called for may still come"
        );
        one.duplicate_checks.clear();
        names.release(&one);
        assert!(names.take(&other, RemoteKind::Product, "n", SPELL).is_some());
    }

    #[test]
    fn the_name_of_a_ghost_is_that_of_its_own_place() {
        let (names, mut one, other) = (Names::default(), ended(1), ended(2));
        let mut check = one.duplicate_checks[0].clone();
        (check.kind, check.product) = (RemoteKind::Submission, Some(7));
        // The job has gone on with another product since.
        one.product = dropship_job::Creation::Done { id: 8 };
        assert!(names.take_again(&one, &check, SPELL).is_some());
        assert!(names.take_again(&other, &check, SPELL).is_none());
        check.product = Some(8);
        assert!(names.take_again(&other, &check, SPELL).is_some());
    }
}
