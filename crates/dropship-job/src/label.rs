//! A shipping label of a job.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::remote::Creation;

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
    /// Number of hardware ids that were removed from older labels because it targets them too.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub taken_over: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
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
            taken_over: 0,
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
    pub(crate) fn freed_by(request: &str) -> Option<usize> {
        request.strip_prefix(WITHOUT)?.parse().ok()
    }
}
