//! Liveness, readiness and metrics of a daemon that processes jobs.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::health_endpoints::HealthEndpoints;
use super::http::HealthPages;
use super::metrics_page;
use crate::attention::{AttentionItem, Severity};
use dropship_engine::observe::Restart;

impl HealthPages for HealthEndpoints {
    fn metrics(&self) -> String {
        metrics_page::page(self)
    }

    fn stalled(&self, restart: Restart) -> Vec<String> {
        self.heartbeats.stalled_sentences(restart)
    }

    fn readiness(&self) -> (bool, Value) {
        let trouble = self.attention.refresh();
        let mut reasons = BTreeSet::new();
        if self.pipeline.shutdown().is_cancelled() {
            reasons.insert("stopping");
        }
        if self.pipeline.store_failure().borrow().is_some() {
            reasons.insert("store-failed");
        }
        readiness_page(reasons, &trouble, &self.pipeline.pause().scopes())
    }
}

/// Whether a node is ready, and the page that says why it is not: for these reasons, and for the trouble that stops its intake.
pub(super) fn readiness_page(
    mut reasons: BTreeSet<&'static str>,
    trouble: &[AttentionItem],
    paused: &impl serde::Serialize,
) -> (bool, Value) {
    let kinds =
        |severity| trouble.iter().filter(move |item| item.severity == severity).map(|item| item.kind.name());
    reasons.extend(kinds(Severity::StopsIntake));
    let warnings: BTreeSet<_> = kinds(Severity::Warning).collect();
    let is_ready = reasons.is_empty();
    let page = json!({
        "ready": is_ready, "reasons": reasons, "warnings": warnings, "trouble": trouble, "paused": paused,
    });
    (is_ready, page)
}
