//! The objects that exist at the fake service, and their JSON forms.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::crash_points::Call;
use super::fake_service::{Fault, PROCESSING_TIME};
use crate::digest;
use dropship_job::RemoteId;

/// A submission at the service.
#[derive(Debug, Clone)]
pub(super) struct RemoteSubmission {
    pub(super) product: RemoteId,
    pub(super) name: String,
    pub(super) kind: Value,
    pub(super) at: Instant,
    /// SHA-256 of the uploaded package.
    pub(super) uploaded: Option<String>,
    pub(super) committed: Option<Instant>,
    pub(super) will_fail: bool,
}

/// A product or a label at the service.
#[derive(Debug, Clone)]
pub(super) struct RemoteObject {
    /// The submission, for a label.
    pub(super) submission: Option<RemoteId>,
    pub(super) name: String,
    pub(super) body: Value,
    pub(super) at: Instant,
    /// Withdrawn by an operator.
    pub(super) is_cancelled: bool,
    /// Microsoft refuses it after its processing.
    pub(super) is_refused: bool,
}

#[derive(Default)]
pub(super) struct ServiceState {
    pub(super) last_id: u64,
    pub(super) products: BTreeMap<RemoteId, RemoteObject>,
    pub(super) submissions: BTreeMap<RemoteId, RemoteSubmission>,
    pub(super) labels: BTreeMap<RemoteId, RemoteObject>,
    /// Scripted faults, by call.
    pub(super) script: BTreeMap<Call, VecDeque<Fault>>,
    /// What the next read of a submission finds: an earlier daemon, unknown to the store, has uploaded this package and
    /// committed.
    pub(super) committed_before: Option<Vec<u8>>,
    /// Uploaded packages, by submission.
    pub(super) packages: BTreeMap<RemoteId, Vec<u8>>,
    /// How many of the next commits end with a failed submission.
    pub(super) refusals: u32,
    /// Whether the list of products ends with an error.
    pub(super) cut_product_list: bool,
    /// How many of the next labels are refused.
    pub(super) label_refusals: u32,
    /// The bytes of the signed package.
    pub(super) signed: Vec<u8>,
    /// `DriverVer` of uploaded packages, by SHA-256, where it is not the default.
    pub(super) versions: BTreeMap<String, &'static str>,
}

impl ServiceState {
    pub(super) fn next_id(&mut self) -> RemoteId {
        self.last_id += 1;
        RemoteId::new(self.last_id)
    }

    /// Uploads and commits as the script says that an earlier daemon has done.
    pub(super) fn commit_as_before(&mut self, id: RemoteId, now: Instant) {
        let Some(sent) = self.submissions.get_mut(&id) else { return };
        let Some(package) = self.committed_before.take() else { return };
        sent.uploaded = Some(digest::of(&package));
        sent.committed = Some(now);
        sent.will_fail = self.refusals > 0;
        self.refusals = self.refusals.saturating_sub(1);
        self.packages.insert(id, package);
    }

    pub(super) fn submission_json(
        &self,
        id: RemoteId,
        sent: &RemoteSubmission,
        now: Instant,
        with_details: bool,
    ) -> Value {
        let committed = sent.committed.filter(|at| *at <= now);
        let mut shown = json!({"id": id, "productId": sent.product, "name": sent.name, "type": sent.kind,
            "commitStatus": if committed.is_some() { "commitComplete" } else { "commitPending" }});
        if !with_details {
            return shown;
        }
        let url = |kind: &str| format!("https://blob.fake/{id}/{kind}");
        let item = |kind: &str| json!({"type": kind, "url": url(kind)});
        let mut items = vec![item("initialPackage")];
        if let Some(at) = committed {
            let is_done = now.duration_since(at) >= PROCESSING_TIME;
            let (step, state) = match (is_done, sent.will_fail) {
                (false, _) => ("scanning", "started"),
                (true, false) => ("finalizeIngestion", "completed"),
                (true, true) => ("signing", "failed"),
            };
            shown["workflowStatus"] = json!({"currentStep": step, "state": state, "messages": []});
            if is_done && !sent.will_fail {
                items.extend([item("signedPackage"), item("driverMetadata"), item("certificationReport")]);
            }
        }
        shown["downloads"] = json!({ "items": items });
        shown
    }

    pub(super) fn label_json(
        &self,
        id: RemoteId,
        object: &RemoteObject,
        now: Instant,
        with_details: bool,
    ) -> Value {
        let mut shown = object.body.clone();
        shown["id"] = json!(id);
        shown["submissionId"] = json!(object.submission);
        let is_done = now.duration_since(object.at) >= PROCESSING_TIME;
        let (step, state) = match is_done {
            _ if object.is_cancelled => ("publishing", "failed"),
            true if object.is_refused => ("microsoftApproval", "failed"),
            true => ("finalizePublishing", "completed"),
            false => ("publishing", "started"),
        };
        shown["workflowStatus"] = json!({"currentStep": step, "state": state, "messages": []});
        if !with_details {
            shown["targeting"] = Value::Null;
        }
        shown
    }
}
