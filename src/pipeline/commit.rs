//! The commit step. The service refuses a second commit, so one in doubt is settled by a look.

use super::hand::{Go, Hand, Stop};
use super::reading::is_past_pending;
use super::service::Service;
use dropship_hardware::{Class, Fate};
use dropship_job::{Commit, Event};

/// Commits the submission.
pub(super) async fn run<S: Service>(hand: &mut Hand<'_, S>) -> Go {
    let service = hand.service().await?;
    let (product, submission) = hand.remote().await?;
    if hand.job.commit == Commit::Intended && is_past_pending(&hand.look(&service).await?) {
        return hand.record(vec![Event::Committed]).await;
    }
    let context = hand.context;
    let Some(_pass) = context.brake.pass(hand.job.package.folder.as_deref()).await else {
        return hand.wait_paused().await;
    };
    if context.draining.is_cancelled() {
        return Err(Stop::Draining);
    }
    hand.record(vec![Event::CommitIntended]).await?;
    match service.commit(product, submission).await {
        Ok(()) => hand.record(vec![Event::Committed]).await,
        // Back to the top, which looks.
        Err(error) if error.fate == Fate::Uncertain || error.class == Class::Reconcile => {
            crate::observe::doubtful(&hand.job, "commit", &error.to_string());
            if is_past_pending(&hand.look(&service).await?) {
                return hand.record(vec![Event::Committed]).await;
            }
            hand.stumble(dropship_job::Fault::new("commit-unanswered", error.to_string()), error.retry_after)
                .await
        }
        Err(error) => hand.trouble(error).await,
    }
}
