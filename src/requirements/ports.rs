//! Ports and the socket that the daemon listens on.

use std::net::TcpListener;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::folders::try_write;
use super::listening::is_served_by_another;
use super::problem;
use dropship_config::Problem;
use dropship_config::model::Config;
use dropship_store::LockHolder;

/// Problems of the addresses that the daemon listens on. While it runs it has the ports itself, so they are not tried.
pub(super) fn check_ports(config: &Config) -> Vec<Problem> {
    if UnixStream::connect(&config.control.socket).is_ok() {
        return Vec::new();
    }
    let addresses =
        [("[metrics] listen", config.metrics), ("[web] listen", config.web.as_ref().map(|web| web.listen))];
    let used = addresses.into_iter().filter_map(|(key, address)| Some((key, address?)));
    let unusable = used.filter_map(|(key, address)| Some((key, address, TcpListener::bind(address).err()?)));
    unusable
        .map(|(key, address, error)| {
            problem(config, format!("{key}: cannot listen on {address}: {error}"))
                .with_help("choose another port, or stop the program that uses it (`ss -ltnp` names it)")
        })
        .collect()
}

/// The problem of a control socket that another daemon serves: commands would reach only one of the two. A daemon that uses the same
/// store is found by the lock of the store.
#[must_use]
pub fn check_socket_is_free(config: &Config, sandbox: bool) -> Option<Problem> {
    let socket = &config.control.socket;
    let is_of_store =
        !sandbox && !matches!(dropship_store::lock_holder(&config.store.path), LockHolder::None);
    if is_of_store || !is_served_by_another(socket) {
        return None;
    }
    let message = format!("[control] socket: another daemon serves {}", socket.display());
    let help = match sandbox {
        true => {
            "stop that daemon first, or run the sandbox with a configuration that has another `[control] socket`"
        }
        false => "give each daemon a `[control] socket` of its own",
    };
    Some(problem(config, message).with_help(help))
}

/// The problem of the control socket: its folder cannot be created or written, or another file has its name.
#[must_use]
pub fn check_socket(config: &Config) -> Option<Problem> {
    let socket = &config.control.socket;
    if UnixStream::connect(socket).is_ok() {
        return None;
    }
    let is_taken = std::fs::symlink_metadata(socket).is_ok_and(|found| !found.file_type().is_socket());
    if is_taken {
        let message = format!("[control] socket: {} exists and is not a socket", socket.display());
        return Some(problem(config, message).with_help("remove the file, or choose another path"));
    }
    let error = try_write(socket.parent().unwrap_or(Path::new("/"))).err()?;
    let message = format!("[control] socket: cannot create {}: {error}", socket.display());
    let help =
        "grant the daemon's user write access to the folder; under systemd, `RuntimeDirectory=` creates it";
    Some(problem(config, message).with_help(help))
}
