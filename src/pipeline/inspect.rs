//! The inspect step of a job that is judged anew, since somebody retried it.

use super::hand::{Go, Hand};
use super::service::Service;

/// Judges the job's package anew, from where it was found.
pub(super) async fn run<S: Service>(hand: &mut Hand<'_, S>) -> Go {
    let judge = hand.context.judge.clone();
    let job = hand.job.clone();
    let events = tokio::task::spawn_blocking(move || judge.judge_anew(&job)).await;
    match events {
        Ok(events) => hand.record(events).await,
        Err(error) => {
            let fault = dropship_job::Fault::new("inspection-failed", format!("inspection failed: {error}"));
            hand.hold(fault).await
        }
    }
}
