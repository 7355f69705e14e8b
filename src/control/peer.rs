//! Who is at the other end of the socket.

use std::fs;

use tokio::net::UnixStream;

/// The process at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its user.
    pub uid: u32,
    /// Its primary group.
    pub gid: u32,
    /// Its process id, if the kernel knows it.
    pub pid: Option<i32>,
}

impl Peer {
    /// Asks the kernel.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn of(stream: &UnixStream) -> std::io::Result<Self> {
        let credentials = stream.peer_cred()?;
        Ok(Self { uid: credentials.uid(), gid: credentials.gid(), pid: credentials.pid() })
    }

    /// May it change things? Root, the daemon's own user and members of the operators' groups may.
    #[must_use]
    pub fn may_change(&self, operators: &[String]) -> bool {
        let own = rustix::process::geteuid().as_raw();
        if self.uid == 0 || self.uid == own {
            return true;
        }
        let groups = self.groups();
        operators.iter().filter_map(|name| group_id(name)).any(|id| groups.contains(&id))
    }

    /// All groups of the process, as far as they are to be known: under `ProtectProc=` those of other users' processes
    /// are not, and what the group database says of the user counts.
    fn groups(&self) -> Vec<u32> {
        let mut groups = vec![self.gid];
        groups.extend(self.groups_of_user());
        let Some(pid) = self.pid else { return groups };
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("Groups:")).unwrap_or_default();
        groups.extend(line.split_whitespace().filter_map(|id| id.parse::<u32>().ok()));
        groups
    }
}

impl Peer {
    fn groups_of_user(&self) -> Vec<u32> {
        let user = nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(self.uid)).ok().flatten();
        let name = user.and_then(|user| std::ffi::CString::new(user.name).ok());
        let gid = nix::unistd::Gid::from_raw(self.gid);
        let groups = name.and_then(|name| nix::unistd::getgrouplist(&name, gid).ok()).unwrap_or_default();
        groups.into_iter().map(nix::unistd::Gid::as_raw).collect()
    }
}

/// The id of a group by its name, or by its number.
fn group_id(name: &str) -> Option<u32> {
    let by_name = || nix::unistd::Group::from_name(name).ok().flatten().map(|group| group.gid.as_raw());
    name.parse().ok().or_else(by_name)
}
