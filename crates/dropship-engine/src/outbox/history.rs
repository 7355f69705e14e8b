//! The history of a job in `show`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use dropship_job::{Event, Job, Step, describe_history};
use dropship_store::HistoryEntry;

/// One event of the history: the stored event, its time, its step and its description.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryEvent {
    /// Name of the event.
    pub event: String,
    /// When it happened.
    pub at: Timestamp,
    /// The step of the job in which it happened.
    pub job_step: Step,
    /// The description.
    pub text: String,
    /// The fields of the stored event.
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

impl HistoryEvent {
    /// The history of a job, oldest event first.
    #[must_use]
    pub fn list(job: &Job, history: &[HistoryEntry]) -> Vec<Self> {
        let described = describe_history(job, history.iter().map(|entry| (entry.at, &entry.event)));
        let event = |(entry, described): (&HistoryEntry, dropship_job::DescribedEvent)| Self {
            event: entry.event.name().to_owned(),
            at: entry.at,
            job_step: described.step,
            text: described.text,
            fields: fields(&entry.event),
        };
        history.iter().zip(described).map(event).collect()
    }

    /// The stored event; absent if another version of dropship wrote it.
    #[must_use]
    pub fn stored(&self) -> Option<Event> {
        let mut fields = self.fields.clone();
        fields.insert("event".to_owned(), self.event.clone().into());
        serde_json::from_value(Value::Object(fields)).ok()
    }
}

fn fields(event: &Event) -> Map<String, Value> {
    match serde_json::to_value(event) {
        Ok(Value::Object(mut fields)) => {
            fields.remove("event");
            fields
        }
        // An event is an object with the field `event`.
        Ok(_) | Err(_) => Map::new(),
    }
}
