//! The process at the other end of the control socket.

use std::fs;

use tokio::net::UnixStream;

/// The process at the other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its user id.
    pub uid: u32,
    /// Its primary group id.
    pub gid: u32,
    /// Its process id; absent when it is in another PID namespace.
    pub pid: Option<i32>,
}

impl Peer {
    /// Reads the peer credentials of a socket (`SO_PEERCRED`).
    ///
    /// # Errors
    /// When the kernel does not return them.
    pub fn of(stream: &UnixStream) -> std::io::Result<Self> {
        let credentials = stream.peer_cred()?;
        Ok(Self { uid: credentials.uid(), gid: credentials.gid(), pid: credentials.pid() })
    }

    /// Whether the process may change things: true for root, for the daemon's user, and for members of the operators' groups.
    #[must_use]
    pub fn may_change(&self, operators: &[String]) -> bool {
        let own = rustix::process::geteuid().as_raw();
        if self.uid == 0 || self.uid == own {
            return true;
        }
        let groups = self.groups();
        operators.iter().filter_map(|name| group_id(name)).any(|id| groups.contains(&id))
    }

    /// Groups of the process, from `/proc` and from the group database. Under `ProtectProc=` the daemon cannot read the status
    /// of other users' processes, so only the group database is used.
    fn groups(&self) -> Vec<u32> {
        let mut groups = vec![self.gid];
        groups.extend(self.groups_of_user());
        let Some(pid) = self.pid else { return groups };
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("Groups:")).unwrap_or_default();
        groups.extend(line.split_whitespace().filter_map(|id| id.parse::<u32>().ok()));
        groups
    }

    fn groups_of_user(&self) -> Vec<u32> {
        let user = nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(self.uid)).ok().flatten();
        let name = user.and_then(|user| std::ffi::CString::new(user.name).ok());
        let gid = nix::unistd::Gid::from_raw(self.gid);
        let groups = name.and_then(|name| nix::unistd::getgrouplist(&name, gid).ok()).unwrap_or_default();
        groups.into_iter().map(nix::unistd::Gid::as_raw).collect()
    }
}

/// The name and the user id of an operator, as the history of a job shows them.
#[must_use]
pub fn operator_name(uid: u32) -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(uid)).ok().flatten();
    match user {
        Some(user) => format!("{} (uid {uid})", user.name),
        None => format!("uid {uid}"),
    }
}

/// Looks up the id of a group by its name; a number is returned unchanged.
fn group_id(name: &str) -> Option<u32> {
    let by_name = || nix::unistd::Group::from_name(name).ok().flatten().map(|group| group.gid.as_raw());
    name.parse().ok().or_else(by_name)
}
