//! Duplicate checks. A create that was sent twice may take effect twice, the first time late. So may a create whose job
//! ended before its response arrived.

use jiff::Timestamp;

use super::labels;
use super::lists;
use super::service::Service;
use super::step_context::{Interrupt, StepContext, StepResult};
use crate::service_id::ServiceId;
use dropship_hardware::{Error, Listing, ProductId, Recovery, SubmissionId};
use dropship_job::{Event, LateDuplicateCheck, RemoteId, RemoteKind};

/// Why a check was not possible.
enum CheckBlocked {
    /// Another job is creating an object with that name, which has no owner yet.
    NameInUse,
    /// The call failed.
    Api(Error),
}

/// Checks, or returns why that is not possible now. While the account is suspended the check counts as its probe.
pub(super) async fn try_check<S: Service>(
    ctx: &mut StepContext<'_, S>,
    check: &LateDuplicateCheck,
) -> StepResult<Result<(), String>> {
    let pipeline = ctx.pipeline;
    let account = ctx.account().to_owned();
    let Some(service) = pipeline.services.get(&account) else {
        return Ok(Err(format!("account `{account}` is no longer configured")));
    };
    if let Some(suspension) = pipeline.guards.accounts.get(&account)
        && !pipeline.guards.accounts.claim_probe(
            &account,
            pipeline.clock.now(),
            pipeline.clock.after(pipeline.settings.account.max()),
        )
    {
        return Ok(Err(format!("account `{account}` is suspended: {}", suspension.why)));
    }
    Ok(match run_check(ctx, service, check).await? {
        Ok(()) => {
            pipeline.resume_account(&account);
            Ok(())
        }
        Err(CheckBlocked::NameInUse) => Err("another job is creating an object with that name".to_owned()),
        Err(CheckBlocked::Api(error)) => {
            let is_refused = matches!(error.recovery, Recovery::Credentials | Recovery::Permission);
            if is_refused && !pipeline.guards.accounts.refused_again(&account, ctx.job.id()) {
                pipeline.suspend_account(&account, &error);
            }
            Err(error.to_string())
        }
    })
}

/// Searches for objects of that name that no job owns, and records them. The service cannot delete products and submissions;
/// they have no effect unless they are committed, so they are only reported. Labels are published, so they are withdrawn.
async fn run_check<S: Service>(
    ctx: &mut StepContext<'_, S>,
    service: &S,
    check: &LateDuplicateCheck,
) -> StepResult<Result<(), CheckBlocked>> {
    let names = &ctx.pipeline.guards.names;
    let stale_after = ctx.pipeline.settings.uncertain.saturating_mul(3);
    if names.acquire_for_check(&ctx.job, check, stale_after).is_none() {
        return Ok(Err(CheckBlocked::NameInUse));
    }
    // The check is repeated as long as the service is down, but not forever for a list that fails alone.
    let (list_failures, now) = (&ctx.pipeline.list_failures, ctx.pipeline.clock.now());
    let is_final = || list_failures.is_final(ctx.job.id(), check, now);
    let existing_ids = existing_ids(service, check, is_final).await;
    names.release(&ctx.job);
    if check.kind == RemoteKind::Product {
        ctx.pipeline.caches.products.invalidate(ctx.account());
    }
    let existing = match existing_ids {
        Ok(existing) => existing,
        Err(error) => return Ok(Err(CheckBlocked::Api(error))),
    };
    list_failures.forget(ctx.job.id(), check);
    if let Some(why) = existing.incomplete {
        crate::observe::duplicate_check_incomplete(&ctx.job, &check.name, &why.to_string());
    }
    let mut ids = Vec::new();
    for id in existing.items.into_iter().filter(|id| !check.existing_ids.contains(id)) {
        if ctx.pipeline.store.owner(id).map_err(Interrupt::Store)?.is_none() && !is_known_stray(ctx, id) {
            ids.push(id);
        }
    }
    if let RemoteKind::Label(index) = check.kind {
        return record_labels(ctx, service, check, index, ids).await;
    }
    ctx.record(vec![Event::DuplicatesChecked { kind: check.kind, ids, unproven: Vec::new(), next: None }])
        .await?;
    // The create of an ended job can no longer take effect.
    names.release(&ctx.job);
    Ok(Ok(()))
}

fn is_known_stray<S>(ctx: &StepContext<'_, S>, id: RemoteId) -> bool {
    ctx.job.strays().iter().any(|stray| stray.remote.id == id)
}

/// Records labels that were found: the one whose create is in doubt is adopted, others are late duplicates.
async fn record_labels<S: Service>(
    ctx: &mut StepContext<'_, S>,
    service: &S,
    check: &LateDuplicateCheck,
    index: usize,
    found: Vec<RemoteId>,
) -> StepResult<Result<(), CheckBlocked>> {
    let candidates = match found.is_empty() {
        true => Vec::new(),
        false => match labels::prove(ctx, service, index).await? {
            Ok(candidates) => candidates,
            Err(error) => return Ok(Err(CheckBlocked::Api(error))),
        },
    };
    let proven = |id: &RemoteId| {
        candidates.iter().any(|candidate| candidate.id == *id && candidate.mismatch.is_none())
    };
    let (mut ids, unproven): (Vec<RemoteId>, Vec<RemoteId>) = found.into_iter().partition(proven);
    let is_in_doubt = ctx.job.labels().get(index).is_some_and(|label| label.intent().is_some());
    if is_in_doubt && !ids.is_empty() {
        let id = ids.remove(0);
        let go_live =
            candidates.iter().find(|candidate| candidate.id == id).and_then(|candidate| candidate.go_live);
        let kind = check.kind;
        ctx.record(vec![Event::Created { kind, id, adopted: true, go_live }]).await?;
        if !ctx
            .job
            .duplicate_checks()
            .iter()
            .any(|remaining| remaining.due == check.due && remaining.kind == kind)
        {
            // The check was for this create.
            if !ids.is_empty() || !unproven.is_empty() {
                ctx.record(vec![Event::DuplicatesChecked { kind, ids, unproven, next: None }]).await?;
            }
            ctx.pipeline.guards.names.release(&ctx.job);
            return Ok(Ok(()));
        }
    }
    let next = next_search(ctx, check);
    ctx.record(vec![Event::DuplicatesChecked { kind: check.kind, ids, unproven, next }]).await?;
    ctx.pipeline.guards.names.release(&ctx.job);
    Ok(Ok(()))
}

/// When to search again; `None` after the last search.
fn next_search<S: Service>(ctx: &StepContext<'_, S>, check: &LateDuplicateCheck) -> Option<Timestamp> {
    let clock = &ctx.pipeline.clock;
    (clock.now() < check.until).then(|| clock.after(ctx.pipeline.settings.publish.first).min(check.until))
}

/// The error of a check whose product or submission is not known.
fn unknown_parent(name: &str, kind: &str) -> Error {
    let message = format!("the {kind} that contains `{name}` is not known");
    Error::not_sent("check for duplicates", Recovery::Permanent, message)
}

/// The ids of the objects that have the name now, as far as the list can be read.
async fn existing_ids<S: Service>(
    service: &S,
    check: &LateDuplicateCheck,
    is_final: impl FnOnce() -> bool,
) -> Result<Listing<RemoteId>, Error> {
    let name = &check.name;
    let product = check.product.map(ProductId::of).ok_or_else(|| unknown_parent(name, "product"));
    let submission = check.submission.map(SubmissionId::of).ok_or_else(|| unknown_parent(name, "submission"));
    match check.kind {
        RemoteKind::Product => {
            let read = service.products().await;
            // The client has repeated a later page that failed: on large accounts there is always one.
            let has_items = read.is_ok();
            let all = lists::accept_in_background(service, read, || has_items || is_final()).await?;
            let named = all
                .items
                .iter()
                .filter(|object| object.product_name == *name)
                .map(|object| object.id.remote());
            Ok(Listing { items: named.collect(), incomplete: all.incomplete })
        }
        RemoteKind::Submission => {
            let read = service.submissions(product?).await;
            let all = lists::accept_in_background(service, read, is_final).await?;
            let named =
                all.items.iter().filter(|object| object.name == *name).map(|object| object.id.remote());
            Ok(Listing { items: named.collect(), incomplete: all.incomplete })
        }
        RemoteKind::Label(_) => {
            let read = service.labels(product?, submission?).await;
            let all = lists::accept_in_background(service, read, is_final).await?;
            let named =
                all.items.iter().filter(|object| object.name == *name).map(|object| object.id.remote());
            Ok(Listing { items: named.collect(), incomplete: all.incomplete })
        }
    }
}
