//! Submissions: one package each, initial or derived.

use std::ops::Deref;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use dropship_redact::{SafeUrl, mask};

use super::open::open_enum;
use super::status::State;
use super::{Link, ProductId, SubmissionId, Unknown, WorkflowStatus, link, wire};

open_enum! {
    /// Kind of a submission; `type` on the wire.
    pub enum SubmissionKind {
        /// The first and only full package of a product.
        Initial = "initial",
        /// A driver update acceptable (DUA) package on top of the initial one.
        Derived = "derived",
    }
}

open_enum! {
    /// Whether a submission was handed over for processing.
    pub enum CommitStatus {
        /// Not committed.
        Pending = "commitPending",
        /// Committed.
        Received = "commitReceived",
        /// Committed, being ingested; from older documentation.
        Started = "commitStarted",
        /// Committed and ingested.
        Complete = "commitComplete",
        /// The commit failed for good.
        Failed = "commitFailed",
    }
}

open_enum! {
    /// Kind of a download.
    pub enum DownloadKind {
        /// The package that was uploaded; before the commit, the slot to upload to.
        InitialPackage = "initialPackage",
        /// The shell for derived submissions.
        DerivedPackage = "derivedPackage",
        /// The package that Microsoft signed.
        SignedPackage = "signedPackage",
        /// The certification report.
        CertificationReport = "certificationReport",
        /// Hardware ids of the package, for shipping labels.
        DriverMetadata = "driverMetadata",
        /// Notes.
        ExternalNotes = "ExternalNotes",
        /// The service itself does not know.
        Unknown = "Unknown",
    }
}

/// Maximum length of a package that is downloaded, in bytes: far more than the service accepts.
pub(crate) const MAX_PACKAGE: u64 = 64 * 1024 * 1024 * 1024;
/// Maximum length of an error report in bytes.
pub const MAX_ERROR_REPORT: u64 = 16 * 1024 * 1024;

impl DownloadKind {
    /// Maximum length of such a file in bytes. Driver metadata is read into memory.
    #[must_use]
    pub fn max_bytes(&self) -> u64 {
        match self {
            Self::InitialPackage | Self::DerivedPackage | Self::SignedPackage => MAX_PACKAGE,
            Self::DriverMetadata => 32 * 1024 * 1024,
            _ => 256 * 1024 * 1024,
        }
    }
}

/// Request for a new submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewSubmission {
    /// Name; it shows in the dashboard.
    pub name: String,
    /// Initial or derived.
    #[serde(rename = "type")]
    pub kind: SubmissionKind,
}

/// The part of a submission that can be changed: its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmissionUpdate {
    /// The new name.
    pub name: String,
}

/// A submission as the service shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Submission {
    /// Its id.
    pub id: SubmissionId,
    /// Its product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<ProductId>,
    /// Name.
    #[serde(default, deserialize_with = "wire::text")]
    pub name: String,
    /// Initial or derived.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<SubmissionKind>,
    /// Absent in some answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit_status: Option<CommitStatus>,
    /// Only when one submission is asked for; absent right after the commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow_status: Option<WorkflowStatus>,
    /// Only when one submission is asked for; may be absent in the answer to a create.
    #[serde(default, deserialize_with = "wire::or_default", skip_serializing_if = "Downloads::is_nothing")]
    pub downloads: Downloads,
    /// Whether the package is an extension driver.
    #[serde(default, deserialize_with = "wire::opt_bool", skip_serializing_if = "Option::is_none")]
    pub is_extension_inf: Option<bool>,
    /// Whether it passed the universal API test.
    #[serde(default, deserialize_with = "wire::opt_bool", skip_serializing_if = "Option::is_none")]
    pub is_universal: Option<bool>,
    /// Whether it passed the declarative INF test.
    #[serde(default, deserialize_with = "wire::opt_bool", skip_serializing_if = "Option::is_none")]
    pub is_declarative_inf: Option<bool>,
    /// An upload slot in the form of an older version of the API.
    #[serde(default, with = "wire::opt_url", skip_serializing_if = "Option::is_none")]
    pub file_upload_url: Option<SafeUrl>,
    /// Hints.
    #[serde(default, deserialize_with = "wire::list")]
    pub links: Vec<Link>,
    /// Fields without a documented name.
    #[serde(flatten)]
    pub other: Unknown,
}

impl Submission {
    /// URL of a download: among the downloads, or in a link of that relation.
    #[must_use]
    pub fn download(&self, kind: &DownloadKind) -> Option<SafeUrl> {
        let item = self.downloads.iter().find(|item| item.kind == *kind);
        item.map(|item| item.url.clone())
            .or_else(|| SafeUrl::parse(&link::find(&self.links, kind.as_str())?.href).ok())
    }

    /// The text, masked, that the service sent as the URL of a download and that is not a URL; `None` if it sent none.
    #[must_use]
    pub fn unusable_download(&self, kind: &DownloadKind) -> Option<&str> {
        if self.download(kind).is_some() {
            return None;
        }
        self.downloads.unusable.iter().find(|item| item.kind == *kind).map(|item| item.url.as_str())
    }

    /// Whether the service lists a download without a URL: null, empty or absent.
    #[must_use]
    pub fn lists_without_url(&self, kind: &DownloadKind) -> bool {
        !self.offers(kind) && self.downloads.without_url.contains(kind)
    }

    /// Whether a download is offered, also when its URL cannot be used.
    #[must_use]
    pub fn offers(&self, kind: &DownloadKind) -> bool {
        self.download(kind).is_some() || self.unusable_download(kind).is_some()
    }

    /// URL that the package is uploaded to, for initial and derived submissions alike.
    #[must_use]
    pub fn upload_url(&self) -> Option<SafeUrl> {
        self.download(&DownloadKind::InitialPackage).or_else(|| self.file_upload_url.clone())
    }

    /// Whether a commit has certainly been carried out: a status past pending, or a workflow.
    #[must_use]
    pub fn is_committed(&self) -> bool {
        match &self.commit_status {
            Some(CommitStatus::Pending) => false,
            Some(CommitStatus::Received | CommitStatus::Started | CommitStatus::Complete) => true,
            Some(CommitStatus::Failed) => false,
            _ => self
                .workflow_status
                .as_ref()
                .is_some_and(|status| status.state.is_some() && status.state != Some(State::NotStarted)),
        }
    }
}

/// `downloads` of a submission; reads like a slice of its items.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, from = "RawDownloads")]
pub struct Downloads {
    /// The files that can be downloaded.
    pub items: Vec<Download>,
    /// The items whose URL cannot be used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unusable: Vec<UnusableDownload>,
    /// The types of the items whose URL is null, empty or absent.
    #[serde(skip)]
    pub without_url: Vec<DownloadKind>,
    /// Messages of the service about them.
    pub messages: Vec<String>,
    /// Fields without a documented name.
    #[serde(flatten)]
    pub other: Unknown,
}

impl Downloads {
    fn is_nothing(&self) -> bool {
        self.items.is_empty() && self.unusable.is_empty() && self.messages.is_empty() && self.other.is_empty()
    }
}

impl Deref for Downloads {
    type Target = [Download];

    fn deref(&self) -> &[Download] {
        &self.items
    }
}

/// A file that can be downloaded, or the slot to upload to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Download {
    /// Its kind; `type` on the wire.
    #[serde(rename = "type")]
    pub kind: DownloadKind,
    /// Its URL; written without the signature.
    #[serde(serialize_with = "shown")]
    pub url: SafeUrl,
}

fn shown<S: serde::Serializer>(url: &SafeUrl, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(url)
}

/// An item whose URL cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnusableDownload {
    /// Its kind; `type` on the wire.
    #[serde(rename = "type")]
    pub kind: DownloadKind,
    /// The text that the service sent, masked.
    pub url: String,
}

/// `downloads` as the service sends them.
#[derive(Default, Deserialize)]
#[serde(default)]
struct RawDownloads {
    #[serde(deserialize_with = "wire::readable")]
    items: Vec<RawDownload>,
    #[serde(deserialize_with = "wire::messages")]
    messages: Vec<String>,
    #[serde(flatten)]
    other: Unknown,
}

#[derive(Deserialize)]
struct RawDownload {
    #[serde(rename = "type", default, deserialize_with = "wire::lenient")]
    kind: Option<DownloadKind>,
    #[serde(default)]
    url: Value,
}

impl From<RawDownloads> for Downloads {
    fn from(raw: RawDownloads) -> Self {
        let mut downloads = Self { messages: raw.messages, other: raw.other, ..Self::default() };
        for RawDownload { kind, url } in raw.items {
            let kind = kind.unwrap_or(DownloadKind::Unknown);
            let text = match url {
                Value::Null => {
                    downloads.without_url.push(kind);
                    continue;
                }
                Value::String(text) if text.trim().is_empty() => {
                    downloads.without_url.push(kind);
                    continue;
                }
                Value::String(text) => text,
                other => other.to_string(),
            };
            match SafeUrl::parse(&text) {
                Ok(url) => downloads.items.push(Download { kind, url }),
                Err(_) => downloads.unusable.push(UnusableDownload { kind, url: mask(&text) }),
            }
        }
        downloads
    }
}
