//! Log lines of drop folders and of intake as a whole.

use std::path::Path;
use std::time::Duration;

use super::id;
use dropship_intake::FileLoss;
use dropship_job::counted;
use dropship_redact::Escaped;

/// Logs changes in the health of folders.
#[derive(Debug, Clone, Copy)]
pub struct FolderLog;

impl dropship_intake::FolderEvents for FolderLog {
    fn degraded(&self, folder: &str, reason: &str, advice: &str) {
        tracing::error!(
            folder,
            event = "folder_degraded",
            message_id = id::FOLDER_DEGRADED,
            "folder `{folder}` is degraded: {}; {advice}",
            Escaped(reason)
        );
    }

    fn polled(&self, folder: &str, reason: &str, advice: &str) {
        tracing::warn!(
            folder,
            event = "folder_polled",
            "folder `{folder}` is polled: {}; {advice}",
            Escaped(reason)
        );
    }

    fn recovered(&self, folder: &str) {
        tracing::info!(
            folder,
            event = "folder_recovered",
            message_id = id::ATTENTION_ENDED,
            "folder `{folder}` has recovered"
        );
    }

    fn lost(&self, folder: &str, path: &Path, how: FileLoss) {
        let what = match how {
            FileLoss::Vanished => "was removed or renamed",
            FileLoss::Overwritten => "was overwritten",
        };
        tracing::warn!(
            folder,
            event = "file_lost",
            how = how.as_str(),
            "{} {what} before dropship had taken it; give each build's package a name of its own, or use `dropship submit`",
            Escaped(&path.to_string_lossy())
        );
    }
}

/// Intake from all folders stops.
pub fn intake_paused(why: &str) {
    tracing::warn!(event = "intake_paused", message_id = id::INTAKE_PAUSED, "intake pauses: {why}");
}

/// Intake from all folders continues.
pub fn intake_resumed() {
    tracing::info!(event = "intake_resumed", message_id = id::ATTENTION_ENDED, "intake continues");
}

/// Intake from one folder stops.
pub fn folder_intake_paused(folder: &str, why: &str) {
    tracing::warn!(
        folder,
        event = "intake_paused",
        message_id = id::INTAKE_PAUSED,
        "intake from folder `{folder}` pauses: {why}"
    );
}

/// Intake from one folder continues.
pub fn folder_intake_resumed(folder: &str) {
    tracing::info!(
        folder,
        event = "intake_resumed",
        message_id = id::ATTENTION_ENDED,
        "intake from folder `{folder}` continues"
    );
}

/// A file of a folder cannot be admitted at the moment.
pub fn folder_busy(folder: &str, path: &Path, why: &str) {
    let path = path.display().to_string();
    tracing::warn!(
        folder,
        event = "intake_busy",
        "{}: {}; it is tried again, and the end is logged",
        Escaped(&path),
        Escaped(why)
    );
}

/// Files of a folder can be admitted again.
pub fn folder_busy_ended(folder: &str, duration: Duration, attempts: u64) {
    let seconds = duration.as_secs();
    tracing::info!(
        folder,
        event = "intake_busy_ended",
        attempts,
        "files of folder `{folder}` are admitted again; attempts failed for {seconds} s ({})",
        counted(attempts, "attempt")
    );
}

/// The outbox has something of others under the name of a package's folder (`taken`), so another name is used.
pub fn outbox_name_taken(folder: &str, taken: &Path, instead: &Path) {
    tracing::warn!(
        folder,
        event = "outbox_name_taken",
        "{} of the outbox is not dropship's own, so it is not used; the results go to {}. Remove what is there, and let only \
         dropship write to the outbox",
        Escaped(&taken.display().to_string()),
        Escaped(&instead.display().to_string())
    );
}
