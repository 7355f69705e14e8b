//! How long this account's submissions and labels took: what the looks at the next ones go by.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::odds::Odds;
use super::pace;
use crate::config::model::Pace;
use crate::store::{Entry, Store, StoreError};
use dropship_job::Job;

/// So many of the latest are remembered; older ones say little of how the service is now.
const MOST: usize = 64;
/// Flags that remember.
const FLAG: &str = "took/";

/// What is waited for at the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wait {
    /// The signature.
    Sign,
    /// The publishing of a label.
    Publish,
}

impl Wait {
    fn name(self) -> &'static str {
        match self {
            Self::Sign => "sign",
            Self::Publish => "publish",
        }
    }

    /// The delay in seconds that one look is worth: some 6 at the default pace of signatures, 100 at that of labels.
    fn worth(self, pace: Pace) -> f64 {
        pace.max.as_secs_f64()
            / match self {
                Self::Sign => 49.0,
                Self::Publish => 37.0,
            }
    }
}

/// Times that were taken, in milliseconds, by account, wait, and perhaps rule.
#[derive(Debug, Default)]
pub struct Learnt(Mutex<BTreeMap<String, VecDeque<u64>>>);

impl Learnt {
    /// What the store remembers; what cannot be read of it is learnt anew.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn remembered(store: &dyn Store) -> Result<Self, StoreError> {
        let flags = store.flags(FLAG)?.into_iter();
        let read = |value: &str| value.split(' ').filter_map(|time| time.parse().ok()).collect();
        Ok(Self(Mutex::new(flags.map(|(key, value)| (key, read(&value))).collect())))
    }

    /// The job has just been found to have what it waited for; the entries make last what that teaches.
    ///
    /// It came somewhere between this look and the one before; while nobody looked for long, nothing is learnt.
    pub(super) fn ended(&self, job: &Job, wait: Wait, pace: Pace, now: Timestamp) -> Vec<Entry> {
        let since = |then| Duration::try_from(now.duration_since(then)).unwrap_or_default();
        match job.last_polled.map(since) {
            Some(blind) if blind <= pace.far.saturating_mul(2) => {
                self.learn(job, wait, since(job.step_started).saturating_sub(blind / 2))
            }
            _ => Vec::new(),
        }
    }

    /// Learns how long something took; the entries make that last.
    fn learn(&self, job: &Job, wait: Wait, took: Duration) -> Vec<Entry> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let entries = keys(job, wait).into_iter().map(|key| {
            let times = all.entry(key.clone()).or_default();
            times.push_back(took);
            while times.len() > MOST {
                times.pop_front();
            }
            let value = times.iter().map(u64::to_string).collect::<Vec<_>>().join(" ");
            Entry::Setting { key, value: Some(value) }
        });
        entries.collect()
    }

    /// The time to the next look at what has been waited for so long, without the spread that keeps jobs apart.
    pub(super) fn next_look(&self, job: &Job, wait: Wait, pace: Pace, waited: Duration) -> Duration {
        match self.odds(job, wait) {
            Some(odds) => {
                let next = odds.next_look(pace, wait.worth(pace), waited);
                // What is refused is mostly refused early, and the odds are those of what went well.
                if waited < pace.max { next.min(pace.max) } else { next }
            }
            None => pace::rooted(pace, waited),
        }
    }

    /// After others of the job's rule; after all of the account while those are too few.
    fn odds(&self, job: &Job, wait: Wait) -> Option<Odds> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = |times: &VecDeque<u64>| times.iter().map(|time| *time as f64 / 1e3).collect::<Vec<_>>();
        keys(job, wait).iter().find_map(|key| Odds::of(&seconds(all.get(key)?)))
    }
}

/// Where the times of a job belong: with those of its rule, and of its account.
fn keys(job: &Job, wait: Wait) -> [String; 2] {
    let account = format!("{FLAG}{}/{}", job.account.as_deref().unwrap_or_default(), wait.name());
    [format!("{account}/{}", job.rule.as_deref().unwrap_or_default()), account]
}

#[cfg(test)]
#[path = "learnt/tests.rs"]
mod tests;
