//! What can be asked of the queue and done to it; the daemon answers it over the socket, and a
//! command does it itself when no daemon runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::outbox::Receipt;
use crate::store::{Commit, Filter, Store, StoreError};
use dropship_job::{Event, Fault, Job, JobId, State, StateKind};

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What kind of refusal it is.
    pub kind: RefusalKind,
    /// What was refused, why, and what to do about it.
    pub message: String,
}

/// The kinds of refusals; each has an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// There is no such job.
    NotFound,
    /// It cannot be done where the job stands.
    Illegal,
    /// Whoever asks may not.
    NotPermitted,
    /// The configuration is at fault.
    Configuration,
    /// It was tried and went wrong.
    Failed,
}

impl Refusal {
    /// A refusal of a kind.
    pub fn new(kind: RefusalKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        let kind = if error.is_fatal() { RefusalKind::Failed } else { RefusalKind::Illegal };
        Self::new(kind, error.to_string())
    }
}

/// What an operator can do to a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act {
    /// Go on at the failed step, or judge a rejected package anew.
    Retry {
        /// Leave the burnt product behind and begin with a new one.
        new_product: bool,
    },
    /// End the job.
    Cancel,
    /// Let a held job go on, for the request with this digest if it is held for one.
    Approve {
        /// Digest of the request that was shown; absent: of the one that the job is held for now.
        request: Option<String>,
    },
}

/// Jobs that were asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Only those in this state.
    #[serde(default)]
    pub state: Option<StateKind>,
    /// Only those older than this one.
    #[serde(default)]
    pub before: Option<JobId>,
    /// At most so many; 0: all.
    #[serde(default)]
    pub limit: usize,
}

/// Who has a job in hand; a command without a daemon has none in hand.
pub trait Floor: Send + Sync {
    /// Is a worker at it?
    fn is_running(&self, id: &JobId) -> bool;
    /// Those that a worker is at.
    fn in_hand(&self) -> Vec<JobId> {
        Vec::new()
    }
    /// Something happened to a job.
    fn told(&self, job: &Job, events: &[Event]);
}

/// The office over a store.
#[derive(Clone)]
pub struct Office {
    store: Arc<dyn Store>,
    floor: Arc<dyn Floor>,
    sandbox: bool,
}

impl Office {
    /// An office over this store; `sandbox` when nothing goes to Microsoft.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, floor: Arc<dyn Floor>, sandbox: bool) -> Self {
        Self { store, floor, sandbox }
    }

    /// Jobs, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn jobs(&self, wanted: &Wanted) -> Result<Vec<Receipt>, Refusal> {
        let limit = if wanted.limit == 0 { usize::MAX } else { wanted.limit };
        // That a job is running is known to the daemon alone: the store has it as queued or waiting.
        let is_meant = |receipt: &Receipt| wanted.state.is_none_or(|state| state == receipt.state);
        if wanted.state == Some(StateKind::Running) {
            let mut ids = self.floor.in_hand();
            ids.retain(|id| wanted.before.as_ref().is_none_or(|before| id < before));
            ids.sort_by(|one, other| other.cmp(one));
            let jobs: Result<Vec<_>, _> =
                ids.iter().filter_map(|id| self.store.job(id).transpose()).collect();
            let receipts = jobs?.into_iter().map(|job| self.receipt(&job));
            return Ok(receipts.filter(is_meant).take(limit).collect());
        }
        let mut filter = Filter { state: wanted.state, before: wanted.before.clone(), limit: wanted.limit };
        let mut receipts = Vec::new();
        loop {
            let jobs = self.store.jobs(&filter)?;
            receipts.extend(jobs.iter().map(|job| self.receipt(job)).filter(is_meant));
            let Some(last) = jobs.last() else { return Ok(receipts) };
            // Those that run now stood in the way of others that are meant: look further.
            if jobs.len() < filter.limit || receipts.len() >= limit || filter.limit == 0 {
                return Ok(receipts);
            }
            filter.before = Some(last.id.clone());
            filter.limit = limit - receipts.len();
        }
    }

    /// One job with its story.
    ///
    /// # Errors
    /// When there is none, or the store cannot be read.
    pub fn show(&self, id: &JobId) -> Result<Receipt, Refusal> {
        let job = self.job(id)?;
        Ok(self.receipt(&job).with_story(&self.store.story(id)?))
    }

    /// The jobs of these bytes.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn find(&self, sha256: &str) -> Result<Vec<Receipt>, Refusal> {
        let ids = self.store.find_everywhere(sha256)?;
        let jobs: Result<Vec<_>, _> = ids.iter().filter_map(|id| self.store.job(id).transpose()).collect();
        Ok(jobs?.iter().map(|job| self.receipt(job)).collect())
    }

    /// How many jobs are in each state.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn counts(&self) -> Result<BTreeMap<StateKind, usize>, Refusal> {
        Ok(self.store.counts()?.into_iter().collect())
    }

    /// Everything that the store holds, one JSON object after the other.
    ///
    /// # Errors
    /// When the store cannot be read, or `each` fails.
    pub fn export(&self, each: &mut dyn FnMut(&[u8]) -> std::io::Result<()>) -> Result<(), Refusal> {
        Ok(self.store.export(&mut |exported| each(&serde_json::to_vec(&exported)?))?)
    }

    /// Does something to a job, in the name of somebody.
    ///
    /// # Errors
    /// When there is no such job, or it cannot be done where the job stands.
    pub async fn act(&self, id: &JobId, act: &Act, by: &str) -> Result<Receipt, Refusal> {
        loop {
            let job = self.job(id)?;
            // It may have ended by itself once its labels were withdrawn.
            if *act == Act::Cancel && job.state == State::Cancelled {
                return Ok(self.receipt(&job));
            }
            let event = event(&job, act, by)?;
            let commit = Commit::of_job(id, job.rev, vec![event.clone()]);
            match self.store.commit(commit).answer().await {
                Ok(jobs) => {
                    let job = jobs.into_iter().next().unwrap_or(job);
                    self.floor.told(&job, &[event]);
                    return Ok(self.receipt(&job));
                }
                // A worker was faster: what is asked for is judged by where the job stands now.
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn job(&self, id: &JobId) -> Result<Job, Refusal> {
        let found = self.store.job(id)?;
        found.ok_or_else(|| {
            Refusal::new(RefusalKind::NotFound, format!("there is no job {id}; `dropship jobs` lists them"))
        })
    }

    fn receipt(&self, job: &Job) -> Receipt {
        let mut receipt = Receipt::of(job, self.floor.is_running(&job.id));
        receipt.sandbox = self.sandbox;
        receipt
    }
}

/// The event that an act comes to.
fn event(job: &Job, act: &Act, by: &str) -> Result<Event, Refusal> {
    let illegal = |message: String| Err(Refusal::new(RefusalKind::Illegal, message));
    let by = by.to_owned();
    match act {
        Act::Retry { new_product } => {
            let burnt =
                matches!(&job.state, State::Failed { fault: Fault { kind, .. } } if kind == "signing-failed");
            if burnt && !new_product {
                return illegal(format!(
                    "Microsoft refused the submission of job {}, and its product is burnt; retry it with --new-product, \
                     or mend the package and drop it anew",
                    job.id
                ));
            }
            Ok(Event::Retried { by, new_product: *new_product })
        }
        Act::Cancel => Ok(Event::Cancelled { by }),
        Act::Approve { request } => match &job.state {
            State::Held { request: shown, .. } if request.is_some() && request != shown => illegal(format!(
                "job {} is held for another request now than the one that was shown; look at it with `dropship show {}`",
                job.id, job.id
            )),
            _ => Ok(Event::Approved { by }),
        },
    }
}

#[cfg(test)]
mod tests;
