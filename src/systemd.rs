//! The interface to systemd: readiness, status line, watchdog, timeouts, credentials.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use anyhow::anyhow;
use parking_lot::Mutex;
use sd_notify::NotifyState;

use self::messages::Messages;
use crate::escaped::Escaped;

mod messages;

/// Interval between requests for a longer timeout.
const EXTEND_EACH: Duration = Duration::from_secs(5);
/// Time that each request asks for; four intervals, so that a busy machine may miss some.
const EXTEND_BY: Duration = Duration::from_secs(20);

/// Whether standard error is connected to the journal. `JOURNAL_STREAM` contains its device and inode (systemd.exec(5)).
#[must_use]
pub fn stderr_is_the_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else { return false };
    let Ok(stderr) = rustix::fs::fstat(std::io::stderr()) else { return false };
    stream == format!("{}:{}", stderr.st_dev, stderr.st_ino)
}

/// Whether systemd started this process as part of a unit (systemd.exec(5)).
#[must_use]
pub fn is_unit() -> bool {
    std::env::var_os("INVOCATION_ID").is_some()
}

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

/// The watchdog timeout of the unit, if it has one.
#[must_use]
pub fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

/// Reports that all components are alive.
pub fn feed_watchdog() {
    messages::send_now(&[NotifyState::Watchdog]);
}

/// Extends systemd's start and stop timeouts while it lives.
#[derive(Debug)]
#[must_use = "the extension ends when this is dropped"]
pub struct Extending(
    #[expect(dead_code, reason = "held until it is dropped, which ends the thread")] Sender<()>,
);

/// Extends the timeouts by at most `limit`. A thread does it, since the work may block the async runtime.
pub fn extend_timeouts(limit: Duration) -> Extending {
    let extend = || {
        messages::send_now(&[NotifyState::ExtendTimeoutUsec(
            u32::try_from(EXTEND_BY.as_micros()).unwrap_or(u32::MAX),
        )]);
    };
    extend();
    let (held, dropped) = channel::<()>();
    let rounds = u32::try_from(limit.as_secs() / EXTEND_EACH.as_secs()).unwrap_or(u32::MAX);
    let extend_repeatedly = move || {
        for _ in 0..rounds {
            if dropped.recv_timeout(EXTEND_EACH) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            extend();
        }
    };
    if let Err(error) = std::thread::Builder::new().name("extend".to_owned()).spawn(extend_repeatedly) {
        tracing::debug!("cannot extend systemd's timeouts: {error}");
    }
    Extending(held)
}

/// Folders from which systemd loads credentials (systemd.exec(5)); commands that systemd did not start read them there.
const CREDSTORES: [&str; 2] = ["/etc/credstore", "/run/credstore"];

/// The file of a systemd credential. An encrypted one is named `NAME-encrypted`, because systemd would mistake a plain file
/// of the same name for it.
///
/// # Errors
/// When the unit has neither or both of them; outside of a unit, when no readable file exists.
pub fn credential(name: &str) -> anyhow::Result<PathBuf> {
    let encrypted = format!("{name}-encrypted");
    let Some(folder) = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from) else {
        return outside_of_a_unit(name, &encrypted);
    };
    let file = |name: &str| Some(folder.join(name)).filter(|path| path.is_file());
    match (file(name), file(&encrypted)) {
        (Some(path), None) | (None, Some(path)) => Ok(path),
        (None, None) => Err(anyhow!(
            "the systemd credential `{name}` does not exist; put it into /etc/credstore/{name}, or encrypted into \
             /etc/credstore.encrypted/{encrypted}, and have the unit load it"
        )),
        (Some(_), Some(_)) => Err(exists_twice(name)),
    }
}

fn exists_twice(name: &str) -> anyhow::Error {
    anyhow!("systemd credential `{name}` exists both plain and encrypted; remove one of them")
}

/// An encrypted credential, which only systemd can read for the unit. Outside of it, nothing is known about the credential.
#[derive(Debug, thiserror::Error)]
#[error(
    "{} can only be read within the unit; run this command with `systemd-run --pipe --wait -p LoadCredentialEncrypted={name} dropship …`",
    path.display()
)]
pub struct SealedCredential {
    path: PathBuf,
    name: String,
}

fn outside_of_a_unit(name: &str, encrypted: &str) -> anyhow::Result<PathBuf> {
    let plain = CREDSTORES.iter().map(|store| PathBuf::from(store).join(name)).find(|path| path.is_file());
    let sealed = PathBuf::from("/etc/credstore.encrypted").join(encrypted);
    match plain {
        Some(_) if sealed.is_file() => Err(exists_twice(name)),
        Some(path) => Ok(path),
        None if sealed.is_file() => Err(SealedCredential { path: sealed, name: encrypted.to_owned() }.into()),
        None => Err(anyhow!(
            "the systemd credential `{name}` is not in /etc/credstore, or this user cannot read it; run the command as root"
        )),
    }
}
