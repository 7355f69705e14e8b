//! What exists at the service in a test's hands, and how it shows it.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::cloud::{Fault, TAKES};
use super::points::Call;

/// A submission at the service.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) product: u64,
    pub(super) name: String,
    pub(super) kind: Value,
    pub(super) at: Instant,
    /// SHA-256 of what was uploaded.
    pub(super) uploaded: Option<String>,
    pub(super) committed: Option<Instant>,
    pub(super) fails: bool,
}

/// A product or a label at the service.
#[derive(Debug, Clone)]
pub(super) struct Made {
    /// The submission, for a label.
    pub(super) of: u64,
    pub(super) name: String,
    pub(super) body: Value,
    pub(super) at: Instant,
    /// Withdrawn by a person.
    pub(super) cancelled: bool,
}

#[derive(Default)]
pub(super) struct Sky {
    pub(super) last_id: u64,
    pub(super) products: BTreeMap<u64, Made>,
    pub(super) submissions: BTreeMap<u64, Sent>,
    pub(super) labels: BTreeMap<u64, Made>,
    /// Scripted faults, by call.
    pub(super) script: BTreeMap<Call, VecDeque<Fault>>,
    /// The next so many commits end in a refusal by Microsoft.
    pub(super) refusals: u32,
    /// What the signed package holds.
    pub(super) signed: Vec<u8>,
    /// `DriverVer` of what was uploaded, by its SHA-256, where it is not the usual one.
    pub(super) versions: BTreeMap<String, &'static str>,
}

impl Sky {
    pub(super) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub(super) fn shown(&self, id: u64, sent: &Sent, now: Instant, whole: bool) -> Value {
        let committed = sent.committed.filter(|at| *at <= now);
        let mut shown = json!({"id": id, "productId": sent.product, "name": sent.name, "type": sent.kind,
            "commitStatus": if committed.is_some() { "commitComplete" } else { "commitPending" }});
        if !whole {
            return shown;
        }
        let url = |kind: &str| format!("https://blob.double/{id}/{kind}");
        let item = |kind: &str| json!({"type": kind, "url": url(kind)});
        let mut items = vec![item("initialPackage")];
        if let Some(at) = committed {
            let done = now.duration_since(at) >= TAKES;
            let (step, state) = match (done, sent.fails) {
                (false, _) => ("scanning", "started"),
                (true, false) => ("finalizeIngestion", "completed"),
                (true, true) => ("signing", "failed"),
            };
            shown["workflowStatus"] = json!({"currentStep": step, "state": state, "messages": []});
            if done && !sent.fails {
                items.extend([item("signedPackage"), item("driverMetadata"), item("certificationReport")]);
            }
        }
        shown["downloads"] = json!({ "items": items });
        shown
    }

    pub(super) fn label(&self, id: u64, made: &Made, now: Instant, whole: bool) -> Value {
        let mut shown = made.body.clone();
        shown["id"] = json!(id);
        shown["submissionId"] = json!(made.of);
        let done = now.duration_since(made.at) >= TAKES;
        let (step, state) = match done {
            _ if made.cancelled => ("publishing", "failed"),
            true => ("finalizePublishing", "completed"),
            false => ("publishing", "started"),
        };
        shown["workflowStatus"] = json!({"currentStep": step, "state": state, "messages": []});
        if !whole {
            shown["targeting"] = Value::Null;
        }
        shown
    }
}
