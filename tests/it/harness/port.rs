//! Ports for servers that are started later, or again.

use std::net::{Ipv4Addr, TcpListener};

/// A port of 127.0.0.1 on which no process listens. Sockets of other tests do not get it in the meantime: the kernel picks
/// their ports from 32768 on (`net.ipv4.ip_local_port_range`).
pub(crate) fn free_port() -> u16 {
    let mut candidates = (0..100).map(|_| {
        let offset = getrandom::u64().expect("a number") % 20_000;
        10_000 + u16::try_from(offset).expect("small")
    });
    let free = candidates.find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    free.expect("a free port")
}
