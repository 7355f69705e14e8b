//! Messages to systemd (`sd_notify(3)`). A service manager that does not read them delays nothing.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;

use parking_lot::Mutex;
use sd_notify::NotifyState;

/// Maximum number of messages that wait for systemd to read; the oldest are given up.
const MAX_WAITING: usize = 64;

/// Messages to systemd in their order. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Messages(Arc<Mutex<MessageQueue>>);

#[derive(Debug, Default)]
struct MessageQueue {
    texts: VecDeque<String>,
    /// A thread sends them, since systemd did not take one at once.
    has_thread: bool,
}

impl Messages {
    /// Sends a message, or leaves it to a thread until systemd reads again.
    pub(super) fn send(&self, states: &[NotifyState<'_>]) {
        let Some(address) = address() else { return };
        let mut queue = self.0.lock();
        queue.add(text(states));
        if queue.has_thread || queue.send(&address) {
            return;
        }
        let shared = self.clone();
        let spawned =
            std::thread::Builder::new().name("notify".to_owned()).spawn(move || shared.send_all(&address));
        match spawned {
            Ok(_) => queue.has_thread = true,
            Err(error) => tracing::debug!("systemd gets its messages later: {error}"),
        }
    }

    /// Sends what waits, and waits for systemd.
    fn send_all(&self, address: &SocketAddr) {
        loop {
            let first = {
                let mut queue = self.0.lock();
                match queue.texts.pop_front() {
                    Some(first) => first,
                    None => {
                        queue.has_thread = false;
                        return;
                    }
                }
            };
            report(send(address, &first, false));
        }
    }
}

impl MessageQueue {
    /// Appends a message. A newer status line replaces one that waits.
    fn add(&mut self, text: String) {
        let is_status = |text: &String| text.starts_with("STATUS=");
        if is_status(&text) && self.texts.back().is_some_and(is_status) {
            self.texts.pop_back();
        }
        if self.texts.len() >= MAX_WAITING {
            self.texts.pop_front();
        }
        self.texts.push_back(text);
    }

    /// Sends what systemd takes at once. Returns whether nothing waits any more.
    fn send(&mut self, address: &SocketAddr) -> bool {
        while let Some(text) = self.texts.front() {
            match send(address, text, true) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                sent => report(sent),
            }
            self.texts.pop_front();
        }
        true
    }
}

/// Sends a message that is soon repeated: it is given up if systemd does not take it at once.
pub(super) fn send_now(states: &[NotifyState<'_>]) {
    if let Some(address) = address() {
        report(send(&address, &text(states), true));
    }
}

fn text(states: &[NotifyState<'_>]) -> String {
    states.iter().map(|state| format!("{state}\n")).collect()
}

/// The socket of systemd; `None` without systemd.
fn address() -> Option<SocketAddr> {
    let path = std::env::var_os("NOTIFY_SOCKET")?;
    let address = match path.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(&path),
    };
    address.inspect_err(|error| tracing::debug!("cannot notify systemd: {error}")).ok()
}

fn send(address: &SocketAddr, text: &str, at_once: bool) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(at_once)?;
    socket.send_to_addr(text.as_bytes(), address).map(drop)
}

fn report(sent: io::Result<()>) {
    if let Err(error) = sent {
        tracing::debug!("cannot notify systemd: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_status_line_replaces_a_waiting_one_and_the_order_stays() {
        let mut queue = MessageQueue::default();
        for text in ["READY=1\nSTATUS=a\n", "STATUS=b\n", "STATUS=c\n", "RELOADING=1\n", "STATUS=d\n"] {
            queue.add(text.to_owned());
        }
        assert_eq!(queue.texts, ["READY=1\nSTATUS=a\n", "STATUS=c\n", "RELOADING=1\n", "STATUS=d\n"]);
        (0..2 * MAX_WAITING).for_each(|_| queue.add("RELOADING=1\n".to_owned()));
        assert_eq!(queue.texts.len(), MAX_WAITING);
    }
}
