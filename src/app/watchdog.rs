//! Feeds systemd's watchdog as long as every part that can hang shows that it does not.
//!
//! A thread of its own does it: it has to work, and to name the culprit, when the runtime hangs.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use crate::pulse::{self, Beat, Pulse};
use crate::{observe, service};
use dropship_intake::Intake;

/// The thread ends when this is dropped.
#[derive(Debug)]
pub(super) struct Watchdog(#[expect(dead_code, reason = "held until it is dropped")] Sender<()>);

/// Feeds the watchdog, if systemd has one for us.
pub(super) fn start(pulse: &Pulse, socket: &Path) -> Option<Watchdog> {
    let patience = service::watchdog()?;
    let (held, dropped) = channel::<()>();
    let (pulse, socket) = (pulse.clone(), socket.to_owned());
    let each = (patience / 4).max(Duration::from_millis(50));
    let keep = move || {
        let mut hung: Vec<&str> = Vec::new();
        loop {
            let mut now = pulse.silent(patience / 2);
            if !answers(&socket, patience / 4) {
                now.push(("control socket", patience / 4));
            }
            if now.is_empty() {
                service::feed_watchdog();
            } else if now.iter().any(|(part, _)| !hung.contains(part)) {
                observe::hung(&now);
            }
            hung = now.iter().map(|(part, _)| *part).collect();
            if dropped.recv_timeout(each) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    };
    match std::thread::Builder::new().name("watchdog".to_owned()).spawn(keep) {
        Ok(_) => Some(Watchdog(held)),
        Err(error) => {
            tracing::error!("the watchdog cannot be fed: {error}");
            None
        }
    }
}

/// Does the control socket answer a question within this time?
fn answers(socket: &Path, within: Duration) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(within))?;
        stream.set_write_timeout(Some(within))?;
        stream.write_all(b"GET /livez HTTP/1.1\r\nHost: dropship\r\nConnection: close\r\n\r\n")?;
        let mut answer = [0; 8];
        stream.read_exact(&mut answer)?;
        Ok(answer == *b"HTTP/1.1")
    };
    ask().unwrap_or(false)
}

/// Shows that the intake does not hang: its locks are free, and there is a thread for what blocks. A share that
/// hangs is no reason to restart, and is told by the folder's own health.
pub(super) async fn attend(intake: Arc<Intake>, beat: Beat) {
    for turn in 0.. {
        let intake = Arc::clone(&intake);
        if tokio::task::spawn_blocking(move || intake.touch(turn)).await.is_ok() {
            beat.beat();
        }
        tokio::time::sleep(pulse::pace()).await;
    }
}
