//! Changes that an operator makes to a label with `dropship api`. They are recorded in the job that created the label.

use serde::{Deserialize, Serialize};

use dropship_job::{Event, RemoteId};

/// A change of a label that the service has accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum LabelChange {
    /// The label was cancelled.
    Withdrawn,
    /// The label's targeting was updated.
    Edited {
        /// Body of the request, as JSON.
        update: String,
    },
}

impl LabelChange {
    /// The event for the job's history; `label` is the index of the label in the job, `id` its id.
    #[must_use]
    pub fn event(self, label: usize, id: RemoteId, by: &str) -> Event {
        let by = by.to_owned();
        match self {
            Self::Withdrawn => Event::Withdrawn { label, id, by },
            Self::Edited { update } => Event::Edited { label, by, update },
        }
    }
}
