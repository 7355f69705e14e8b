//! Feeds systemd's watchdog while every component that can hang sends heartbeats.
//!
//! A separate thread, so that it still works and can name the stalled component when the async runtime hangs.

use std::fmt;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use dropship_engine::observe::{self, Heartbeats, SilenceOf};
use dropship_intake::Intake;

/// The thread ends when this is dropped.
#[derive(Debug)]
pub(super) struct Watchdog(#[expect(dead_code, reason = "held until it is dropped")] Sender<()>);

/// Starts feeding the watchdog, if the unit has one.
pub(super) fn start(heartbeats: &Heartbeats, socket: &Path) -> Option<Watchdog> {
    let timeout = dropship_systemd::watchdog()?;
    let (held, dropped) = channel::<()>();
    let (heartbeats, socket) = (heartbeats.clone(), socket.to_owned());
    let interval = (timeout / 4).max(Duration::from_millis(50));
    let feed = move || {
        let mut reported: Vec<&str> = Vec::new();
        loop {
            let mut stalled = heartbeats.stalled_until_restart(heartbeats.limit());
            if !answers(&socket, timeout / 4) {
                stalled.push(("control socket", timeout / 4));
            }
            if stalled.is_empty() {
                dropship_systemd::feed_watchdog();
            } else if stalled.iter().any(|(part, _)| !reported.contains(part)) {
                observe::components_stalled(&stalled);
            }
            reported = stalled.iter().map(|(part, _)| *part).collect();
            if dropped.recv_timeout(interval) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    };
    match std::thread::Builder::new().name("watchdog".to_owned()).spawn(feed) {
        Ok(_) => Some(Watchdog(held)),
        Err(error) => {
            tracing::error!(
                "cannot start the thread that feeds the watchdog, so systemd will restart the daemon: {error}"
            );
            None
        }
    }
}

/// Whether the control socket answers a request within this time.
fn answers(socket: &Path, timeout: Duration) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(timeout))?;
        stream.set_write_timeout(Some(timeout))?;
        stream.write_all(b"GET /livez HTTP/1.1\r\nHost: dropship\r\nConnection: close\r\n\r\n")?;
        let mut answer = [0; 8];
        stream.read_exact(&mut answer)?;
        Ok(answer == *b"HTTP/1.1")
    };
    ask().unwrap_or(false)
}

/// The wait for the file systems of the drop folders. A restart would not end it. The list of what needs attention contains the
/// folders that do not respond.
pub(super) struct FolderAccess(pub(super) Arc<Intake>);

impl SilenceOf for FolderAccess {
    fn silence(&self) -> Duration {
        self.0.silence()
    }
}

impl fmt::Debug for FolderAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FolderAccess").field(&self.silence()).finish()
    }
}
