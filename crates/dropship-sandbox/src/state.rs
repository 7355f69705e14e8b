//! What the sandbox holds: accounts, tokens, products, submissions, labels.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::sync::OnceCell;

use super::analysis::Analysis;
use super::ids::{Ids, seller_for};
use super::reply::Fail;

/// Everything but blobs.
#[derive(Debug)]
pub(super) struct World {
    pub(super) ids: Ids,
    pub(super) tokens: HashMap<String, Token>,
    pub(super) products: BTreeMap<u64, Product>,
    pub(super) preprod: BTreeMap<String, Preprod>,
    /// When each account made its last calls, for throttling.
    pub(super) calls: HashMap<String, VecDeque<Duration>>,
    /// How many creates were answered, by kind.
    pub(super) creates: HashMap<&'static str, u64>,
    /// Requests to the blob store that carried a bearer token.
    pub(super) leaked_bearers: u64,
    /// Requests that were throttled.
    pub(super) throttled: u64,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            ids: Ids::new(seed),
            tokens: HashMap::new(),
            products: BTreeMap::new(),
            preprod: BTreeMap::new(),
            calls: HashMap::new(),
            creates: HashMap::new(),
            leaked_bearers: 0,
            throttled: 0,
        }
    }

    /// A product of an account.
    pub(super) fn product(&mut self, account: &str, pid: u64) -> Result<&mut Product, Fail> {
        self.products
            .get_mut(&pid)
            .filter(|product| product.owner == account)
            .ok_or_else(|| Fail::not_found("Product not found"))
    }

    /// A submission of an account.
    pub(super) fn submission(&mut self, account: &str, pid: u64, sid: u64) -> Result<&mut Submission, Fail> {
        self.product(account, pid)?.submission(sid)
    }

    /// The submission that a blob belongs to.
    pub(super) fn submission_of_blob(&self, blob: &str) -> Option<(&Product, &Submission, BlobKind)> {
        self.products.values().find_map(|product| {
            product.submissions.values().find_map(|sub| sub.blobs.kind(blob).map(|kind| (product, sub, kind)))
        })
    }
}

/// A bearer token that was handed out.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) account: String,
    pub(super) expires: Timestamp,
}

/// A product.
#[derive(Debug)]
pub(super) struct Product {
    pub(super) id: u64,
    pub(super) shared_id: u64,
    pub(super) owner: String,
    /// The documented fields, as they were sent or by default.
    pub(super) fields: Map<String, Value>,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    /// Whence a product came that a partner shared.
    pub(super) origin: Option<Origin>,
    pub(super) read_only: bool,
    pub(super) inbox: bool,
    pub(super) submissions: BTreeMap<u64, Submission>,
}

impl Product {
    pub(super) fn submission(&mut self, sid: u64) -> Result<&mut Submission, Fail> {
        self.submissions.get_mut(&sid).ok_or_else(|| Fail::not_found("No submission found"))
    }

    /// A documented field that is a text.
    pub(super) fn text(&self, key: &str) -> &str {
        self.fields.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn is_attestation(&self) -> bool {
        self.text("testHarness").eq_ignore_ascii_case("attestation")
    }

    /// The operating system codes that a signature was asked for.
    pub(super) fn signatures(&self) -> Vec<String> {
        let list = self.fields.get("requestedSignatures").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    pub(super) fn seller(&self) -> u64 {
        seller_for(&self.owner)
    }
}

/// Where a shared product or submission came from.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub(super) publisher: u64,
    pub(super) product: u64,
    pub(super) submission: u64,
}

/// A submission.
#[derive(Debug)]
pub(super) struct Submission {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) derived: bool,
    pub(super) created: Timestamp,
    pub(super) blobs: Blobs,
    /// Working time of the commit.
    pub(super) committed: Option<Duration>,
    /// Working time at which a person let the manual review pass.
    pub(super) review_released: Option<Duration>,
    /// Working time at which publisher metadata was asked for.
    pub(super) metadata_asked: Option<Duration>,
    /// Whether the metadata appears only when asked for.
    pub(super) metadata_withheld: bool,
    /// What the uploaded package turned out to be; filled once, after the commit.
    pub(super) analysis: Arc<OnceCell<Arc<Analysis>>>,
    pub(super) labels: BTreeMap<u64, Label>,
}

/// The names of a submission's blobs.
#[derive(Debug, Clone)]
pub(super) struct Blobs {
    pub(super) initial: String,
    pub(super) signed: String,
    pub(super) metadata: String,
    pub(super) error: String,
    pub(super) shell: String,
}

/// What a blob of a submission is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlobKind {
    Initial,
    Signed,
    Metadata,
    Error,
    Shell,
}

impl Blobs {
    pub(super) fn new(ids: &mut Ids) -> Self {
        Self {
            initial: ids.guid(),
            signed: ids.guid(),
            metadata: ids.guid(),
            error: ids.guid(),
            shell: ids.guid(),
        }
    }

    pub(super) fn name(&self, kind: BlobKind) -> &str {
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
pub(super) struct Label {
    pub(super) id: u64,
    pub(super) created: Timestamp,
    /// The fields of the request, targeting apart.
    pub(super) fields: Map<String, Value>,
    pub(super) targeting: Map<String, Value>,
    /// Working time at which the current workflow began: the creation or the last edit.
    pub(super) began: Duration,
    /// Working time at which a person approved it.
    pub(super) approved: Option<Duration>,
    /// Working time at which a person ended the rollout.
    pub(super) rolled_out: Option<Duration>,
    /// Working time of the cancellation.
    pub(super) cancelled: Option<Duration>,
    /// Microsoft refused it.
    pub(super) refused: Option<Refusal>,
}

/// Why a label was refused.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    /// Working time.
    pub(super) at: Duration,
    pub(super) why: String,
    /// The blob that tells more.
    pub(super) report: String,
}

impl Label {
    pub(super) fn is_sharing(&self) -> bool {
        self.fields
            .get("destination")
            .and_then(Value::as_str)
            .is_some_and(|destination| destination.eq_ignore_ascii_case("anotherPartner"))
    }
}

/// A preproduction package.
#[derive(Debug)]
pub(super) struct Preprod {
    pub(super) id: String,
    pub(super) owner: String,
    pub(super) asset: String,
    pub(super) created: Timestamp,
    /// Working time of the upload.
    pub(super) began: Duration,
}
