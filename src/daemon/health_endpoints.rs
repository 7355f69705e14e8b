//! The parts of the daemon that the endpoints read.

use std::sync::Arc;

use jiff::Timestamp;

use crate::attention::Attention;
use crate::metrics::Metrics;
use crate::notify::Notifier;
use dropship_engine::observe::Heartbeats;
use dropship_engine::pipeline::Pipeline;
use dropship_hardware::Client;
use dropship_intake::Intake;

/// The parts of the daemon that the endpoints read.
pub(super) struct HealthEndpoints {
    pub(super) pipeline: Arc<Pipeline<Client>>,
    pub(super) intake: Arc<Intake>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) notifier: Arc<Notifier>,
    pub(super) heartbeats: Heartbeats,
    pub(super) attention: Arc<Attention>,
    pub(super) since: Timestamp,
}
