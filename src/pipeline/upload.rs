//! The upload step: the captured copy goes to the URL that the submission offers.

use super::hand::{Go, Hand};
use super::reading::is_past_pending;
use super::service::Service;
use dropship_hardware::TransferError;
use dropship_job::{Event, Fault};

/// Uploads the copy. A repeated upload writes the same bytes to the same place.
pub(super) async fn run<S: Service>(hand: &mut Hand<'_, S>) -> Go {
    let service = hand.service().await?;
    // Always asked for anew: upload URLs run out and are never kept.
    let submission = hand.look(&service).await?;
    if is_past_pending(&submission) {
        let message = "the submission is committed already, by somebody else: nothing can be uploaded to it any more; \
                       retry with --new-product";
        return hand.fail(Fault::new("committed-elsewhere", message)).await;
    }
    let Some(url) = submission.upload_url() else {
        return hand.look_again(hand.context.settings.sign, "the submission offers no upload URL yet").await;
    };
    if hand.brake_holds().await {
        return hand.wait_paused().await;
    }
    let (copy, sha256) = (hand.context.depot.package(&hand.job.id), hand.job.package.sha256.clone());
    // Only the bytes that were inspected go out.
    match hand.unless_draining(service.upload(&url, &copy, &sha256)).await? {
        Ok(bytes) => hand.record(vec![Event::Uploaded { bytes }]).await,
        Err(TransferError::Altered { .. } | TransferError::Changed { .. }) => {
            let message = format!(
                "{} holds other bytes than were inspected, and nothing of it became an upload; cancel the job and drop the package anew",
                copy.display()
            );
            hand.hold(Fault::new("copy-changed", message)).await
        }
        Err(TransferError::Local { what: "read", source, .. }) => {
            let message = format!(
                "the captured copy {} cannot be read: {source}; put it back and approve, or cancel the job and drop the package anew",
                copy.display()
            );
            hand.hold(Fault::new("copy-lost", message)).await
        }
        Err(error) => hand.transfer_trouble(&error).await,
    }
}
