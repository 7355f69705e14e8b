//! The state of the unit, as systemd shows it.

use std::sync::Arc;

use dropship_redact::Escaped;
use parking_lot::Mutex;
use sd_notify::NotifyState;

use crate::messages::{self, Messages};

/// The state of the unit, and the status line that `systemctl status` shows. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct UnitStatus {
    line: Arc<Mutex<String>>,
    messages: Messages,
}

impl UnitStatus {
    /// Reports that the daemon is ready, with its first status line.
    pub fn ready(&self, line: &str) {
        let line = self.replace(line);
        self.messages.send(&[NotifyState::Ready, NotifyState::Status(&line)]);
    }

    /// Replaces the status line.
    pub fn set(&self, line: &str) {
        let line = self.replace(line);
        self.messages.send(&[NotifyState::Status(&line)]);
    }

    /// Stores the line, escaped: a line break would begin another message to systemd.
    fn replace(&self, line: &str) -> String {
        let line = Escaped(line).to_string();
        line.clone_into(&mut self.line.lock());
        line
    }

    /// Reports that a reload starts; `Type=notify-reload` needs the monotonic time with it.
    pub fn reloading(&self) -> Reloading<'_> {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => {
                self.messages.send(&[
                    NotifyState::Reloading,
                    now,
                    NotifyState::Status("Reloading the configuration"),
                ]);
            }
            Err(error) => tracing::debug!("cannot read the monotonic clock: {error}"),
        }
        Reloading(self)
    }
}

/// A reload in progress. When it is dropped, systemd is notified that the daemon is ready again, whether the reload
/// succeeded or not, and the previous status line returns.
#[derive(Debug)]
#[must_use = "the reload ends when this is dropped"]
pub struct Reloading<'a>(&'a UnitStatus);

impl Drop for Reloading<'_> {
    fn drop(&mut self) {
        let line = self.0.line.lock().clone();
        self.0.messages.send(&[NotifyState::Ready, NotifyState::Status(&line)]);
    }
}

/// Reports that the daemon shuts down.
pub fn stopping(status: &str) {
    messages::send_now(&[NotifyState::Stopping, NotifyState::Status(status)]);
}
