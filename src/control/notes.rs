//! What a person did to a label past the daemon, for the job that made it.

use serde::{Deserialize, Serialize};

use dropship_job::Event;

/// What was done to a label by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "note", rename_all = "snake_case")]
pub enum Note {
    /// The service was asked to withdraw it, and agreed.
    Withdrawn,
    /// The service was asked for this change of its targeting, and agreed.
    Edited {
        /// The request.
        update: String,
    },
}

impl Note {
    /// What happened to the job's label at this place.
    #[must_use]
    pub fn event(self, label: usize, by: &str) -> Event {
        let by = by.to_owned();
        match self {
            Self::Withdrawn => Event::Withdrawn { label, by },
            Self::Edited { update } => Event::Edited { label, by, update },
        }
    }
}
