//! Changes that operators make at nodes that stand by. The active node acts on them as if the operators had made them at this node.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedReceiver;

use dropship_engine::pipeline::{Pipeline, concerns_pauses};
use dropship_hardware::Client;
use dropship_store::Entry;

/// Acts on the entries of other nodes until the store is closed.
pub(super) async fn act_on(pipeline: Arc<Pipeline<Client>>, mut commits: UnboundedReceiver<Vec<Entry>>) {
    let pauses = Notify::new();
    // The node that was active before may have left a pause request that it has not confirmed.
    pauses.notify_one();
    let jobs = async {
        while let Some(entries) = commits.recv().await {
            if entries.iter().any(concerns_pauses) {
                pauses.notify_one();
            }
            entries.iter().for_each(|entry| act_on_job(&pipeline, entry));
        }
    };
    // A pause waits for calls in flight, which must not delay the events of jobs.
    let confirming = async {
        loop {
            pauses.notified().await;
            if let Err(error) = pipeline.follow_pauses().await {
                tracing::error!("cannot follow the pauses of another node: {error}");
            }
        }
    };
    tokio::select! {
        () = jobs => {}
        () = confirming => {}
    }
}

fn act_on_job(pipeline: &Pipeline<Client>, entry: &Entry) {
    let Entry::Job { job: id, events, .. } = entry else { return };
    match pipeline.store().job(id) {
        Ok(Some(job)) => pipeline.events().after_commit_in_background(&job, events),
        Ok(None) => {}
        Err(error) => {
            tracing::error!(job_id = %id, "cannot read job {id}, which another node changed: {error}")
        }
    }
}
