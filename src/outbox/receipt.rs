//! The receipt: what became of one package, in the form that scripts read.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::store::Told;
use dropship_job::{Asset, Fault, Job, JobId, StateKind, Step};

/// One job as `jobs --json`, `show --json` and `receipt.json` show it. Remote ids are strings: they pass 2^53.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// Id of the job.
    pub id: JobId,
    /// File name of the package.
    pub package: String,
    /// Where it was found.
    pub path: Option<String>,
    /// SHA-256 of its bytes, lower-case hex.
    pub sha256: String,
    /// Length in bytes.
    pub size: u64,
    /// Name of the folder that it was found in.
    pub folder: Option<String>,
    /// Name of the rule that is for it.
    pub rule: Option<String>,
    /// Name of the account that it is sent with.
    #[serde(default)]
    pub account: Option<String>,
    /// The package is let in; the dropped file is no longer needed.
    pub accepted: bool,
    /// Its state; [`StateKind::Running`] while a worker has it.
    pub state: StateKind,
    /// Its step.
    pub step: Step,
    /// Id of its product.
    pub product_id: Option<String>,
    /// Id of its submission.
    pub submission_id: Option<String>,
    /// The service's step and state of the submission, as last seen.
    #[serde(default)]
    pub workflow: Option<Workflow>,
    /// Its labels.
    pub labels: Vec<LabelReceipt>,
    /// Results in the outbox folder.
    pub files: Vec<Asset>,
    /// Failed attempts at this step.
    pub attempts: u32,
    /// When it is worked on again, if it waits for a time.
    pub due: Option<Timestamp>,
    /// What it waits for, if it waits for a time.
    #[serde(default)]
    pub waits_for: Option<String>,
    /// What went wrong.
    pub error: Option<Fault>,
    /// What inspection and rules warned of.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// What the package's sidecar set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vars: BTreeMap<String, String>,
    /// The outbox folder.
    pub outbox: String,
    /// Products of earlier tries, burnt by a failed submission.
    #[serde(default)]
    pub burnt_products: Vec<String>,
    /// When the package came in.
    pub created: Timestamp,
    /// When something last happened.
    pub updated: Timestamp,
    /// It never went to Microsoft, but to the stand-in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sandbox: bool,
    /// Its story, where asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<Value>>,
}

/// The service's own words on how far something is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workflow {
    /// Its step.
    pub step: String,
    /// Its state of that step.
    pub state: String,
}

/// One label of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelReceipt {
    /// Its name.
    pub name: String,
    /// Its id, once it exists.
    pub id: Option<String>,
    /// The service's state of its step, as last seen.
    pub state: Option<String>,
    /// The service's step, as last seen.
    pub step: Option<String>,
}

impl Receipt {
    /// The receipt of a job; `running` when a worker has it in hand.
    #[must_use]
    pub fn of(job: &Job, running: bool) -> Self {
        let state = if running && !job.state.has_ended() { StateKind::Running } else { job.state.kind() };
        let text = |id: Option<u64>| id.map(|id| id.to_string());
        let waits_for = match &job.state {
            dropship_job::State::Waiting { why, .. } => Some(why.clone()),
            _ => None,
        };
        let labels = job.labels.iter().map(|label| LabelReceipt {
            name: label.name.clone(),
            id: text(label.creation.id()),
            state: label.state.clone(),
            step: label.step.clone(),
        });
        Self {
            id: job.id.clone(),
            package: job.package.name.clone(),
            path: job.package.path.clone(),
            sha256: job.package.sha256.clone(),
            size: job.package.size,
            folder: job.package.folder.clone(),
            rule: job.rule.clone(),
            account: job.account.clone(),
            accepted: job.accepted,
            state,
            step: job.step,
            product_id: text(job.product.id()),
            submission_id: text(job.submission.id()),
            workflow: job.workflow.clone().map(|(step, state)| Workflow { step, state }),
            labels: labels.collect(),
            files: job.files.clone(),
            attempts: job.attempts,
            due: job.due(),
            waits_for,
            error: job.state.fault().or(job.fault.as_ref()).cloned(),
            warnings: job.warnings.clone(),
            vars: job.vars.clone(),
            outbox: job.package.outbox.clone(),
            burnt_products: job.abandoned_products.clone(),
            created: job.created,
            updated: job.updated,
            sandbox: false,
            events: None,
        }
    }

    /// With the job's story.
    #[must_use]
    pub fn with_story(mut self, story: &[Told]) -> Self {
        let tell = |told: &Told| {
            let mut value = serde_json::to_value(&told.event).unwrap_or_default();
            if let Value::Object(map) = &mut value {
                map.insert("at".to_owned(), Value::String(told.at.to_string()));
            }
            value
        };
        self.events = Some(story.iter().map(tell).collect());
        self
    }
}
