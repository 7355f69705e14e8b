//! A request for a label, computed from its plan, the driver metadata and the account's audiences, without a call.

use jiff::Timestamp;

use crate::digest;
use dropship_hardware::{Audience, DriverMetadata, NewShippingLabel};
use dropship_rules::label::{self, LabelProblem, LabelWarning};
use dropship_rules::plan::LabelPlan;

/// A request that can be sent now.
pub(crate) struct PreparedRequest {
    /// The request. Its go-live date is that of a request that is sent now.
    pub(crate) request: NewShippingLabel,
    /// Digest of the part of the request that approvals and repetitions are bound to.
    pub(crate) digest: String,
    /// Conditions that make Microsoft review the label.
    pub(crate) warnings: Vec<LabelWarning>,
    /// The audiences that the names of the plan were resolved with.
    pub(crate) audiences: Vec<Audience>,
}

/// Why there is no request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LabelRequestError {
    /// The plan, the metadata and the audiences do not fit together.
    #[error("{}", list(.0))]
    Problems(Vec<LabelProblem>),
    /// The request cannot be written as JSON.
    #[error("the request has no JSON form: {0}")]
    NoJson(String),
}

fn list(problems: &[LabelProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl PreparedRequest {
    /// The request that is sent at `now`.
    ///
    /// # Errors
    /// All problems of the label, or that the request has no JSON form.
    pub(crate) fn compute(
        plan: &LabelPlan,
        metadata: &DriverMetadata,
        audiences: &[Audience],
        now: Timestamp,
    ) -> Result<Self, LabelRequestError> {
        let request = label::build(plan, metadata, audiences, now).map_err(LabelRequestError::Problems)?;
        let warnings = label::warnings(plan, &request, metadata);
        let digest = digest::of_json(&label::essence(plan, &request));
        let digest = digest.map_err(|error| LabelRequestError::NoJson(error.to_string()))?;
        Ok(Self { digest, request, warnings, audiences: audiences.to_vec() })
    }
}
