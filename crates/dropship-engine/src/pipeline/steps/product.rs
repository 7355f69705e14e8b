//! The product step.

use std::time::Duration;

use serde_json::Value;

use crate::pipeline::create::create;
use crate::pipeline::lists::{self, ListOf};
use crate::pipeline::object_owner::lock_name;
use crate::pipeline::product_cache::ProductListCache;
use crate::pipeline::remote_create::{Candidate, RemoteCreate, request_digest};
use crate::pipeline::request_match::difference;
use crate::pipeline::service::Service;
use crate::pipeline::step_context::{Interrupt, StepContext, StepResult};
use crate::service_id::ServiceId;
use dropship_hardware::{Error, Execution, Listing, NewProduct, Recovery, Submission};
use dropship_job::{ErrorKind, Event, HoldFault, HoldReason, Job, RemoteId, RemoteKind, State};
use dropship_rules::plan::StrategyPlan;

/// Creates the product, or uses the existing one that the rule names.
pub(crate) async fn run<S: Service>(ctx: &mut StepContext<'_, S>) -> StepResult {
    let snapshot = ctx.plan_snapshot().await?;
    let digest = match request_digest(&snapshot.plan.product) {
        Ok(digest) => digest,
        Err(fault) => return ctx.fail(fault).await,
    };
    let product_create = ProductCreate {
        product_lists: &ctx.pipeline.caches.products,
        account: ctx.account().to_owned(),
        max_age: ctx.pipeline.settings.uncertain,
        attempts: ctx.job.attempts(),
        digest,
        request: snapshot.plan.product,
    };
    match snapshot.plan.strategy {
        StrategyPlan::ExistingId(id) => {
            ctx.record_created(RemoteKind::Product, id.remote(), true, None).await
        }
        StrategyPlan::ExistingName if ctx.job.doubt().is_none() => {
            use_named_product(ctx, &product_create).await
        }
        StrategyPlan::PerVersion if ctx.job.doubt().is_none() => {
            // The name is locked during the search, so that the second of two packages of a version finds the product of the first.
            lock_name(ctx, RemoteKind::Product, &product_create.request.product_name).await?;
            match find_own_product(ctx, &product_create).await {
                Ok(Some(id)) => ctx.record_created(RemoteKind::Product, id, true, None).await,
                Ok(None) => create(ctx, &product_create).await,
                Err(interrupt) => {
                    ctx.pipeline.guards.names.release(&ctx.job);
                    Err(interrupt)
                }
            }
        }
        StrategyPlan::New | StrategyPlan::PerVersion | StrategyPlan::ExistingName => {
            create(ctx, &product_create).await
        }
    }
}

/// Uses the only product with the name that the rule gives.
async fn use_named_product<S: Service>(
    ctx: &mut StepContext<'_, S>,
    product_create: &ProductCreate<'_>,
) -> StepResult {
    let mut found = list_named(ctx, product_create).await?;
    if found.items.len() != 1 {
        // The cached list may be out of date; refresh it once.
        product_create.product_lists.invalidate(&product_create.account);
        found = list_named(ctx, product_create).await?;
    }
    let name = &product_create.request.product_name;
    let ids =
        if found.items.is_empty() { String::new() } else { format!(": {}", RemoteId::list(&found.items)) };
    let count = found.items.len();
    match (found.items.as_slice(), found.incomplete) {
        ([id], None) => ctx.record_created(RemoteKind::Product, *id, true, None).await,
        (_, None) => {
            let message = format!(
                "the rule needs exactly one product named `{name}`, but {count} exist{ids}; create it, then approve; or set its id in \
                 the rule, reload, cancel and retry"
            );
            ctx.hold(HoldFault::new(HoldReason::NoSuchProduct, message)).await
        }
        (_, Some(why)) => {
            // The next attempt reads a new list.
            product_create.product_lists.invalidate(&product_create.account);
            let message = format!(
                "the rule needs exactly one product named `{name}`, and the list of products is incomplete ({why}), so there may be \
                 more than the {count} found{ids}; approve to list again; or set the product's id in the rule, reload, cancel and retry"
            );
            ctx.hold(HoldFault::new(HoldReason::IncompleteList, message)).await
        }
    }
}

/// The product with that name that another job of this store created.
async fn find_own_product<S: Service>(
    ctx: &mut StepContext<'_, S>,
    product_create: &ProductCreate<'_>,
) -> StepResult<Option<RemoteId>> {
    let found = list_named(ctx, product_create).await?;
    for id in found.items {
        let store = &ctx.pipeline.store;
        let Some(owner) = store.owner(id).map_err(Interrupt::Store)? else { continue };
        let job = store.job(&owner).map_err(Interrupt::Store)?;
        if !job.is_some_and(|job| is_unusable(&job, id)) {
            return Ok(Some(id));
        }
    }
    let request = product_create.digest.clone();
    let Some(why) = found.incomplete.filter(|_| ctx.job.approved_product() != Some(request.as_str())) else {
        return Ok(None);
    };
    let message = format!(
        "the rule uses one product for each version, and the list of products is incomplete ({why}), so the product `{}` of an earlier \
         package may be missing in it; check Partner Center, then approve to create a new one, or cancel",
        product_create.request.product_name
    );
    let fault = HoldFault::new(HoldReason::IncompleteList, message);
    ctx.suspend(Event::Held { fault, request: Some(request) }).await
}

/// Ids of the products with the name.
async fn list_named<S: Service>(
    ctx: &mut StepContext<'_, S>,
    product_create: &ProductCreate<'_>,
) -> StepResult<Listing<RemoteId>> {
    let service = ctx.service().await?;
    match ctx.unless_shutting_down(product_create.existing_ids(&service, product_create.attempts)).await? {
        Ok(found) => Ok(found),
        Err(error) => ctx.on_list_error(ListOf::Account, error).await,
    }
}

/// Whether Microsoft rejected the first submission of the product; then no other submission can succeed in it.
fn is_unusable(job: &Job, product: RemoteId) -> bool {
    let rejected =
        |kind: &ErrorKind| matches!(kind, ErrorKind::SigningFailed | ErrorKind::CommittedElsewhere);
    let refused = matches!(job.state(), State::Failed { fault } if rejected(&fault.kind));
    job.abandoned_products().contains(&product) || (refused && job.product().id() == Some(product))
}

struct ProductCreate<'a> {
    product_lists: &'a ProductListCache,
    account: String,
    /// Maximum age of the product list.
    max_age: Duration,
    /// Number of attempts of the job that failed before.
    attempts: u32,
    request: NewProduct,
    /// Digest of the request.
    digest: String,
}

impl<S: Service> RemoteCreate<S> for ProductCreate<'_> {
    fn kind(&self) -> RemoteKind {
        RemoteKind::Product
    }

    fn name(&self) -> &str {
        &self.request.product_name
    }

    fn digest(&self) -> &str {
        &self.digest
    }

    fn request(&self) -> serde_json::Result<Value> {
        serde_json::to_value(&self.request)
    }

    fn list_of(&self) -> ListOf {
        ListOf::Account
    }

    async fn find(&self, service: &S) -> Result<Listing<Candidate>, Error> {
        let products = service.products().await;
        // A product found here may be missing in the cached list.
        self.product_lists.invalidate(&self.account);
        let products = products?;
        let mut found = Vec::new();
        for product in products.items {
            if product.product_name != self.request.product_name {
                continue;
            }
            let sent = <Self as RemoteCreate<S>>::request(self);
            let shown = serde_json::to_value(&product);
            let mismatch = if product.is_committed == Some(true) {
                Some("it has a committed submission".to_owned())
            } else {
                match (sent, shown) {
                    (Ok(sent), Ok(found)) => difference(&sent, &found),
                    (Err(error), _) | (_, Err(error)) => Some(format!("it cannot be compared: {error}")),
                }
            };
            let mismatch = match mismatch {
                None => conflicting_use(&service.submissions(product.id).await?),
                mismatch => mismatch,
            };
            found.push(Candidate { id: product.id.remote(), mismatch, go_live: None });
        }
        Ok(Listing { items: found, incomplete: products.incomplete })
    }

    async fn existing_ids(&self, service: &S, attempts: u32) -> Result<Listing<RemoteId>, Error> {
        let list = async {
            let all = lists::accept_shared(service, attempts, service.products().await).await?;
            let items =
                all.items.into_iter().map(|product| (product.product_name, product.id.remote())).collect();
            Ok(Listing { items, incomplete: all.incomplete })
        };
        self.product_lists.named(&self.account, &self.request.product_name, self.max_age, list).await
    }

    async fn send(&self, service: &S) -> Result<RemoteId, Error> {
        let response = service.create_product(&self.request).await.map(|product| product.id.remote());
        match &response {
            Ok(id) => self.product_lists.record_created(&self.account, &self.request.product_name, *id),
            Err(error) if error.execution == Execution::Unknown || error.recovery == Recovery::Reconcile => {
                self.product_lists.invalidate(&self.account);
            }
            Err(_) => {}
        }
        response
    }
}

/// Why a product with these submissions cannot be of a create whose response was lost.
fn conflicting_use(submissions: &Listing<Submission>) -> Option<String> {
    match &submissions.incomplete {
        _ if !submissions.items.is_empty() => Some("it has a submission".to_owned()),
        Some(why) => Some(format!("its submissions cannot be listed: {why}")),
        None => None,
    }
}
