//! The label step: create the shipping labels of the plan.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::publish;
use crate::pipeline::create::{Candidate, RemoteCreate, create, digest};
use crate::pipeline::driver_metadata;
use crate::pipeline::label_guard;
use crate::pipeline::lists::{self, ListOf};
use crate::pipeline::request_match::difference;
use crate::pipeline::results;
use crate::pipeline::service::Service;
use crate::pipeline::step_context::{StepContext, StepResult};
use crate::pipeline::supersede;
use dropship_hardware::{Error, LabelId, Listing, NewShippingLabel, ProductId, SubmissionId};
use dropship_job::{Creation, ErrorKind, Event, Fault, Job, Label, RemoteKind, WaitReason};
use dropship_rules::label::{self, LabelWarning};
use dropship_rules::plan::{LabelPlan, Plan};

/// Creates the labels that do not depend on others, then those that do.
pub(crate) async fn run<S: Service>(ctx: &mut StepContext<'_, S>) -> StepResult {
    let snapshot = ctx.plan_snapshot().await?;
    let (product, submission) = ctx.remote().await?;
    let taken_over = supersede::run(ctx).await?;
    let mut earliest = None;
    for (index, plan) in snapshot.plan.labels.iter().enumerate() {
        if ctx.job.labels().get(index).is_some_and(|label| label.creation.id().is_some()) {
            continue;
        }
        let freed = ctx.job.labels().get(index).is_some_and(|label| label.predecessor_waived);
        match not_before(&ctx.job, plan) {
            _ if freed => {}
            NotBefore::Now => {}
            NotBefore::Unpublished | NotBefore::Never(_) => {
                earliest = earliest.or(Some(Timestamp::MAX));
                continue;
            }
            NotBefore::Soaked(then) if then <= ctx.pipeline.clock.now() => {}
            NotBefore::Soaked(then) => {
                earliest = Some(earliest.map_or(then, |earliest: Timestamp| earliest.min(then)));
                continue;
            }
        }
        let (new, doubts) = request(ctx, plan).await?;
        let essence = match label::essence(plan, &new) {
            Ok(essence) => essence,
            Err(error) => {
                let message = format!("the request for label `{}` has no JSON form: {error}", plan.name);
                return ctx.hold(Fault::new(ErrorKind::Internal, message)).await;
            }
        };
        let limits = label_guard::check(ctx, index, &new).await?;
        check_approval(ctx, index, plan, &new, &digest(&essence), (&doubts, &limits)).await?;
        let begun = |job: &Job| job.labels().get(index).is_some_and(|label| label.creation != Creation::Open);
        let before = begun(&ctx.job);
        let call = Call {
            product,
            submission,
            index,
            moving_date: plan.go_live.is_some_and(|live| live.fixed().is_none()),
            essence,
            new,
        };
        let created = create(ctx, &call).await;
        if !before && begun(&ctx.job) {
            doubts.iter().for_each(|doubt| crate::observe::label_warning(&ctx.job, doubt));
        }
        created?;
    }
    match earliest {
        None => ctx.record(vec![Event::Labelled]).await,
        Some(then) if then == Timestamp::MAX => {
            publish::poll_labels(ctx).await?;
            hold_orphaned_labels(ctx, &snapshot.plan).await?;
            supersede::run(ctx).await?;
            ctx.report_overdue(ctx.pipeline.settings.overdue.publish).await?;
            ctx.poll_again(ctx.pipeline.settings.publish, WaitReason::Predecessors).await
        }
        Some(_) if !taken_over => {
            ctx.poll_again(ctx.pipeline.settings.publish, WaitReason::OlderLabels).await
        }
        Some(then) => {
            // Keep polling the labels that exist.
            publish::poll_labels(ctx).await?;
            let look = ctx.next_poll(ctx.pipeline.settings.publish);
            ctx.wait_until(then.min(look), WaitReason::Soak).await
        }
    }
}

/// When a label may be created.
enum NotBefore {
    /// At once.
    Now,
    /// After labels that it depends on are published.
    Unpublished,
    /// From this time on.
    Soaked(Timestamp),
    /// Never: it depends on the label with this name, which was withdrawn or failed.
    Never(String),
}

/// Holds the job when a label depends on one that will never be published.
async fn hold_orphaned_labels<S: Service>(ctx: &mut StepContext<'_, S>, plan: &Plan) -> StepResult {
    for (index, plan) in plan.labels.iter().enumerate() {
        let exists = ctx.job.labels().get(index).is_some_and(|label| label.creation.id().is_some());
        let NotBefore::Never(before) = not_before(&ctx.job, plan) else { continue };
        if exists || ctx.job.labels()[index].predecessor_waived {
            continue;
        }
        let message = format!(
            "label `{}` depends on `{before}`, which was withdrawn or failed and will never be published; approve to create it \
             anyway, or cancel the job",
            plan.name
        );
        let fault = Fault::new(ErrorKind::PredecessorLost, message);
        return ctx.suspend(Event::Held { fault, request: Some(Label::without(index)) }).await;
    }
    Ok(())
}

fn not_before(job: &Job, plan: &LabelPlan) -> NotBefore {
    let Some(after) = &plan.after else { return NotBefore::Now };
    let mut then = Timestamp::MIN;
    for name in &after.labels {
        let label = job.labels().iter().find(|label| label.name == *name);
        if label.is_some_and(Label::is_lost) {
            return NotBefore::Never(name.clone());
        }
        let Some(published) = label.and_then(|label| label.published) else { return NotBefore::Unpublished };
        let soak = SignedDuration::try_from(after.soak()).unwrap_or(SignedDuration::MAX);
        then = then.max(published.checked_add(soak).unwrap_or(Timestamp::MAX));
    }
    NotBefore::Soaked(then)
}

/// The request for a label, from its plan and the driver metadata, with warnings about it.
async fn request<S: Service>(
    ctx: &mut StepContext<'_, S>,
    plan: &LabelPlan,
) -> StepResult<(NewShippingLabel, Vec<LabelWarning>)> {
    let service = ctx.service().await?;
    driver_metadata::refresh(ctx, &service, plan).await?;
    let metadata = match results::driver_metadata(&ctx.pipeline.packages, &ctx.job).await {
        Ok(metadata) => metadata,
        Err(error) => {
            let message = format!(
                "cannot use the driver metadata {}: {error}; restore the file from a backup of the store, then approve",
                ctx.pipeline.packages.metadata(ctx.job.id()).display()
            );
            return ctx.hold(Fault::new(ErrorKind::MetadataLost, message)).await;
        }
    };
    let audiences = if plan.audiences.is_empty() {
        Listing::complete_of(Vec::new())
    } else {
        let attempts = ctx.job.attempts();
        match lists::accept(&service, ListOf::Account, attempts, service.audiences().await).await {
            Ok(audiences) => audiences,
            Err(error) => return ctx.on_list_error(ListOf::Account, error).await,
        }
    };
    match label::build(plan, &metadata, &audiences.items, ctx.pipeline.clock.now()) {
        Ok(new) => {
            let doubts = label::warnings(plan, &new, &metadata);
            Ok((new, doubts))
        }
        Err(problems) => {
            let reasons = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            let gap = audiences.incomplete.map(|why| format!("; the list of audiences is incomplete: {why}"));
            let message =
                format!("cannot create label `{}`: {reasons}{}", plan.name, gap.unwrap_or_default());
            let passed = problems.iter().all(|problem| problem.check == label::GO_LIVE_PASSED);
            let kind = if passed { ErrorKind::GoLivePassed } else { ErrorKind::LabelUnfit };
            ctx.hold(Fault::new(kind, message)).await
        }
    }
}

/// Holds a label with `hold`, or one that exceeds `limits`, until an operator has approved exactly this request.
async fn check_approval<S: Service>(
    ctx: &mut StepContext<'_, S>,
    index: usize,
    plan: &LabelPlan,
    new: &NewShippingLabel,
    shown: &str,
    (doubts, limits): (&[LabelWarning], &[String]),
) -> StepResult {
    let label = ctx.job.labels().get(index);
    if (!plan.hold && limits.is_empty()) || label.is_some_and(|label| label.creation.intent().is_some()) {
        return Ok(());
    }
    // The digest covers the whole request, so it does not matter with which label the approval is stored.
    if ctx.job.labels().iter().any(|label| label.approved.as_deref() == Some(shown)) {
        return Ok(());
    }
    let doubts: String =
        doubts.iter().map(|doubt| format!("; {} ({})", doubt.message, doubt.document)).collect();
    let reasons: String = limits.iter().map(|reason| format!("; {reason}")).collect();
    let date = new.publishing_specifications.as_ref().and_then(|how| how.go_live_date.as_deref());
    let date = match (date, plan.go_live.filter(|live| live.fixed().is_none())) {
        (Some(date), Some(rule)) => {
            format!("; it goes live on {date} (UTC) if approved today, since `go_live` is \"{rule}\"")
        }
        (Some(date), None) => format!("; it goes live on {date} (UTC)"),
        (None, _) => String::new(),
    };
    let text = serde_json::to_string(new).unwrap_or_else(|error| format!("no JSON form: {error}"));
    let message = format!(
        "label `{}` needs `dropship approve {} --request {shown}`{reasons}{date}{doubts}; request: {text}",
        plan.name,
        ctx.job.id()
    );
    let kind = if limits.is_empty() { ErrorKind::Approval } else { ErrorKind::Guard };
    let fault = Fault::new(kind, message);
    ctx.suspend(Event::Held { fault, request: Some(shown.to_owned()) }).await
}

struct Call {
    product: ProductId,
    submission: SubmissionId,
    index: usize,
    /// The go-live date depends on when the request is sent.
    moving_date: bool,
    /// What approvals and repetitions are bound to.
    essence: Value,
    new: NewShippingLabel,
}

impl<S: Service> RemoteCreate<S> for Call {
    fn kind(&self) -> RemoteKind {
        RemoteKind::Label(self.index)
    }

    fn name(&self) -> &str {
        &self.new.name
    }

    fn request(&self) -> Value {
        self.essence.clone()
    }

    async fn find(&self, service: &S) -> Result<Listing<Candidate>, Error> {
        let mut sent = self.essence.clone();
        if let Some(Value::Object(publishing)) = sent.get_mut("publishingSpecifications") {
            // Many responses omit this field (documentation of "Get shipping label data"). It follows from the two automatic
            // flags, which are compared.
            publishing.remove("manualAcquisition");
            // An earlier request was sent at another time, so the same rule gave it another date.
            if self.moving_date {
                publishing.remove("goLiveDate");
            }
        }
        let mut found = Vec::new();
        let labels = service.labels(self.product, self.submission).await?;
        for label in labels.items {
            if label.name != self.new.name {
                continue;
            }
            // The list of labels does not contain their targeting.
            let whole = service.label(self.product, self.submission, LabelId(label.id.0)).await?;
            let mismatch = difference(&sent, &serde_json::to_value(&whole).unwrap_or_default());
            found.push(Candidate { id: label.id.0, mismatch });
        }
        Ok(Listing { items: found, incomplete: labels.incomplete })
    }

    async fn make(&self, service: &S) -> Result<u64, Error> {
        service.create_label(self.product, self.submission, &self.new).await.map(|label| label.id.0)
    }
}
