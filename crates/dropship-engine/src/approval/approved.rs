//! What an approval has approved.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::approvals::Approvals;
use super::page::ApprovalPage;
use dropship_job::Job;
use dropship_redact::Escaped;

/// What an approval has approved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Approved {
    /// Name of the label; null when the job was held as a whole.
    pub label: Option<String>,
    /// Digest of the request, if the approval is bound to one.
    pub request: Option<String>,
    /// Whether it acknowledges that the published label has changed, and releases nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub acknowledged: bool,
    /// The approvals so far, if other operators have to approve it too; absent once it is released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvals: Option<Approvals>,
    /// The request, as `show` presented it before the approval; absent if the approval is not bound to a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presented: Option<Box<ApprovalPage>>,
}

impl Approved {
    /// The result of an approval of the label at an index, or of the whole job; `job` is its state after it.
    #[must_use]
    pub fn of(job: &Job, index: Option<usize>, label: Option<&str>, request: Option<&str>) -> Self {
        let hold = index.and_then(|index| job.labels().get(index)?.hold());
        // Without an approval it is another hold, that a worker has added since.
        let hold = hold.filter(|hold| !hold.approvals.is_empty() && hold.request() == request);
        Self {
            label: label.map(str::to_owned),
            request: request.map(str::to_owned),
            acknowledged: false,
            approvals: hold.map(Approvals::of),
            presented: None,
        }
    }

    /// The result of an approval that acknowledges the change of a published label.
    #[must_use]
    pub fn acknowledged(label: &str) -> Self {
        let label = Some(label.to_owned());
        Self { label, request: None, acknowledged: true, approvals: None, presented: None }
    }

    /// Adds the page of the approved label, if it is among these.
    #[must_use]
    pub fn with_page_of(self, pages: Vec<ApprovalPage>) -> Self {
        let is_of =
            |page: &ApprovalPage| Some(&page.label) == self.label.as_ref() && page.request == self.request;
        let presented = pages.into_iter().find(is_of).map(Box::new);
        Self { presented, ..self }
    }
}

impl fmt::Display for Approved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.acknowledged {
            let label = self.label.as_deref().unwrap_or_default();
            return write!(f, "acknowledged the change of label `{}`", Escaped(label));
        }
        match (&self.label, &self.request) {
            (Some(label), Some(request)) => {
                write!(f, "approved label `{}`, request {request}", Escaped(label))
            }
            (Some(label), None) => write!(f, "approved label `{}`", Escaped(label)),
            (None, _) => write!(f, "approved the job"),
        }?;
        match &self.approvals {
            Some(Approvals { needed, given }) => write!(
                f,
                "\napproval {} of {needed}: the label is held until another operator approves the same request",
                given.len()
            ),
            None => Ok(()),
        }
    }
}
