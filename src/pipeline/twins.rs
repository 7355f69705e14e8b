//! Late twins: a create that was repeated may have been carried out twice, the first time late.

use super::hand::{Go, Hand, Stop};
use super::service::Service;
use crate::hardware::{Error, ProductId, SubmissionId};
use crate::job::{Event, Ghost, Thing};

/// Looks once, when no call can be carried out any more, for what bears the name and is nobody's, and tells of it.
///
/// Nothing is done about it: what is at the service cannot be deleted, and it harms nobody unless it is committed.
pub(super) async fn sweep<S: Service>(hand: &mut Hand<'_, S>) -> Go {
    let now = hand.context.clock.now();
    while let Some(ghost) = hand.job.ghosts.iter().find(|ghost| ghost.due <= now).cloned() {
        let service = hand.service().await?;
        let bearing = match bearing(&service, &ghost).await {
            Ok(bearing) => bearing,
            Err(error) => return hand.trouble(error).await,
        };
        let mut ids = Vec::new();
        for id in bearing.into_iter().filter(|id| !ghost.bearing.contains(id)) {
            if hand.context.store.owner(id).map_err(Stop::Store)?.is_none() {
                ids.push(id);
            }
        }
        hand.record(vec![Event::Twins { thing: ghost.thing, ids }]).await?;
    }
    Ok(())
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
