//! The product step.

use serde_json::Value;

use super::create::{Creatable, Found, create};
use super::hand::{Go, Hand};
use super::likeness::difference;
use super::service::Service;
use crate::hardware::{Error, NewProduct};
use crate::job::Thing;

/// Creates the job's product.
pub(super) async fn run<S: Service>(hand: &mut Hand<'_, S>) -> Go {
    let dossier = hand.dossier().await?;
    create(hand, &Call(dossier.plan.product)).await
}

struct Call(NewProduct);

impl<S: Service> Creatable<S> for Call {
    fn thing(&self) -> Thing {
        Thing::Product
    }

    fn noun(&self) -> &'static str {
        "product"
    }

    fn name(&self) -> &str {
        &self.0.product_name
    }

    fn request(&self) -> Value {
        serde_json::to_value(&self.0).unwrap_or_default()
    }

    async fn find(&self, service: &S) -> Result<Vec<Found>, Error> {
        let mut found = Vec::new();
        for product in service.products().await? {
            if product.product_name != self.0.product_name {
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

    async fn make(&self, service: &S) -> Result<u64, Error> {
        service.create_product(&self.0).await.map(|product| product.id.0)
    }
}
