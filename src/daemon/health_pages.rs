//! Liveness, readiness and metrics of a daemon that processes jobs.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::health_endpoints::HealthEndpoints;
use super::http::HealthPages;
use super::metrics_page;
use crate::attention::Severity;

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
