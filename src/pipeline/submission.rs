//! The submission step.

use serde_json::Value;

use super::create::{Creatable, Found, create};
use super::hand::{Go, Hand};
use super::reading::is_past_pending;
use super::service::Service;
use dropship_hardware::{DownloadKind, Error, NewSubmission, ProductId, SubmissionKind};
use dropship_job::{Creation, Fault, RemoteKind};

/// Creates the job's submission.
pub(super) async fn run<S: Service>(hand: &mut Hand<'_, S>) -> Go {
    let dossier = hand.dossier().await?;
    let product = ProductId(hand.product().await?);
    if dossier.plan.is_derived() && hand.job.submission == Creation::Open {
        derivable(hand, product).await?;
    }
    create(hand, &Call { product, new: dossier.plan.submission }).await
}

/// A derived submission is made from the shell that the product's initial one offers: where there is none, the service
/// would refuse the submission, or fail it after the upload.
async fn derivable<S: Service>(hand: &mut Hand<'_, S>, product: ProductId) -> Go {
    let service = hand.service().await?;
    let all = match service.submissions(product).await {
        Ok(all) => all,
        Err(error) => return hand.trouble(error).await,
    };
    let Some(initial) = all.iter().find(|submission| submission.kind != Some(SubmissionKind::Derived)) else {
        let message = format!(
            "product {product} has no initial submission to derive from; submit its full package first, then approve"
        );
        return hand.hold(Fault::new("no-shell", message)).await;
    };
    // Downloads show only where one submission is asked for.
    let initial = match service.submission(product, initial.id).await {
        Ok(initial) => initial,
        Err(error) => return hand.trouble(error).await,
    };
    if initial.download(&DownloadKind::DerivedPackage).is_some() {
        return Ok(());
    }
    if !initial.is_signed() && !initial.is_failed() {
        let why =
            format!("the product's initial submission {} to be signed and to offer its shell", initial.id);
        return hand.look_again(hand.context.settings.sign, why).await;
    }
    let message = format!(
        "the initial submission {} of product {product} offers no shell to derive from: it failed, or its product was \
         signed by attestation, for which Microsoft has no derived submissions; name another product, then approve or cancel",
        initial.id,
    );
    hand.hold(Fault::new("no-shell", message)).await
}

struct Call {
    product: ProductId,
    new: NewSubmission,
}

impl<S: Service> Creatable<S> for Call {
    fn kind(&self) -> RemoteKind {
        RemoteKind::Submission
    }

    fn noun(&self) -> &'static str {
        "submission"
    }

    fn name(&self) -> &str {
        &self.new.name
    }

    fn request(&self) -> Value {
        serde_json::to_value(&self.new).unwrap_or_default()
    }

    async fn find(&self, service: &S) -> Result<Vec<Found>, Error> {
        let all = service.submissions(self.product).await?;
        let named = all.into_iter().filter(|submission| submission.name == self.new.name);
        let found = named.map(|submission| {
            let unlike = if is_past_pending(&submission) {
                Some("it is committed".to_owned())
            } else if submission.kind.as_ref().is_some_and(|kind| *kind != self.new.kind) {
                Some("it is of another type".to_owned())
            } else {
                None
            };
            Found { id: submission.id.0, unlike }
        });
        Ok(found.collect())
    }

    async fn make(&self, service: &S) -> Result<u64, Error> {
        service.create_submission(self.product, &self.new).await.map(|submission| submission.id.0)
    }
}
