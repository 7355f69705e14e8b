//! What happens to drop folders, and to intake as a whole.

use super::{Shown, id};

/// A folder cannot be watched as it should, or not at all.
pub fn folder_degraded(folder: &str, why: &str, advice: &str) {
    tracing::error!(
        folder,
        event = "folder_degraded",
        message_id = id::FOLDER_DEGRADED,
        "Folder `{folder}` is degraded: {}; {advice}",
        Shown(why)
    );
}

/// A folder's events do not tell of all that happens there, so it lives on looks.
pub fn folder_polled(folder: &str, why: &str, advice: &str) {
    tracing::warn!(folder, event = "folder_polled", "Folder `{folder}` is polled: {}; {advice}", Shown(why));
}

/// A folder fares as it should again.
pub fn folder_well(folder: &str) {
    tracing::info!(folder, event = "folder_well", "Folder `{folder}` is well again");
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
