//! The process at the other end of the control socket, as it was when it connected.

use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use tokio::net::UnixStream;

use crate::http::ClientClass;

/// Number of groups that are read with one call; most processes have fewer.
const USUAL_GROUPS: usize = 64;

/// The process at the other end of a connection. The kernel recorded it when it connected: what it changes afterwards does
/// not matter, and its process id may belong to another process by now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its user id.
    pub uid: u32,
    /// Its primary group id.
    pub gid: u32,
    /// Its process id; absent when it is in another PID namespace.
    pub pid: Option<i32>,
    /// Its supplementary group ids.
    pub groups: Arc<[u32]>,
}

impl Peer {
    /// Reads the credentials of the peer (`SO_PEERCRED`, `SO_PEERGROUPS`).
    ///
    /// # Errors
    /// When the kernel does not return them.
    pub fn of(stream: &UnixStream) -> io::Result<Self> {
        let credentials = stream.peer_cred()?;
        let (uid, gid, pid) = (credentials.uid(), credentials.gid(), credentials.pid());
        Ok(Self { uid, gid, pid, groups: supplementary_groups(stream)?.into() })
    }

    /// Whether the process may change things: true for root, for the daemon's user, and for members of these groups.
    #[must_use]
    pub fn may_change(&self, operators: &[u32]) -> bool {
        let daemon_uid = rustix::process::geteuid().as_raw();
        self.uid == 0
            || self.uid == daemon_uid
            || operators.iter().any(|id| *id == self.gid || self.groups.contains(id))
    }

    /// The limits that apply to its connections.
    #[must_use]
    pub fn class(&self, operators: &[u32]) -> ClientClass {
        if self.pid.and_then(|pid| u32::try_from(pid).ok()) == Some(std::process::id()) {
            ClientClass::Own
        } else if self.may_change(operators) {
            ClientClass::Operators
        } else {
            ClientClass::Others
        }
    }
}

/// The supplementary groups of the peer (`SO_PEERGROUPS`, Linux 4.13).
#[expect(unsafe_code, reason = "SO_PEERGROUPS has no safe wrapper")]
fn supplementary_groups(stream: &UnixStream) -> io::Result<Vec<u32>> {
    let mut groups: Vec<libc::gid_t> = vec![0; USUAL_GROUPS];
    loop {
        let capacity = groups.len() * size_of::<libc::gid_t>();
        let mut size = libc::socklen_t::try_from(capacity).map_err(io::Error::other)?;
        // SAFETY: the descriptor is open while `stream` is borrowed; the kernel writes at most `size` bytes, which is the
        // size of the initialised buffer, and every bit pattern is a group id.
        let result = unsafe {
            libc::getsockopt(
                stream.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_PEERGROUPS,
                groups.as_mut_ptr().cast(),
                &raw mut size,
            )
        };
        let count = usize::try_from(size).map_err(io::Error::other)? / size_of::<libc::gid_t>();
        if result == 0 {
            groups.truncate(count);
            return Ok(groups);
        }
        let error = io::Error::last_os_error();
        // The kernel returns the size that it needs. The groups of a connection never change, so the second call succeeds.
        if error.raw_os_error() != Some(libc::ERANGE) || count <= groups.len() {
            return Err(error);
        }
        groups.resize(count, 0);
    }
}
