//! The endpoints of a node that stands by.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::own_folders::OwnFolders;
use crate::control::ControlHandler;
use crate::daemon::http::HealthPages;
use crate::daemon::metrics_page::write_folder_health;
use crate::metrics::{Text, registry};
use crate::observe::Heartbeats;

/// Liveness, readiness and metrics. Only the active node counts the jobs, so that sums over all nodes are right.
pub(super) struct StandbyPages {
    pub(super) handler: Arc<dyn ControlHandler>,
    pub(super) heartbeats: Heartbeats,
    pub(super) since: Timestamp,
    /// The folders that this node watches.
    pub(super) own: Option<Arc<OwnFolders>>,
}

impl HealthPages for StandbyPages {
    fn metrics(&self) -> String {
        let mut text = Text::default();
        text.family(&registry::BUILD_INFO).sample(&[env!("CARGO_PKG_VERSION")], 1.0);
        text.one(&registry::START_TIME, self.since.as_second() as f64);
        text.one(&registry::NODE_ACTIVE, 0.0);
        if let Some(own) = &self.own {
            write_folder_health(&mut text, &own.intake().health());
        }
        let mut family = text.family(&registry::HEARTBEAT_AGE);
        for (part, age) in self.heartbeats.ages() {
            family.sample(&[part], age.as_secs_f64());
        }
        text.into_string()
    }

    fn stalled(&self) -> Vec<String> {
        self.heartbeats.stalled_sentences()
    }

    fn readiness(&self) -> (bool, Value) {
        let status = self.handler.status();
        let (trouble, paused) = status.map(|status| (status.trouble, status.paused)).unwrap_or_default();
        let mut reasons = vec!["standing-by"];
        reasons.extend(trouble.iter().map(|item| item.kind.name()));
        let page = json!({
            "ready": false, "reasons": reasons, "warnings": [], "trouble": trouble, "paused": paused,
        });
        (false, page)
    }
}
