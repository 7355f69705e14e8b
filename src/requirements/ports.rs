//! Ports that the daemon listens on.

use std::net::TcpListener;
use std::os::unix::net::UnixStream;

use super::problem;
use crate::config::Problem;
use crate::config::model::Config;

/// Problems of the addresses that the daemon listens on. While it runs it has the ports itself, so they are not tried.
pub(super) fn of_ports(config: &Config) -> Vec<Problem> {
    if UnixStream::connect(&config.control.socket).is_ok() {
        return Vec::new();
    }
    let addresses = [("[metrics] listen", config.metrics)];
    let used = addresses.into_iter().filter_map(|(key, address)| Some((key, address?)));
    let unusable = used.filter_map(|(key, address)| Some((key, address, TcpListener::bind(address).err()?)));
    unusable
        .map(|(key, address, error)| {
            problem(config, format!("{key}: cannot listen on {address}: {error}"))
                .with_help("choose another port, or stop the program that uses it (`ss -ltnp` names it)")
        })
        .collect()
}
