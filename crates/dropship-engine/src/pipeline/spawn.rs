//! The tasks of the pipeline.
//!
//! They are not generic, unlike the pipeline, so that their code is compiled and optimised with this crate and not with the program.

use std::sync::Arc;

use dropship_hardware::Client;
use tokio::task::JoinHandle;

use super::assembly::Pipeline;
use super::{audit, worker};

/// Starts the workers. The task ends after the shutdown, when every worker has released its job.
pub fn spawn_workers(pipeline: Arc<Pipeline<Client>>) -> JoinHandle<()> {
    tokio::spawn(worker::run(pipeline))
}

/// Starts the regular comparison of published labels with Microsoft's. The task ends at the shutdown.
pub fn spawn_audit(pipeline: Arc<Pipeline<Client>>) -> JoinHandle<()> {
    tokio::spawn(audit::run(pipeline))
}
