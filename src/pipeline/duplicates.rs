//! Duplicate checks. A create that was sent twice may take effect twice, the first time late. So may a create whose job
//! ended before its response arrived.

use std::time::Duration;

use super::create::NAME_TAKEN;
use super::lists;
use super::service::Service;
use super::step_context::{Interrupt, StepContext, StepResult};
use dropship_hardware::{Error, Listing, ProductId, Recovery, SubmissionId};
use dropship_job::{Event, LateDuplicateCheck, RemoteKind, WaitReason};

/// First interval between attempts at a check that failed.
const MIN_RETRY: Duration = Duration::from_secs(5);
/// Maximum interval between attempts at a check that failed.
pub(super) const MAX_RETRY: Duration = Duration::from_secs(3600);

/// Why a check was not possible.
enum CheckBlocked {
    /// Another job is creating an object with that name, which has no owner yet.
    NameInUse,
    /// The call failed.
    Api(Error),
}

/// Checks once, when the create can no longer take effect, for objects of that name that no job owns, and records them.
///
/// They are only reported: the service cannot delete them, and they have no effect unless they are committed.
pub(super) async fn check_duplicates<S: Service>(ctx: &mut StepContext<'_, S>) -> StepResult {
    while let Some(check) = due(ctx) {
        let service = ctx.service().await?;
        match run_check(ctx, &service, &check).await? {
            Ok(()) => {}
            Err(CheckBlocked::Api(error)) => {
                return ctx.on_list_error(lists::ListOf::OwnObject, error).await;
            }
            Err(CheckBlocked::NameInUse) => {
                let why = WaitReason::NameInUse { kind: check.kind, name: check.name };
                return ctx.wait(NAME_TAKEN, why).await;
            }
        }
    }
    Ok(())
}

/// The same for a job that is held or has ended. Its state does not change, also when the check fails.
pub(super) async fn check_duplicates_of_ended<S: Service>(ctx: &mut StepContext<'_, S>) -> StepResult {
    let pipeline = ctx.pipeline;
    while let Some(check) = due(ctx) {
        if pipeline.shutdown.is_cancelled() {
            return Err(Interrupt::ShuttingDown);
        }
        if let Err(why) = try_check(ctx, &check).await? {
            crate::observe::duplicate_check_failed(&pipeline.failed_checks, &ctx.job, &check.name, &why);
            // The interval doubles with the time since the check was due.
            let late = pipeline.clock.now().duration_since(check.due);
            let again = Duration::try_from(late).unwrap_or_default().clamp(MIN_RETRY, MAX_RETRY);
            pipeline.queue.postpone(ctx.job.id(), pipeline.clock.after(again));
            return Ok(());
        }
    }
    Ok(())
}

/// Checks, or returns why that is not possible now. While the account is suspended the check counts as its probe.
async fn try_check<S: Service>(
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
            let refused = matches!(error.recovery, Recovery::Credentials | Recovery::Permission);
            if refused && !pipeline.guards.accounts.refused_again(&account, ctx.job.id()) {
                pipeline.suspend_account(&account, &error);
            }
            Err(error.to_string())
        }
    })
}

/// The earliest check that is due.
fn due<S: Service>(ctx: &StepContext<'_, S>) -> Option<LateDuplicateCheck> {
    let check = ctx.job.duplicate_checks().iter().min_by_key(|check| check.due)?;
    (check.due <= ctx.pipeline.clock.now()).then(|| check.clone())
}

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
    // An ended job has no attempts: the check is repeated as long as the service is down, but not for a list that fails alone.
    let attempts = if ctx.job.state().has_ended() { u32::MAX } else { ctx.job.attempts() };
    let existing_ids = existing_ids(service, check, attempts).await;
    names.release(&ctx.job);
    if check.kind == RemoteKind::Product {
        ctx.pipeline.caches.products.invalidate(ctx.account());
    }
    let existing = match existing_ids {
        Ok(existing) => existing,
        Err(error) => return Ok(Err(CheckBlocked::Api(error))),
    };
    if let Some(why) = existing.incomplete {
        crate::observe::duplicate_check_incomplete(&ctx.job, &check.name, &why.to_string());
    }
    let mut ids = Vec::new();
    for id in existing.items.into_iter().filter(|id| !check.existing_ids.contains(id)) {
        if ctx.pipeline.store.owner(id).map_err(Interrupt::Store)?.is_none() {
            ids.push(id);
        }
    }
    ctx.record(vec![Event::DuplicatesChecked { kind: check.kind, ids }]).await?;
    // The create of an ended job can no longer take effect.
    names.release(&ctx.job);
    Ok(Ok(()))
}

/// The ids of the objects that have the name now, as far as the list can be read.
async fn existing_ids<S: Service>(
    service: &S,
    check: &LateDuplicateCheck,
    attempts: u32,
) -> Result<Listing<u64>, Error> {
    let name = &check.name;
    let product = ProductId(check.product.unwrap_or_default());
    let submission = SubmissionId(check.submission.unwrap_or_default());
    match check.kind {
        RemoteKind::Product => {
            let all = lists::accept_shared(service, attempts, service.products().await).await?;
            let named = all.items.iter().filter(|one| one.product_name == *name).map(|one| one.id.0);
            Ok(Listing { items: named.collect(), incomplete: all.incomplete })
        }
        RemoteKind::Submission => {
            let all = lists::accept_shared(service, attempts, service.submissions(product).await).await?;
            let named = all.items.iter().filter(|one| one.name == *name).map(|one| one.id.0);
            Ok(Listing { items: named.collect(), incomplete: all.incomplete })
        }
        RemoteKind::Label(_) => {
            let all =
                lists::accept_shared(service, attempts, service.labels(product, submission).await).await?;
            let named = all.items.iter().filter(|one| one.name == *name).map(|one| one.id.0);
            Ok(Listing { items: named.collect(), incomplete: all.incomplete })
        }
    }
}
