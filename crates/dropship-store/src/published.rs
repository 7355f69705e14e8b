//! Labels that dropship made and saw published. They outlive their jobs: a label reaches devices for years.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use dropship_job::{JobId, RemoteId};

/// A published label: where it came from, and what it reaches as far as dropship knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedLabel {
    /// Its id.
    pub id: RemoteId,
    /// Its name.
    pub name: String,
    /// The job that made it. The job may be pruned.
    pub job: JobId,
    /// File name of the package.
    pub package: String,
    /// The rule.
    pub rule: String,
    /// The account.
    pub account: String,
    /// Id of the product.
    pub product: RemoteId,
    /// Id of the submission.
    pub submission: RemoteId,
    /// Names of its audiences; empty: it is for every machine that it targets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audiences: Vec<String>,
    /// When its publication was seen.
    pub published: Timestamp,
    /// Its go-live date. It reaches no device before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub go_live: Option<Timestamp>,
    /// Ids of older labels that gave up targets to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supersedes: Vec<RemoteId>,
    /// Ids of newer labels to which it gave up targets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub superseded_by: Vec<RemoteId>,
    /// Its other restrictions, in the form of the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<String>,
    /// Its series; `None` if it is not superseded and supersedes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<LabelSeries>,
    /// What it targets. Queries return it without its targets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<PublishedTarget>,
}

impl PublishedLabel {
    /// Its place in the order of publications.
    #[must_use]
    pub fn publication(&self) -> Publication {
        let at = Timestamp::from_millisecond(self.published.as_millisecond().max(0));
        Publication { at: at.unwrap_or(Timestamp::UNIX_EPOCH), label: self.id }
    }
}

/// The facts about a label that superseding needs: a label takes over targets from older labels of its series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelSeries {
    /// The series: the labels that one rule makes from one of its labels, in one account. In the form of the caller, without
    /// zero bytes.
    pub id: String,
    /// `DriverVer` versions: by bundle id, then by the INF's file name in lower case.
    pub versions: BTreeMap<String, BTreeMap<String, String>>,
    /// When its package arrived, if it takes over the targets of older labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes_over_since: Option<Timestamp>,
}

/// A hardware id of an INF on one operating system, which a label targets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PublishedTarget {
    /// The hardware id, as the label has it.
    pub hardware_id: String,
    /// OS code.
    pub os: String,
    /// Bundle id of the driver metadata.
    pub bundle: String,
    /// INF file name.
    pub inf: String,
    /// `DriverVer` version of the INF, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// The hardware id of a device, in lower case, and the OS code of its operating system.
pub type DeviceName<'a> = (&'a str, &'a str);

/// Which devices a query is about.
#[derive(Clone, Copy)]
pub struct DeviceQuery<'a> {
    /// Their hardware ids.
    pub hardware_ids: HardwareIds<'a>,
    /// Condition on their OS code.
    pub os: &'a dyn Fn(&str) -> bool,
}

/// Which hardware ids a query is about.
#[derive(Clone, Copy)]
pub enum HardwareIds<'a> {
    /// This hardware id, in any case.
    Exactly(&'a str),
    /// The hardware ids that begin with this text, in any case, and that fulfil the condition.
    Matching(&'a str, &'a dyn Fn(&str) -> bool),
}

/// The devices of a query. There can be many, so their names are in one text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Devices {
    /// The name of each: the hardware id in lower case, a zero byte, and the OS code.
    names: String,
    /// Where the name of each ends.
    ends: Vec<usize>,
    /// For each, an upper bound of the publications of its labels.
    newest: Vec<Publication>,
}

impl Devices {
    /// Adds a device. `newest` is an upper bound of the publications of its labels: it is the publication of the newest label, and
    /// stays the same when that label is withdrawn. The hardware id has no zero byte.
    pub(crate) fn add(&mut self, (hardware_id, os): DeviceName<'_>, newest: Publication) {
        for part in [hardware_id, "\0", os] {
            self.names.push_str(part);
        }
        self.ends.push(self.names.len());
        self.newest.push(newest);
    }

    /// The name of a device.
    pub(crate) fn name(&self, device: usize) -> Option<DeviceName<'_>> {
        let start = device.checked_sub(1).map_or(Some(0), |last| self.ends.get(last).copied())?;
        self.names.get(start..*self.ends.get(device)?)?.split_once('\0')
    }

    /// For each device, an upper bound of the publications of its labels.
    pub(crate) fn newest(&self) -> impl Iterator<Item = Publication> {
        self.newest.iter().copied()
    }
}

/// The publication of a label. They sort by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Publication {
    /// When it was seen, in whole milliseconds.
    pub at: Timestamp,
    /// The label.
    pub label: RemoteId,
}

/// When a published label was last compared with the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelCheck {
    /// Time of the comparison.
    pub at: Timestamp,
    /// Since when the service does not know the label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_since: Option<Timestamp>,
    /// An operator has changed the label with dropship since it was compared: a difference is expected.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub edited: bool,
}

impl LabelCheck {
    /// A label that was as expected at this time.
    #[must_use]
    pub fn passed(at: Timestamp) -> Self {
        Self { at, missing_since: None, edited: false }
    }
}
