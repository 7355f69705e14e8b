//! Whether another process serves a control socket.

use std::path::Path;

use rustix::io::Errno;
use rustix::net::sockopt::socket_peercred;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

/// Whether a process other than this one accepts connections on a socket. Does not block: a process that is stopped, with a full
/// queue of connections, counts too.
#[must_use]
pub fn is_served_by_another(socket: &Path) -> bool {
    let Ok(address) = SocketAddrUnix::new(socket) else { return false };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let Ok(stream) = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None) else { return false };
    match connect(&stream, &address) {
        // This process, when a node that stood by becomes the active one.
        Ok(()) => socket_peercred(&stream).is_ok_and(|peer| peer.pid != rustix::process::getpid()),
        Err(error) => error == Errno::AGAIN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_closed_and_missing_sockets_are_free() {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("control.sock");
        assert!(!is_served_by_another(&socket));
        let listener = std::os::unix::net::UnixListener::bind(&socket).expect("bound");
        assert!(!is_served_by_another(&socket), "this process listens");
        drop(listener);
        assert!(!is_served_by_another(&socket), "the file is left");
    }
}
