//! The create of a label, for the machinery that creates objects exactly once.

use jiff::Timestamp;
use serde_json::Value;

use super::prepared::PreparedRequest;
use super::request;
use super::{checks, predecessors};
use crate::pipeline::lists;
use crate::pipeline::remote_create::{Candidate, RemoteCreate};
use crate::pipeline::request_match::difference;
use crate::pipeline::service::Service;
use crate::pipeline::step_context::{StepContext, StepResult};
use crate::service_id::ServiceId;
use dropship_hardware::{Error, Listing, ProductId, ShippingLabel, SubmissionId};
use dropship_job::{RemoteId, RemoteKind};
use dropship_rules::label::LabelWarning;
use dropship_rules::plan::LabelPlan;
use dropship_rules::schedule::GoLive;

/// The create of the label at an index.
pub(super) struct LabelCreate {
    parent: (ProductId, SubmissionId),
    index: usize,
    plan: LabelPlan,
    prepared: PreparedRequest,
}

impl LabelCreate {
    /// The create with a prepared request.
    pub(super) fn new(
        parent: (ProductId, SubmissionId),
        index: usize,
        plan: &LabelPlan,
        prepared: PreparedRequest,
    ) -> Self {
        Self { parent, index, plan: plan.clone(), prepared }
    }

    /// Conditions that make Microsoft review the label.
    pub(super) fn warnings(&self) -> &[LabelWarning] {
        &self.prepared.warnings
    }

    /// Whether the go-live date depends on when the request is sent.
    fn has_moving_date(&self) -> bool {
        self.plan.go_live.is_some_and(|live| live.fixed().is_none())
    }

    /// The request as far as an object of this create has to equal it.
    fn comparable(&self) -> serde_json::Result<Value> {
        let mut sent = self.without_moving_date(serde_json::to_value(&self.prepared.request)?);
        if let Some(Value::Object(publishing)) = sent.get_mut("publishingSpecifications") {
            // Many responses omit this field (documentation of "Get shipping label data"). It follows from the two automatic
            // flags, which are compared.
            publishing.remove("manualAcquisition");
        }
        Ok(sent)
    }

    /// A label without the date that depends on the time of its request: an earlier request was sent at another time, so the
    /// same rule gave it another date.
    fn without_moving_date(&self, mut label: Value) -> Value {
        if let Some(Value::Object(publishing)) = label.get_mut("publishingSpecifications")
            && self.has_moving_date()
        {
            publishing.remove("goLiveDate");
        }
        label
    }
}

/// The go-live date of a label.
pub(crate) fn go_live(publishing: Option<&dropship_hardware::PublishingSpecifications>) -> Option<Timestamp> {
    let text = publishing?.go_live_date.as_deref()?;
    // A date without a zone is UTC.
    text.parse().ok().or_else(|| format!("{text}Z").parse().ok())
}

/// The go-live date of a label at the service.
pub(crate) fn go_live_of(label: &ShippingLabel) -> Option<Timestamp> {
    go_live(label.publishing_specifications.as_ref())
}

impl<S: Service> RemoteCreate<S> for LabelCreate {
    fn kind(&self) -> RemoteKind {
        RemoteKind::Label(self.index)
    }

    fn name(&self) -> &str {
        &self.prepared.request.name
    }

    fn digest(&self) -> &str {
        &self.prepared.digest
    }

    fn request(&self) -> serde_json::Result<Value> {
        serde_json::to_value(&self.prepared.request)
    }

    fn go_live(&self) -> Option<Timestamp> {
        go_live(self.prepared.request.publishing_specifications.as_ref())
    }

    async fn confirm(&self, ctx: &mut StepContext<'_, S>, service: &S) -> StepResult {
        let label = ctx.job.labels().get(self.index);
        if label.is_some_and(|label| label.intent().is_some()) {
            // Sent again: rule and `[guard]` may have changed since the first time.
            checks::readiness(ctx, self.index).await?;
            checks::approval(ctx, self.index, &self.plan, &self.prepared).await?;
        }
        // A create in doubt is searched for whatever its date is, but not sent again after it.
        let fixed = self.plan.go_live.and_then(GoLive::fixed);
        if let Some(date) = fixed.filter(|date| *date <= ctx.pipeline.clock.now()) {
            return ctx.hold(request::go_live_passed(&ctx.job, &self.prepared.request.name, date)).await;
        }
        predecessors::confirm(ctx, service, self.index).await
    }

    async fn find(&self, service: &S) -> Result<Listing<Candidate>, Error> {
        let (product, submission) = self.parent;
        let comparable = self.comparable();
        let mut found = Vec::new();
        let labels = service.labels(product, submission).await?;
        for label in labels.items {
            if label.name != self.prepared.request.name {
                continue;
            }
            // The list of labels does not contain their targeting.
            let full_label = service.label(product, submission, label.id).await?;
            let mismatch = match (&comparable, serde_json::to_value(&full_label)) {
                (Ok(comparable), Ok(shown)) => difference(comparable, &self.without_moving_date(shown)),
                (Err(error), _) => Some(format!("it cannot be compared: {error}")),
                (_, Err(error)) => Some(format!("it cannot be compared: {error}")),
            };
            found.push(Candidate { id: label.id.remote(), mismatch, go_live: go_live_of(&full_label) });
        }
        Ok(Listing { items: found, incomplete: labels.incomplete })
    }

    async fn existing_ids(&self, service: &S, attempts: u32) -> Result<Listing<RemoteId>, Error> {
        let (product, submission) = self.parent;
        let read = service.labels(product, submission).await;
        let of = <Self as RemoteCreate<S>>::list_of(self);
        let all = lists::accept(service, of, attempts, read).await?;
        let named = all.items.iter().filter(|label| label.name == self.prepared.request.name);
        Ok(Listing { items: named.map(|label| label.id.remote()).collect(), incomplete: all.incomplete })
    }

    async fn send(&self, service: &S) -> Result<RemoteId, Error> {
        let (product, submission) = self.parent;
        service.create_label(product, submission, &self.prepared.request).await.map(|label| label.id.remote())
    }
}
