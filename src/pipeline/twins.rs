//! Late twins: a create that was repeated may have been carried out twice, the first time late. So may one whose job was
//! ended before its answer came.

use super::create::NAME_TAKEN;
use super::hand::{Go, Hand, Stop};
use super::service::Service;
use crate::hardware::{Error, ProductId, SubmissionId};
use crate::job::{Event, Ghost, Thing};

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
    while let Some(ghost) = due(hand) {
        let service = hand.service().await?;
        match look(hand, &service, &ghost).await? {
            Ok(()) => {}
            Err(Hindrance::Trouble(error)) => return hand.trouble(error).await,
            Err(Hindrance::NotNow) => {
                return hand.wait(NAME_TAKEN, format!("another job is creating `{}`", ghost.name)).await;
            }
        }
    }
    Ok(())
}

/// The same for a job that is held or has ended: whatever goes wrong with the look, it stays what it is.
pub(super) async fn look_back<S: Service>(hand: &mut Hand<'_, S>) -> Go {
    let context = hand.context;
    while let Some(ghost) = due(hand) {
        if context.draining.is_cancelled() {
            return Err(Stop::Draining);
        }
        let account = hand.account().to_owned();
        let service = context.services.get(&account).filter(|_| context.accounts.paused(&account).is_none());
        let looked = match service {
            Some(service) => look(hand, service, &ghost).await?,
            None => Err(Hindrance::NotNow),
        };
        if let Err(hindrance) = looked {
            if let Hindrance::Trouble(error) = hindrance {
                tracing::debug!(job_id = %hand.job.id, "no look for what came late of `{}`: {error}", ghost.name);
            }
            context.queue.postpone(&hand.job.id, context.clock.after(context.settings.account.first));
            return Ok(());
        }
    }
    Ok(())
}

/// What may have come late by now, the earliest first.
fn due<S: Service>(hand: &Hand<'_, S>) -> Option<Ghost> {
    let ghost = hand.job.ghosts.iter().min_by_key(|ghost| ghost.due)?;
    (ghost.due <= hand.context.clock.now()).then(|| ghost.clone())
}

async fn look<S: Service>(hand: &mut Hand<'_, S>, service: &S, ghost: &Ghost) -> Go<Result<(), Hindrance>> {
    let names = &hand.context.names;
    let spell = hand.context.settings.uncertain.saturating_mul(3);
    if names.take(&hand.job, ghost.thing, &ghost.name, spell).is_none() {
        return Ok(Err(Hindrance::NotNow));
    }
    let bearing = bearing(service, ghost).await;
    names.release(&hand.job);
    let bearing = match bearing {
        Ok(bearing) => bearing,
        Err(error) => return Ok(Err(Hindrance::Trouble(error))),
    };
    let mut ids = Vec::new();
    for id in bearing.into_iter().filter(|id| !ghost.bearing.contains(id)) {
        if hand.context.store.owner(id).map_err(Stop::Store)?.is_none() {
            ids.push(id);
        }
    }
    hand.record(vec![Event::Twins { thing: ghost.thing, ids }]).await?;
    Ok(Ok(()))
}

/// The ids that bear the ghost's name now, where it would be.
async fn bearing<S: Service>(service: &S, ghost: &Ghost) -> Result<Vec<u64>, Error> {
    let name = &ghost.name;
    let product = ProductId(ghost.product.unwrap_or_default());
    let submission = SubmissionId(ghost.submission.unwrap_or_default());
    let named: Vec<u64> = match ghost.thing {
        Thing::Product => {
            let all = service.products().await?;
            all.iter().filter(|one| one.product_name == *name).map(|one| one.id.0).collect()
        }
        Thing::Submission => {
            let all = service.submissions(product).await?;
            all.iter().filter(|one| one.name == *name).map(|one| one.id.0).collect()
        }
        Thing::Label(_) => {
            let all = service.labels(product, submission).await?;
            all.iter().filter(|one| one.name == *name).map(|one| one.id.0).collect()
        }
    };
    Ok(named)
}
