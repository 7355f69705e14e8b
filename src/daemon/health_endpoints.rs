//! The state that the endpoints report: liveness and readiness.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::http::HealthPages;
use super::metrics_page;
use crate::attention::{Attention, Severity};
use crate::metrics::Metrics;
use crate::notify::Notifier;
use crate::observe::Heartbeats;
use crate::pipeline::Pipeline;
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

impl HealthPages for HealthEndpoints {
    fn metrics(&self) -> String {
        metrics_page::page(self)
    }

    fn stalled(&self) -> Vec<String> {
        self.heartbeats.stalled_sentences()
    }

    fn readiness(&self) -> (bool, Value) {
        let trouble = self.attention.refresh();
        let kinds = |severity| {
            let of = trouble.iter().filter(|item| item.severity == severity);
            of.map(|item| item.kind.name()).collect::<BTreeSet<_>>()
        };
        let (mut reasons, warnings) = (kinds(Severity::StopsIntake), kinds(Severity::Warning));
        if self.pipeline.shutdown().is_cancelled() {
            reasons.insert("stopping");
        }
        if self.pipeline.store_failure().borrow().is_some() {
            reasons.insert("store-failed");
        }
        let is_ready = reasons.is_empty();
        let paused = self.pipeline.pause().scopes();
        let page = json!({
            "ready": is_ready, "reasons": reasons, "warnings": warnings, "trouble": trouble, "paused": paused,
        });
        (is_ready, page)
    }
}
