//! One package on its way.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::JobId;
use super::package::{Asset, Package};
use super::remote::{Creation, Intent, LateDuplicateCheck, RemoteKind};
use super::state::{Fault, State};
use super::step::Step;

/// A label of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// Its name, as the plan renders it.
    pub name: String,
    /// How far its create has come.
    pub creation: Creation,
    /// The service's step, as last seen.
    pub step: Option<String>,
    /// The service's state of that step, as last seen.
    pub state: Option<String>,
    /// When it was seen to have reached its good end.
    pub published: Option<Timestamp>,
    /// A person let it go out, for the request with this digest.
    pub approved: Option<String>,
    /// A person let it go out though the label that it follows will never be published.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub predecessor_waived: bool,
    /// When the service agreed to withdraw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Timestamp>,
    /// When nothing was left to be removed from older labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded: Option<Timestamp>,
}

/// What a hold asks an approval for, when a label follows one that will never be published.
const WITHOUT: &str = "without:";

impl Label {
    /// A label of which no more is known than this.
    #[must_use]
    pub fn named(name: &str, creation: Creation) -> Self {
        Self {
            name: name.to_owned(),
            creation,
            step: None,
            state: None,
            published: None,
            approved: None,
            predecessor_waived: false,
            withdrawn: None,
            superseded: None,
        }
    }

    /// The service gave it up, or withdrew it: it will never be published.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        let failed = self.state.as_ref().is_some_and(|state| state.eq_ignore_ascii_case("failed"));
        self.withdrawn.is_some() || (failed && self.published.is_none())
    }

    /// What a hold asks an approval for, so that the label at this place goes out without the one before it.
    #[must_use]
    pub fn without(index: usize) -> String {
        format!("{WITHOUT}{index}")
    }

    /// The place of the label that such an approval is for.
    pub(super) fn freed_by(request: &str) -> Option<usize> {
        request.strip_prefix(WITHOUT)?.parse().ok()
    }
}

/// How far the commit has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Commit {
    /// Not called yet.
    #[default]
    Open,
    /// Perhaps called.
    Intended,
    /// The service has it.
    Done,
}

/// Everything that is known of one job: the fold of its events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Events so far.
    pub rev: u64,
    /// When the package came in.
    pub created: Timestamp,
    /// When something last happened.
    pub updated: Timestamp,
    /// What was dropped.
    pub package: Package,
    /// The package is let in; its copy is in the store.
    pub accepted: bool,
    /// The rule that is for it.
    pub rule: Option<String>,
    /// The account that it is sent with.
    pub account: Option<String>,
    /// Digest of its plan.
    pub plan: Option<String>,
    /// What inspection and rules warned of.
    pub warnings: Vec<String>,
    /// What its sidecar set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vars: BTreeMap<String, String>,
    /// Where it stands.
    pub step: Step,
    /// How it stands there.
    pub state: State,
    /// Its product.
    pub product: Creation,
    /// Products of earlier tries, burnt by a failed submission.
    pub abandoned_products: Vec<String>,
    /// Its submission.
    pub submission: Creation,
    /// The package is at the upload URL.
    pub uploaded: bool,
    /// How far the commit has come.
    pub commit: Commit,
    /// The service's step and state of the submission, as last seen.
    pub workflow: Option<(String, String)>,
    /// Results in the outbox.
    pub files: Vec<Asset>,
    /// Its labels, in the order of the rule.
    pub labels: Vec<Label>,
    /// Failed attempts at this step.
    pub attempts: u32,
    /// When this step began.
    pub step_started: Timestamp,
    /// What went wrong last; gone once the step is done.
    pub fault: Option<Fault>,
    /// When the results came back; what a go-live offset counts from.
    #[serde(default)]
    pub collected: Option<Timestamp>,
    /// When it was looked last, in this step, at what is waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_polled: Option<Timestamp>,
    /// Somebody was told that this step takes unusually long.
    #[serde(default)]
    pub overdue: bool,
    /// Creates that may turn out to have twins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub duplicate_checks: Vec<LateDuplicateCheck>,
}

impl Job {
    /// How far the create of a thing has come.
    #[must_use]
    pub fn creation(&self, kind: RemoteKind) -> Option<&Creation> {
        match kind {
            RemoteKind::Product => Some(&self.product),
            RemoteKind::Submission => Some(&self.submission),
            RemoteKind::Label(index) => self.labels.get(index).map(|label| &label.creation),
        }
    }

    /// The create that is in doubt, if one is.
    #[must_use]
    pub fn doubt(&self) -> Option<(RemoteKind, &Intent)> {
        let labels =
            self.labels.iter().enumerate().map(|(at, label)| (RemoteKind::Label(at), &label.creation));
        [(RemoteKind::Product, &self.product), (RemoteKind::Submission, &self.submission)]
            .into_iter()
            .chain(labels)
            .find_map(|(kind, creation)| creation.intent().map(|intent| (kind, intent)))
    }

    /// When to look for what came late of creates that got no answer, whatever else becomes of the job.
    #[must_use]
    pub fn duplicate_check_due(&self) -> Option<Timestamp> {
        self.duplicate_checks.iter().map(|check| check.due).min()
    }

    /// It has ended, and nothing that it called for can come late.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.state.has_ended() && self.duplicate_checks.is_empty()
    }

    /// When it is due, if it waits for a time.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        match self.state {
            State::Waiting { due, .. } => Some(due),
            _ => None,
        }
    }

    /// The first 8 characters of the package's digest.
    #[must_use]
    pub fn short_sha(&self) -> &str {
        self.package.sha256.get(..8).unwrap_or(&self.package.sha256)
    }
}
