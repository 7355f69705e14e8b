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
pub fn raised(label: RemoteId, drift: &UnacknowledgedDrift) -> Option<Entry> {
    let value = serde_json::to_string(drift).ok()?;
    Some(Entry::Setting { key: key(label), value: Some(value) })
}

/// The entry that removes the change of a label from the list.
#[must_use]
pub fn lowered(label: RemoteId) -> Entry {
    Entry::Setting { key: key(label), value: None }
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
