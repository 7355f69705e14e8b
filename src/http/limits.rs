//! The limits of a server.

use std::time::Duration;

/// The limits of one listener. Each [`ClientClass`](super::ClientClass) has its own share, so that operators can connect
/// while others flood the listener.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Maximum number of connections in a class of clients.
    pub connections: usize,
    /// Maximum number of connections of one client in a class.
    pub per_client: usize,
    /// Maximum time for a complete request head, and of an idle connection between two requests.
    pub head: Duration,
    /// Maximum time without progress while a body is received or an answer is sent.
    pub stall: Duration,
    /// Minimum average rate of a request body in bytes per second, after the first `stall`.
    pub min_rate: u64,
    /// Whether a connection is used for more than one request.
    pub keep_alive: bool,
}

impl Limits {
    /// Limits of the control socket.
    pub const CONTROL: Self = Self {
        connections: 256,
        per_client: 64,
        head: Duration::from_secs(10),
        stall: Duration::from_secs(20),
        min_rate: 16 << 10,
        keep_alive: true,
    };

    /// Limits of a TCP listener that serves small pages.
    pub const PAGES: Self = Self { connections: 64, per_client: 16, ..Self::CONTROL };

    /// Limits of the pages for people. Behind a proxy, all of them have one address. A connection is used once, so that a proxy
    /// and the daemon cannot disagree about where a request ends.
    pub const SITE: Self = Self { connections: 256, per_client: 192, keep_alive: false, ..Self::CONTROL };

    /// The same with fewer connections, if the process may open only few descriptors.
    #[must_use]
    pub(super) fn within(self, descriptors: u64) -> Self {
        let share = usize::try_from(descriptors / 8).unwrap_or(usize::MAX);
        let connections = self.connections.min(share).max(2);
        // With few connections, one client gets at most half of them.
        let most = if connections < self.connections { connections.div_ceil(2) } else { self.per_client };
        Self { connections, per_client: self.per_client.min(most), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_a_share_of_the_descriptors() {
        assert_eq!(Limits::CONTROL.within(1 << 20).connections, 256);
        // Behind a proxy, all readers of the pages have one address.
        assert_eq!(Limits::SITE.within(1 << 20).per_client, 192);
        let few = Limits::CONTROL.within(256);
        assert_eq!((few.connections, few.per_client), (32, 16));
        let fewest = Limits::CONTROL.within(0);
        assert_eq!((fewest.connections, fewest.per_client), (2, 1));
    }
}
