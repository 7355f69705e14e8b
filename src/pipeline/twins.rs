//! Late twins: a create that was repeated may have been carried out twice, the first time late. So may one whose job was
//! ended before its answer came.

use std::time::Duration;

use super::create::NAME_TAKEN;
use super::hand::{Go, Hand, Stop};
use super::service::Service;
use dropship_hardware::{Class, Error, ProductId, SubmissionId};
use dropship_job::{Event, LateDuplicateCheck, RemoteKind};

/// How soon a look back that could not be had is tried again, and how seldom at last.
const SOON: Duration = Duration::from_secs(5);
pub(super) const SELDOM: Duration = Duration::from_secs(3600);

/// Why a look could not be had.
enum Hindrance {
    /// Another job is creating that name, so what it makes is nobody's for an instant; or the account is paused.
    NotNow,
    /// The service did not answer it.
    Trouble(Error),
}

/// Looks once, when no call can be carried out any more, for what bears the name and is nobody's, and tells of it.
///
/// Nothing is done about it: what is at the service cannot be deleted, and it harms nobody unless it is committed.
pub(super) async fn sweep<S: Service>(hand: &mut Hand<'_, S>) -> Go {
    while let Some(check) = due(hand) {
        let service = hand.service().await?;
        match look(hand, &service, &check).await? {
            Ok(()) => {}
            Err(Hindrance::Trouble(error)) => return hand.trouble(error).await,
            Err(Hindrance::NotNow) => {
                return hand.wait(NAME_TAKEN, format!("another job is creating `{}`", check.name)).await;
            }
        }
    }
    Ok(())
}

/// The same for a job that is held or has ended: whatever goes wrong with the look, it stays what it is.
pub(super) async fn look_back<S: Service>(hand: &mut Hand<'_, S>) -> Go {
    let context = hand.context;
    while let Some(check) = due(hand) {
        if context.draining.is_cancelled() {
            return Err(Stop::Draining);
        }
        if let Err(why) = look_if_it_can_be(hand, &check).await? {
            crate::observe::not_looked_back(&hand.job, &check.name, &why);
            // As long again as it has been due.
            let late = context.clock.now().duration_since(check.due);
            let again = Duration::try_from(late).unwrap_or_default().clamp(SOON, SELDOM);
            context.queue.postpone(&hand.job.id, context.clock.after(again));
            return Ok(());
        }
    }
    Ok(())
}

/// Looks, or says why that cannot be now. While the account is paused it is one probe of it.
async fn look_if_it_can_be<S: Service>(
    hand: &mut Hand<'_, S>,
    check: &LateDuplicateCheck,
) -> Go<Result<(), String>> {
    let context = hand.context;
    let account = hand.account().to_owned();
    let Some(service) = context.services.get(&account) else {
        return Ok(Err(format!("account `{account}` is not configured any more")));
    };
    if let Some(paused) = context.accounts.paused(&account)
        && !context.accounts.claim_probe(
            &account,
            context.clock.now(),
            context.clock.after(context.settings.account.max),
        )
    {
        return Ok(Err(format!("account `{account}` is paused: {}", paused.why)));
    }
    Ok(match look(hand, service, check).await? {
        Ok(()) => {
            context.resume_account(&account);
            Ok(())
        }
        Err(Hindrance::NotNow) => Err("another job is creating that name".to_owned()),
        Err(Hindrance::Trouble(error)) => {
            let refused = matches!(error.class, Class::Credentials | Class::Permission);
            if refused && !context.accounts.refused_again(&account, &hand.job.id) {
                context.pause_account(&account, &error);
            }
            Err(error.to_string())
        }
    })
}

/// What may have come late by now, the earliest first.
fn due<S: Service>(hand: &Hand<'_, S>) -> Option<LateDuplicateCheck> {
    let check = hand.job.duplicate_checks.iter().min_by_key(|check| check.due)?;
    (check.due <= hand.context.clock.now()).then(|| check.clone())
}

async fn look<S: Service>(
    hand: &mut Hand<'_, S>,
    service: &S,
    check: &LateDuplicateCheck,
) -> Go<Result<(), Hindrance>> {
    let names = &hand.context.names;
    let spell = hand.context.settings.uncertain.saturating_mul(3);
    if names.take_again(&hand.job, check, spell).is_none() {
        return Ok(Err(Hindrance::NotNow));
    }
    let existing_ids = existing_ids(service, check).await;
    names.release(&hand.job);
    if check.kind == RemoteKind::Product {
        hand.context.listings.forget(hand.account());
    }
    let existing_ids = match existing_ids {
        Ok(existing_ids) => existing_ids,
        Err(error) => return Ok(Err(Hindrance::Trouble(error))),
    };
    let mut ids = Vec::new();
    for id in existing_ids.into_iter().filter(|id| !check.existing_ids.contains(id)) {
        if hand.context.store.owner(id).map_err(Stop::Store)?.is_none() {
            ids.push(id);
        }
    }
    hand.record(vec![Event::DuplicatesChecked { kind: check.kind, ids }]).await?;
    // Of what an ended job had in doubt nothing comes any more.
    names.release(&hand.job);
    Ok(Ok(()))
}

/// The ids that bear the ghost's name now, where it would be.
async fn existing_ids<S: Service>(service: &S, check: &LateDuplicateCheck) -> Result<Vec<u64>, Error> {
    let name = &check.name;
    let product = ProductId(check.product.unwrap_or_default());
    let submission = SubmissionId(check.submission.unwrap_or_default());
    let named: Vec<u64> = match check.kind {
        RemoteKind::Product => {
            let all = service.products().await?;
            all.iter().filter(|one| one.product_name == *name).map(|one| one.id.0).collect()
        }
        RemoteKind::Submission => {
            let all = service.submissions(product).await?;
            all.iter().filter(|one| one.name == *name).map(|one| one.id.0).collect()
        }
        RemoteKind::Label(_) => {
            let all = service.labels(product, submission).await?;
            all.iter().filter(|one| one.name == *name).map(|one| one.id.0).collect()
        }
    };
    Ok(named)
}
