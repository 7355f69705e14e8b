//! The submission step.

use serde_json::Value;

use super::create::{Creatable, Found, create};
use super::hand::{Go, Hand};
use super::reading::is_past_pending;
use super::service::Service;
use crate::hardware::{Error, NewSubmission, ProductId};
use crate::job::Thing;

/// Creates the job's submission.
pub(super) async fn run<S: Service>(hand: &mut Hand<'_, S>) -> Go {
    let dossier = hand.dossier().await?;
    let product = ProductId(hand.product().await?);
    create(hand, &Call { product, new: dossier.plan.submission }).await
}

struct Call {
    product: ProductId,
    new: NewSubmission,
}

impl<S: Service> Creatable<S> for Call {
    fn thing(&self) -> Thing {
        Thing::Submission
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
