//! What happens to drop folders, and to intake as a whole.

use super::{Shown, id};

/// Logs changes in the health of folders.
#[derive(Debug, Clone, Copy)]
pub struct FolderLog;

impl dropship_intake::FolderEvents for FolderLog {
    fn degraded(&self, folder: &str, reason: &str, advice: &str) {
        tracing::error!(
            folder,
            event = "folder_degraded",
            message_id = id::FOLDER_DEGRADED,
            "Folder `{folder}` is degraded: {}; {advice}",
            Shown(reason)
        );
    }

    fn polled(&self, folder: &str, reason: &str, advice: &str) {
        tracing::warn!(
            folder,
            event = "folder_polled",
            "Folder `{folder}` is polled: {}; {advice}",
            Shown(reason)
        );
    }

    fn recovered(&self, folder: &str) {
        tracing::info!(folder, event = "folder_recovered", "Folder `{folder}` is ok again");
    }
}

/// Nothing more is let in.
pub fn intake_paused(why: &str) {
    tracing::warn!(event = "intake_paused", message_id = id::INTAKE_PAUSED, "Intake pauses: {why}");
}

/// Nothing more of one folder is let in.
pub fn folder_full(folder: &str, why: &str) {
    tracing::warn!(
        folder,
        event = "intake_paused",
        message_id = id::INTAKE_PAUSED,
        "Intake from folder `{folder}` pauses: {why}"
    );
}

/// One folder's files are let in again.
pub fn folder_has_room(folder: &str) {
    tracing::info!(folder, event = "intake_resumed", "Intake from folder `{folder}` goes on");
}

/// There is room again.
pub fn intake_resumed() {
    tracing::info!(event = "intake_resumed", "Intake goes on");
}
