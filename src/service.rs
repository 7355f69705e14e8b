//! systemd. Nothing else in the program knows it.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::anyhow;
use sd_notify::NotifyState;

/// While something long goes on, systemd is told this often ...
const EXTEND_EACH: Duration = Duration::from_secs(5);
/// ... to wait for so long from then on.
const EXTEND_BY: Duration = Duration::from_secs(20);

/// Is standard error connected to the journal? `JOURNAL_STREAM` names its device and inode then (systemd.exec(5)).
#[must_use]
pub fn stderr_is_the_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else { return false };
    let Ok(stderr) = std::fs::metadata("/proc/self/fd/2") else { return false };
    stream == format!("{}:{}", stderr.dev(), stderr.ino())
}

/// The daemon is up: sockets bound, store open, folders watched.
pub fn ready(status: &str) {
    status.clone_into(&mut LINE.lock().unwrap_or_else(PoisonError::into_inner));
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The line that was told last; shown again when a reload is over.
static LINE: Mutex<String> = Mutex::new(String::new());

/// One line that `systemctl status` shows.
pub fn status(status: &str) {
    status.clone_into(&mut LINE.lock().unwrap_or_else(PoisonError::into_inner));
    tell(&[NotifyState::Status(status)]);
}

/// The daemon is going down.
pub fn stopping(status: &str) {
    tell(&[NotifyState::Stopping, NotifyState::Status(status)]);
}

/// How often the watchdog wants to be fed, at the latest; nothing if there is none.
#[must_use]
pub fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

/// All parts are well.
pub fn feed_watchdog() {
    tell(&[NotifyState::Watchdog]);
}

/// The configuration is being reloaded, for as long as this lives: systemd is told that the daemon is ready
/// again whatever came of it.
#[derive(Debug)]
#[must_use = "the reload ends when this is dropped"]
pub struct Reloading(());

/// Tells that a reload begins (`Type=notify-reload` asks for it with the monotonic time).
pub fn reloading() -> Reloading {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => {
            tell(&[NotifyState::Reloading, now, NotifyState::Status("Reading the configuration anew")])
        }
        Err(error) => tracing::debug!("the monotonic clock cannot be read: {error}"),
    }
    Reloading(())
}

impl Drop for Reloading {
    fn drop(&mut self) {
        let line = LINE.lock().unwrap_or_else(PoisonError::into_inner);
        tell(&[NotifyState::Ready, NotifyState::Status(&line)]);
    }
}

/// Something long goes on, for as long as this lives: systemd's start and stop timeouts are put off.
#[derive(Debug)]
#[must_use = "the extension ends when this is dropped"]
pub struct Extending(
    #[expect(dead_code, reason = "held until it is dropped, which ends the thread")] Sender<()>,
);

/// Puts timeouts off for `most` at the longest. A thread does it: what goes on may block everything else.
pub fn extend_timeouts(most: Duration) -> Extending {
    let extend = || {
        tell(&[NotifyState::ExtendTimeoutUsec(u32::try_from(EXTEND_BY.as_micros()).unwrap_or(u32::MAX))]);
    };
    extend();
    let (held, dropped) = channel::<()>();
    let rounds = u32::try_from(most.as_secs() / EXTEND_EACH.as_secs()).unwrap_or(u32::MAX);
    let keep_on = move || {
        for _ in 0..rounds {
            if dropped.recv_timeout(EXTEND_EACH) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            extend();
        }
    };
    if let Err(error) = std::thread::Builder::new().name("extend".to_owned()).spawn(keep_on) {
        tracing::debug!("systemd's timeouts cannot be put off: {error}");
    }
    Extending(held)
}

/// Where credentials lie for systemd to load (systemd.exec(5)); a command that systemd did not start reads them there.
const CREDSTORES: [&str; 2] = ["/etc/credstore", "/run/credstore"];

/// The file of a systemd credential. An encrypted one comes as `NAME-encrypted`, because systemd takes a plain file for
/// an encrypted one of the same name.
///
/// # Errors
/// When the unit was not given it, or was given both; outside of a unit when it lies nowhere to be read.
pub fn credential(name: &str) -> anyhow::Result<PathBuf> {
    let encrypted = format!("{name}-encrypted");
    let Some(folder) = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from) else {
        return outside_of_a_unit(name, &encrypted);
    };
    let file = |name: &str| Some(folder.join(name)).filter(|path| path.is_file());
    match (file(name), file(&encrypted)) {
        (Some(path), None) | (None, Some(path)) => Ok(path),
        (None, None) => Err(anyhow!(
            "the systemd credential `{name}` is not there; put it into /etc/credstore/{name}, or encrypted into \
             /etc/credstore.encrypted/{encrypted}, and have the unit load it"
        )),
        (Some(_), Some(_)) => Err(anyhow!(
            "there are both a plain and an encrypted systemd credential `{name}`; remove one of them"
        )),
    }
}

fn outside_of_a_unit(name: &str, encrypted: &str) -> anyhow::Result<PathBuf> {
    let plain = CREDSTORES.iter().map(|store| PathBuf::from(store).join(name)).find(|path| path.is_file());
    let sealed = PathBuf::from("/etc/credstore.encrypted").join(encrypted);
    match plain {
        Some(path) => Ok(path),
        None if sealed.is_file() => Err(anyhow!(
            "{} can only be read within the unit; try this command by `systemd-run --pipe --wait -p \
             LoadCredentialEncrypted={encrypted} dropship …`",
            sealed.display()
        )),
        None => Err(anyhow!(
            "the systemd credential `{name}` is not in /etc/credstore, or this user may not look there; be root"
        )),
    }
}

/// Outside of systemd there is nobody to tell, which is fine.
fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!("systemd could not be told: {error}");
    }
}
