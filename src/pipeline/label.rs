//! The label step: create the shipping labels that the rule asks for.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::create::{Creatable, Found, create, digest};
use super::hand::{Go, Hand};
use super::likeness::difference;
use super::service::Service;
use super::{publish, supersede};
use crate::outbox::METADATA;
use dropship_hardware::{DriverMetadata, Error, LabelId, NewShippingLabel, ProductId, SubmissionId};
use dropship_job::{Creation, Event, Fault, Job, Label, RemoteKind};
use dropship_rules::label::{self, LabelWarning};
use dropship_rules::plan::{LabelPlan, Plan};

/// Creates the labels that nothing stands before, then those that follow others.
pub(super) async fn run<S: Service>(hand: &mut Hand<'_, S>) -> Go {
    let dossier = hand.dossier().await?;
    let (product, submission) = hand.remote().await?;
    let taken_over = supersede::run(hand).await?;
    let mut earliest = None;
    for (index, plan) in dossier.plan.labels.iter().enumerate() {
        if hand.job.labels.get(index).is_some_and(|label| label.creation.id().is_some()) {
            continue;
        }
        // A go-live offset counts from here on, however long an approval takes.
        let freed = hand.job.labels.get(index).is_some_and(|label| label.predecessor_waived);
        let begins = match not_before(&hand.job, plan) {
            _ if freed => hand.job.collected.unwrap_or(hand.job.step_started),
            NotBefore::Now => hand.job.collected.unwrap_or(hand.job.step_started),
            NotBefore::Unpublished | NotBefore::Never(_) => {
                earliest = earliest.or(Some(Timestamp::MAX));
                continue;
            }
            NotBefore::Soaked(then) if then <= hand.context.clock.now() => then,
            NotBefore::Soaked(then) => {
                earliest = Some(earliest.map_or(then, |earliest: Timestamp| earliest.min(then)));
                continue;
            }
        };
        let (new, doubts) = request(hand, plan, begins).await?;
        approved(hand, index, plan, &new, &doubts).await?;
        let begun = |job: &Job| job.labels.get(index).is_some_and(|label| label.creation != Creation::Open);
        let before = begun(&hand.job);
        let created = create(hand, &Call { product, submission, index, new }).await;
        if !before && begun(&hand.job) {
            doubts.iter().for_each(|doubt| crate::observe::label_doubted(&hand.job, doubt));
        }
        created?;
    }
    match earliest {
        None => hand.record(vec![Event::Labelled]).await,
        Some(then) if then == Timestamp::MAX => {
            publish::look_at_all(hand).await?;
            hold_what_waits_in_vain(hand, &dossier.plan).await?;
            supersede::run(hand).await?;
            hand.look_again(hand.context.settings.publish, "the labels that others follow to be published")
                .await
        }
        Some(_) if !taken_over => {
            hand.look_again(hand.context.settings.publish, "older labels to take changes again").await
        }
        Some(then) => {
            // The others are followed meanwhile.
            publish::look_at_all(hand).await?;
            let look = hand.next_look(hand.context.settings.publish);
            hand.wait_until(then.min(look), "the time between two labels to pass").await
        }
    }
}

/// When a label may be created.
enum NotBefore {
    /// At once.
    Now,
    /// Once labels that it follows are published, which they are not.
    Unpublished,
    /// Then.
    Soaked(Timestamp),
    /// Never: the label of that name, which it follows, was withdrawn or failed.
    Never(String),
}

/// A label that follows one which will never be published waits for a person.
async fn hold_what_waits_in_vain<S: Service>(hand: &mut Hand<'_, S>, plan: &Plan) -> Go {
    for (index, plan) in plan.labels.iter().enumerate() {
        let exists = hand.job.labels.get(index).is_some_and(|label| label.creation.id().is_some());
        let NotBefore::Never(before) = not_before(&hand.job, plan) else { continue };
        if exists || hand.job.labels[index].predecessor_waived {
            continue;
        }
        let message = format!(
            "label `{}` follows `{before}`, which was withdrawn or failed and will never be published; approve to create it \
             all the same, or cancel the job",
            plan.name
        );
        let fault = Fault::new("label-awaited", message);
        return hand.park(Event::Held { fault, request: Some(Label::without(index)) }).await;
    }
    Ok(())
}

fn not_before(job: &Job, plan: &LabelPlan) -> NotBefore {
    let Some(after) = &plan.after else { return NotBefore::Now };
    let mut then = Timestamp::MIN;
    for name in &after.labels {
        let label = job.labels.iter().find(|label| label.name == *name);
        if label.is_some_and(Label::is_lost) {
            return NotBefore::Never(name.clone());
        }
        let Some(published) = label.and_then(|label| label.published) else { return NotBefore::Unpublished };
        let soak = SignedDuration::try_from(after.soak()).unwrap_or(SignedDuration::MAX);
        then = then.max(published.checked_add(soak).unwrap_or(Timestamp::MAX));
    }
    NotBefore::Soaked(then)
}

/// The request for a label, from its plan and what Microsoft says of the driver; and what Microsoft may say against it.
async fn request<S: Service>(
    hand: &mut Hand<'_, S>,
    plan: &LabelPlan,
    begins: Timestamp,
) -> Go<(NewShippingLabel, Vec<LabelWarning>)> {
    let service = hand.service().await?;
    let path = hand.context.outbox(&hand.job).folder().join(METADATA);
    let metadata: Result<DriverMetadata, String> = std::fs::read(&path)
        .map_err(|error| error.to_string())
        .and_then(|text| serde_json::from_slice(&text).map_err(|error| error.to_string()));
    let metadata = match metadata {
        Ok(metadata) => metadata,
        Err(error) => {
            let message = format!("{} cannot be read: {error}; put it back, then approve", path.display());
            return hand.hold(Fault::new("metadata-lost", message)).await;
        }
    };
    let audiences = if plan.audiences.is_empty() {
        Vec::new()
    } else {
        match service.audiences().await {
            Ok(audiences) => audiences,
            Err(error) => return hand.trouble(error).await,
        }
    };
    match label::build(plan, &metadata, &audiences, begins) {
        Ok(new) => {
            let doubts = label::warnings(plan, &new, &metadata);
            Ok((new, doubts))
        }
        Err(problems) => {
            let reasons = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            let message = format!("label `{}` cannot be made: {reasons}", plan.name);
            hand.hold(Fault::new("label-unfit", message)).await
        }
    }
}

/// A label on hold goes out for the very request that a person has seen.
async fn approved<S: Service>(
    hand: &mut Hand<'_, S>,
    index: usize,
    plan: &LabelPlan,
    new: &NewShippingLabel,
    doubts: &[LabelWarning],
) -> Go {
    let label = hand.job.labels.get(index);
    if !plan.hold || label.is_some_and(|label| label.creation.intent().is_some()) {
        return Ok(());
    }
    let text = serde_json::to_value(new).unwrap_or_default();
    let shown = digest(&text);
    // The digest is of the whole request, so it matters not with which label the approval is kept.
    if hand.job.labels.iter().any(|label| label.approved.as_ref() == Some(&shown)) {
        return Ok(());
    }
    let doubts: String =
        doubts.iter().map(|doubt| format!("; {} ({})", doubt.message, doubt.document)).collect();
    let message = format!(
        "label `{}` waits for `dropship approve {}`{doubts}; it would be: {text}",
        plan.name, hand.job.id
    );
    let fault = Fault::new("approval", message);
    hand.park(Event::Held { fault, request: Some(shown) }).await
}

struct Call {
    product: ProductId,
    submission: SubmissionId,
    index: usize,
    new: NewShippingLabel,
}

impl<S: Service> Creatable<S> for Call {
    fn kind(&self) -> RemoteKind {
        RemoteKind::Label(self.index)
    }

    fn noun(&self) -> &'static str {
        "label"
    }

    fn name(&self) -> &str {
        &self.new.name
    }

    fn request(&self) -> Value {
        serde_json::to_value(&self.new).unwrap_or_default()
    }

    async fn find(&self, service: &S) -> Result<Vec<Found>, Error> {
        let mut sent = <Self as Creatable<S>>::request(self);
        // The service leaves it out of many answers (documentation of "Get shipping label data"); it follows from the two
        // automatic flags, which are compared.
        if let Some(Value::Object(publishing)) = sent.get_mut("publishingSpecifications") {
            publishing.remove("manualAcquisition");
        }
        let mut found = Vec::new();
        for label in service.labels(self.product, self.submission).await? {
            if label.name != self.new.name {
                continue;
            }
            // Only a look at the label itself shows its targeting.
            let whole = service.label(self.product, self.submission, LabelId(label.id.0)).await?;
            let unlike = difference(&sent, &serde_json::to_value(&whole).unwrap_or_default());
            found.push(Found { id: label.id.0, unlike });
        }
        Ok(found)
    }

    async fn make(&self, service: &S) -> Result<u64, Error> {
        service.create_label(self.product, self.submission, &self.new).await.map(|label| label.id.0)
    }
}
