//! Changes of published labels that dropship did not make and that no operator has acknowledged: the store has a list of them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use dropship_job::{JobId, RemoteId};
use dropship_store::{Entry, Store, StoreError};

/// Prefix of the settings in the store; the id of the label follows.
const PREFIX: &str = "drift/";

/// A change that needs attention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnacknowledgedDrift {
    /// The job of the label.
    pub job: JobId,
    /// Name of the label.
    pub label: String,
    /// Completes a sentence whose subject is the label.
    pub what: String,
    /// When the change was seen.
    pub at: Timestamp,
}

/// The entry that adds a change to the list.
#[must_use]
pub fn added_entry(label: RemoteId, drift: &UnacknowledgedDrift) -> Option<Entry> {
    let value = serde_json::to_string(drift).ok()?;
    Some(Entry::Setting { key: key(label), value: Some(value) })
}

/// The entry that removes the change of a label from the list.
#[must_use]
pub fn removal_entry(label: RemoteId) -> Entry {
    Entry::Setting { key: key(label), value: None }
}

/// The entries that remove the changes of the labels of these jobs from the list.
///
/// # Errors
/// When the store cannot be read.
pub fn removal_entries(store: &dyn Store, jobs: &[JobId]) -> Result<Vec<Entry>, StoreError> {
    let of_jobs = all(store)?.into_iter().filter(|(_, drift)| jobs.contains(&drift.job));
    Ok(of_jobs.map(|(label, _)| removal_entry(label)).collect())
}

/// The list, with the id of each label.
///
/// # Errors
/// When the store cannot be read.
pub fn all(store: &dyn Store) -> Result<Vec<(RemoteId, UnacknowledgedDrift)>, StoreError> {
    let settings = store.settings(PREFIX)?;
    let drifts = settings.iter().filter_map(|(key, value)| {
        Some((key.strip_prefix(PREFIX)?.parse().ok()?, serde_json::from_str(value).ok()?))
    });
    Ok(drifts.collect())
}

fn key(label: RemoteId) -> String {
    format!("{PREFIX}{label}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use dropship_store::{Commit, MemoryStore};

    fn commit(store: &dyn Store, entries: Vec<Entry>) {
        store.commit(Commit::new(entries)).wait().expect("committed");
    }

    #[test]
    fn changes_of_forgotten_jobs_leave_the_store() {
        let store = MemoryStore::new();
        let (kept, forgotten_job) = (JobId::new(1, 1), JobId::new(2, 2));
        for (label, job) in [(5, &kept), (6, &forgotten_job), (7, &forgotten_job)] {
            let drift = UnacknowledgedDrift {
                job: job.clone(),
                label: "ring".to_owned(),
                what: "has expired".to_owned(),
                at: Timestamp::UNIX_EPOCH,
            };
            commit(&store, added_entry(RemoteId::new(label), &drift).into_iter().collect());
        }
        let entries = removal_entries(&store, &[forgotten_job]).expect("read");
        assert_eq!(entries.len(), 2);
        commit(&store, entries);
        let left = all(&store).expect("read");
        assert_eq!(left.iter().map(|(_, drift)| &drift.job).collect::<Vec<_>>(), [&kept]);
    }
}
