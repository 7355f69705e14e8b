//! The product step.

use std::time::Duration;

use serde_json::Value;

use super::create::{Creatable, Found, create, name_taken};
use super::hand::{Go, Hand, Stop};
use super::likeness::difference;
use super::listing::Listings;
use super::service::Service;
use super::sign::SIGNING_FAILED;
use dropship_hardware::{Class, Error, Fate, NewProduct};
use dropship_job::{Fault, Job, RemoteKind, State};
use dropship_rules::plan::StrategyPlan;

/// Creates the job's product, or takes the one that the rule names.
pub(super) async fn run<S: Service>(hand: &mut Hand<'_, S>) -> Go {
    let dossier = hand.dossier().await?;
    let call = Call {
        listings: &hand.context.listings,
        account: hand.account().to_owned(),
        oldest: hand.context.settings.uncertain,
        new: dossier.plan.product,
    };
    match dossier.plan.strategy {
        StrategyPlan::ExistingId(id) => hand.record_created(RemoteKind::Product, id.0, true).await,
        StrategyPlan::ExistingName if hand.job.doubt().is_none() => take_named(hand, &call).await,
        StrategyPlan::PerVersion if hand.job.doubt().is_none() => {
            // Looked for under the name, so that of two packages of one version the second finds the product of the first.
            name_taken(hand, RemoteKind::Product, "product", &call.new.product_name).await?;
            match own(hand, &call).await {
                Ok(Some(id)) => hand.record_created(RemoteKind::Product, id, true).await,
                Ok(None) => create(hand, &call).await,
                Err(stop) => {
                    hand.context.names.release(&hand.job);
                    Err(stop)
                }
            }
        }
        StrategyPlan::New | StrategyPlan::PerVersion | StrategyPlan::ExistingName => {
            create(hand, &call).await
        }
    }
}

/// The one product of the name that the rule gives.
async fn take_named<S: Service>(hand: &mut Hand<'_, S>, call: &Call<'_>) -> Go {
    let mut ids = named(hand, call).await?;
    if ids.len() != 1 {
        // Somebody may have mended that a moment ago.
        call.listings.forget(&call.account);
        ids = named(hand, call).await?;
    }
    match ids.as_slice() {
        [id] => hand.record_created(RemoteKind::Product, *id, true).await,
        _ => {
            let message = format!(
                "the rule wants the one product named `{}`, and there are {}: {ids:?}; name it by id, or create it, then approve",
                call.new.product_name,
                ids.len(),
            );
            hand.hold(Fault::new("no-such-product", message)).await
        }
    }
}

/// The product of that name that another job of this store made.
async fn own<S: Service>(hand: &mut Hand<'_, S>, call: &Call<'_>) -> Go<Option<u64>> {
    for id in named(hand, call).await? {
        let store = &hand.context.store;
        let Some(owner) = store.owner(id).map_err(Stop::Store)? else { continue };
        let job = store.job(&owner).map_err(Stop::Store)?;
        if !job.is_some_and(|job| burnt(&job, id)) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// Ids of the products of the name.
async fn named<S: Service>(hand: &mut Hand<'_, S>, call: &Call<'_>) -> Go<Vec<u64>> {
    let service = hand.service().await?;
    match hand.unless_draining(call.existing_ids(&service)).await? {
        Ok(ids) => Ok(ids),
        Err(error) => hand.trouble(error).await,
    }
}

/// Did Microsoft refuse the first submission of a job's product? Nothing more can come of that product.
fn burnt(job: &Job, product: u64) -> bool {
    let refused = matches!(&job.state, State::Failed { fault } if fault.kind == SIGNING_FAILED);
    job.abandoned_products.contains(&product.to_string()) || (refused && job.product.id() == Some(product))
}

struct Call<'a> {
    listings: &'a Listings,
    account: String,
    /// A list of products older than this says nothing.
    oldest: Duration,
    new: NewProduct,
}

impl<S: Service> Creatable<S> for Call<'_> {
    fn kind(&self) -> RemoteKind {
        RemoteKind::Product
    }

    fn noun(&self) -> &'static str {
        "product"
    }

    fn name(&self) -> &str {
        &self.new.product_name
    }

    fn request(&self) -> Value {
        serde_json::to_value(&self.new).unwrap_or_default()
    }

    async fn find(&self, service: &S) -> Result<Vec<Found>, Error> {
        let products = service.products().await;
        // What is found may have been made since the last list was begun.
        self.listings.forget(&self.account);
        let mut found = Vec::new();
        for product in products? {
            if product.product_name != self.new.product_name {
                continue;
            }
            let sent = <Self as Creatable<S>>::request(self);
            let unlike = if product.is_committed == Some(true) {
                Some("it has a committed submission".to_owned())
            } else {
                difference(&sent, &serde_json::to_value(&product).unwrap_or_default())
            };
            // A product that others have begun to use is theirs.
            let unlike = match unlike {
                None if !service.submissions(product.id).await?.is_empty() => {
                    Some("it has a submission".to_owned())
                }
                unlike => unlike,
            };
            found.push(Found { id: product.id.0, unlike });
        }
        Ok(found)
    }

    async fn existing_ids(&self, service: &S) -> Result<Vec<u64>, Error> {
        let list = async {
            let all = service.products().await?;
            Ok(all.into_iter().map(|product| (product.product_name, product.id.0)))
        };
        self.listings.named(&self.account, &self.new.product_name, self.oldest, list).await
    }

    async fn make(&self, service: &S) -> Result<u64, Error> {
        let made = service.create_product(&self.new).await.map(|product| product.id.0);
        match &made {
            Ok(id) => self.listings.made(&self.account, &self.new.product_name, *id),
            Err(error) if error.fate == Fate::Uncertain || error.class == Class::Reconcile => {
                self.listings.forget(&self.account);
            }
            Err(_) => {}
        }
        made
    }
}
