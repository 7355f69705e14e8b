//! The objects of the sandbox: tokens, products, submissions, labels and preproduction packages.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::sync::OnceCell;

use crate::ids::{Ids, seller_for};
use crate::package::package_facts::PackageFacts;
use crate::quirks::Quirk;
use crate::reply::ErrorReply;

/// All objects except blobs.
#[derive(Debug)]
pub(crate) struct ServiceState {
    pub(crate) ids: Ids,
    pub(crate) tokens: HashMap<String, Token>,
    pub(crate) products: BTreeMap<u64, Product>,
    pub(crate) preprod: BTreeMap<String, Preprod>,
    /// When each account made its last calls, for throttling.
    pub(crate) calls: HashMap<String, VecDeque<Duration>>,
    /// Number of answered creates, by operation.
    pub(crate) creates: HashMap<&'static str, u64>,
    /// How often each quirk that depends on a count has been met, by its subject: an object, a blob, an operation.
    pub(crate) counts: HashMap<(Quirk, String), u32>,
    /// Requests to the blob store that carried a bearer token.
    pub(crate) leaked_bearers: u64,
    /// Requests that were throttled.
    pub(crate) throttled: u64,
}

impl ServiceState {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            ids: Ids::new(seed),
            tokens: HashMap::new(),
            products: BTreeMap::new(),
            preprod: BTreeMap::new(),
            calls: HashMap::new(),
            creates: HashMap::new(),
            counts: HashMap::new(),
            leaked_bearers: 0,
            throttled: 0,
        }
    }

    /// Counts a request that a quirk affects. Returns the number of such requests before it.
    pub(crate) fn count(&mut self, quirk: Quirk, subject: impl Into<String>) -> u32 {
        let count = self.counts.entry((quirk, subject.into())).or_default();
        *count += 1;
        *count - 1
    }

    /// A product of an account.
    pub(crate) fn product(&mut self, account: &str, pid: u64) -> Result<&mut Product, ErrorReply> {
        self.products
            .get_mut(&pid)
            .filter(|product| product.owner == account)
            .ok_or_else(|| ErrorReply::not_found("Product not found"))
    }

    /// A submission of an account.
    pub(crate) fn submission(
        &mut self,
        account: &str,
        pid: u64,
        sid: u64,
    ) -> Result<&mut Submission, ErrorReply> {
        self.product(account, pid)?.submission(sid)
    }

    /// The submission that a blob belongs to.
    pub(crate) fn submission_of_blob(&self, blob: &str) -> Option<(&Product, &Submission, BlobKind)> {
        self.products.values().find_map(|product| {
            product.submissions.values().find_map(|sub| sub.blobs.kind(blob).map(|kind| (product, sub, kind)))
        })
    }
}

/// A bearer token.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) account: String,
    pub(crate) expires: Timestamp,
}

/// A product.
#[derive(Debug)]
pub(crate) struct Product {
    pub(crate) id: u64,
    pub(crate) shared_id: u64,
    pub(crate) owner: String,
    /// The documented fields, as sent or with their defaults.
    pub(crate) fields: Map<String, Value>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    /// Origin of a product that a partner shared.
    pub(crate) origin: Option<SharingOrigin>,
    pub(crate) is_read_only: bool,
    pub(crate) is_inbox: bool,
    pub(crate) submissions: BTreeMap<u64, Submission>,
}

impl Product {
    pub(crate) fn submission(&mut self, sid: u64) -> Result<&mut Submission, ErrorReply> {
        self.submissions.get_mut(&sid).ok_or_else(|| ErrorReply::not_found("No submission found"))
    }

    /// A text field; empty if absent.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.fields.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn is_attestation(&self) -> bool {
        self.text("testHarness").eq_ignore_ascii_case("attestation")
    }

    /// Whether the service refuses derived submissions of the product.
    pub(crate) fn has_no_derived(&self) -> bool {
        let is_test_signed = self.fields.get("isTestSign").and_then(Value::as_bool) == Some(true);
        self.is_attestation() || is_test_signed || self.submissions.values().any(Submission::is_extension)
    }

    /// Operating system codes of the requested signatures.
    pub(crate) fn signatures(&self) -> Vec<String> {
        let list = self.fields.get("requestedSignatures").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    pub(crate) fn seller(&self) -> u64 {
        seller_for(&self.owner)
    }
}

/// Where a shared product or submission came from.
#[derive(Debug, Clone)]
pub(crate) struct SharingOrigin {
    pub(crate) publisher: u64,
    pub(crate) product: u64,
    pub(crate) submission: u64,
}

/// A submission.
#[derive(Debug)]
pub(crate) struct Submission {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) is_derived: bool,
    pub(crate) created: Timestamp,
    pub(crate) blobs: Blobs,
    /// Working time of the commit.
    pub(crate) committed: Option<Duration>,
    /// Working time at which the manual review was released.
    pub(crate) review_released: Option<Duration>,
    /// Working time at which publisher metadata were requested.
    pub(crate) metadata_asked: Option<Duration>,
    /// Whether the metadata appear only after a request.
    pub(crate) is_metadata_withheld: bool,
    /// Whether a test has made the metadata incomplete, or complete again.
    pub(crate) metadata_incomplete: Option<bool>,
    /// The analysis of the upload; set once, after the commit.
    pub(crate) facts: Arc<OnceCell<Arc<PackageFacts>>>,
    pub(crate) labels: BTreeMap<u64, Label>,
}

impl Submission {
    /// Whether the package has an extension INF.
    pub(crate) fn is_extension(&self) -> bool {
        self.facts
            .get()
            .is_some_and(|facts| facts.infs.iter().any(|package_inf| package_inf.inf.is_extension()))
    }
}

/// The names of a submission's blobs.
#[derive(Debug, Clone)]
pub(crate) struct Blobs {
    pub(crate) initial: String,
    pub(crate) signed: String,
    pub(crate) metadata: String,
    pub(crate) error: String,
    pub(crate) shell: String,
}

/// The kind of a blob of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlobKind {
    Initial,
    Signed,
    Metadata,
    Error,
    Shell,
}

impl Blobs {
    pub(crate) fn new(ids: &mut Ids) -> Self {
        Self {
            initial: ids.guid(),
            signed: ids.guid(),
            metadata: ids.guid(),
            error: ids.guid(),
            shell: ids.guid(),
        }
    }

    pub(crate) fn name(&self, kind: BlobKind) -> &str {
        match kind {
            BlobKind::Initial => &self.initial,
            BlobKind::Signed => &self.signed,
            BlobKind::Metadata => &self.metadata,
            BlobKind::Error => &self.error,
            BlobKind::Shell => &self.shell,
        }
    }

    fn kind(&self, name: &str) -> Option<BlobKind> {
        [BlobKind::Initial, BlobKind::Signed, BlobKind::Metadata, BlobKind::Error, BlobKind::Shell]
            .into_iter()
            .find(|kind| self.name(*kind) == name)
    }
}

/// A shipping label.
#[derive(Debug)]
pub(crate) struct Label {
    pub(crate) id: u64,
    pub(crate) created: Timestamp,
    /// The fields of the request except the targeting.
    pub(crate) fields: Map<String, Value>,
    pub(crate) targeting: Map<String, Value>,
    /// Working time at which the current workflow started: at the creation or the last update.
    pub(crate) began: Duration,
    /// Working time of the approval.
    pub(crate) approved: Option<Duration>,
    /// Working time of the end of the rollout.
    pub(crate) rolled_out: Option<Duration>,
    /// Working time of the cancellation.
    pub(crate) cancelled: Option<Duration>,
    /// The rejection by Microsoft.
    pub(crate) refused: Option<LabelRefusal>,
}

/// The rejection of a label.
#[derive(Debug, Clone)]
pub(crate) struct LabelRefusal {
    /// Working time of the rejection.
    pub(crate) at: Duration,
    pub(crate) why: String,
    /// Name of the blob with the error report.
    pub(crate) report: String,
}

impl Label {
    pub(crate) fn is_sharing(&self) -> bool {
        self.fields
            .get("destination")
            .and_then(Value::as_str)
            .is_some_and(|destination| destination.eq_ignore_ascii_case("anotherPartner"))
    }
}

/// A preproduction package.
#[derive(Debug)]
pub(crate) struct Preprod {
    pub(crate) id: String,
    pub(crate) owner: String,
    pub(crate) asset: String,
    pub(crate) created: Timestamp,
    /// Working time of the upload.
    pub(crate) began: Duration,
}
