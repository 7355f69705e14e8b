//! The endpoints of a node that stands by.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::control::StandbyControl;
use super::own_folders::OwnFolders;
use crate::control::ControlHandler;
use crate::daemon::health_pages::readiness_page;
use crate::daemon::http::HealthPages;
use crate::daemon::metrics_page::{write_folder_health, write_trouble};
use crate::daemon::node_metrics;
use crate::metrics::{ExpositionText, registry};
use dropship_engine::observe::{Heartbeats, Restart};

/// Liveness, readiness and metrics. The metrics of the fleet are those of the active node, so that sums over all nodes are right.
pub(super) struct StandbyPages {
    pub(super) handler: Arc<StandbyControl>,
    pub(super) heartbeats: Heartbeats,
    pub(super) since: Timestamp,
    /// The folders that this node watches.
    pub(super) own_folders: Option<Arc<OwnFolders>>,
}

impl HealthPages for StandbyPages {
    fn metrics(&self) -> String {
        let mut text = ExpositionText::default();
        text.family(&registry::BUILD_INFO).sample(&[env!("CARGO_PKG_VERSION")], 1.0);
        text.one(&registry::START_TIME, self.since.as_second() as f64);
        node_metrics::write(&mut text, self.handler.store(), false);
        write_trouble(&mut text, &self.handler.trouble());
        if let Some(own_folders) = &self.own_folders {
            write_folders(&mut text, own_folders);
        }
        if let Ok(space) = self.handler.packages().free_space() {
            text.one(&registry::STORE_FREE, space.free as f64);
        }
        let mut family = text.family(&registry::HEARTBEAT_AGE);
        for (part, age) in self.heartbeats.ages() {
            family.sample(&[part], age.as_secs_f64());
        }
        if let Some(own_folders) = &self.own_folders {
            own_folders.metrics().write_lost(&mut text);
        }
        // Its configuration is read at the start only.
        let standing = self.handler.configuration_standing();
        text.one(&registry::CONFIG_GENERATION, standing.generation as f64);
        text.one(&registry::CONFIG_RELOAD_SUCCESSFUL, 1.0);
        text.one(&registry::CONFIG_RELOAD_TIME, standing.active_since.as_second() as f64);
        text.one(&registry::CONFIG_RELOAD_SUCCESS_TIME, standing.active_since.as_second() as f64);
        text.into_string()
    }

    fn stalled(&self, restart: Restart) -> Vec<String> {
        self.heartbeats.stalled_sentences(restart)
    }

    fn readiness(&self) -> (bool, Value) {
        let status = self.handler.status();
        let (trouble, paused) = status.map(|status| (status.trouble, status.paused)).unwrap_or_default();
        readiness_page(BTreeSet::from(["standing-by"]), &trouble, &paused)
    }
}

/// Writes what concerns the folders of this node.
fn write_folders(text: &mut ExpositionText, own_folders: &OwnFolders) {
    write_folder_health(text, &own_folders.intake().health());
    text.one(&registry::WATCH_OVERFLOWS, own_folders.intake().overflows() as f64);
    let mut family = text.family(&registry::OUTBOX_WRITABLE);
    for (folder, is_writable) in own_folders.outboxes() {
        family.sample(&[&folder], f64::from(u8::from(is_writable)));
    }
}
