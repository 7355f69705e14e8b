//! The hosts that requests may name. A page of another site that points its own name at this address (DNS rebinding) sends that
//! name.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use axum::http::{HeaderMap, Uri, header};

use dropship_config::model::Web;

/// The names under which the pages are served.
#[derive(Debug, Clone)]
pub(super) struct AllowedHosts(BTreeSet<String>);

/// Why the host of a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadHost {
    /// There is none, or more than one, or it is not a host.
    Malformed,
    /// It is not on the list.
    Unknown,
}

impl AllowedHosts {
    /// The listen address, `localhost`, and the configured names.
    pub(super) fn of(web: &Web) -> Self {
        let mut hosts: BTreeSet<_> = web.allowed_hosts.iter().cloned().collect();
        hosts.insert("localhost".to_owned());
        hosts.extend(listen_hosts(web.listen));
        Self(hosts)
    }

    /// Checks the host of a request: of its `Host` header, and of its target if that is a whole URL.
    pub(super) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), BadHost> {
        let mut named = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (named.next(), named.next()) else { return Err(BadHost::Malformed) };
        let host = host.to_str().map_err(|_| BadHost::Malformed)?;
        self.check_one(host)?;
        uri.authority().map_or(Ok(()), |authority| self.check_one(authority.as_str()))
    }

    fn check_one(&self, authority: &str) -> Result<(), BadHost> {
        let host = host_of(authority).ok_or(BadHost::Malformed)?;
        if self.0.contains(&host) { Ok(()) } else { Err(BadHost::Unknown) }
    }
}

/// The hosts of the listen address. Clients on this machine reach a listener on all addresses by the loopback address.
fn listen_hosts(address: SocketAddr) -> Vec<String> {
    let ip = address.ip();
    if ip.is_unspecified() || ip.is_loopback() {
        return vec!["127.0.0.1".to_owned(), "::1".to_owned(), ip.to_string()];
    }
    vec![ip.to_string()]
}

/// The host of `host`, `host:port` or `[address]:port`, in lower case, without brackets.
fn host_of(authority: &str) -> Option<String> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            let _: std::net::Ipv6Addr = host.parse().ok()?;
            (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let is_port = |port: &str| port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
    let host = host.strip_suffix('.').unwrap_or(host);
    let is_host = !host.is_empty()
        && host.len() <= 255
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':'));
    (is_host && port.is_none_or(is_port)).then(|| host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_hosts_pass() {
        let hosts = AllowedHosts::of(&Web {
            listen: "127.0.0.1:9465".parse().expect("an address"),
            allowed_hosts: vec!["drivers.example.com".to_owned()],
            trusted_header: None,
        });
        for good in [
            "127.0.0.1:9465",
            "127.0.0.1",
            "localhost:1",
            "LOCALHOST",
            "[::1]:9465",
            "drivers.example.com",
            "Drivers.Example.com.:443",
        ] {
            assert_eq!(hosts.check_one(good), Ok(()), "{good}");
        }
        for bad in ["evil.example", "localhost.evil.example", "127.0.0.2", "example.com", "::1x"] {
            assert!(hosts.check_one(bad).is_err(), "{bad}");
        }
        for malformed in
            ["", ":80", "a b", "localhost:port", "[::1", "[localhost]", "user@localhost", "localhost:80:80"]
        {
            assert_eq!(hosts.check_one(malformed), Err(BadHost::Malformed), "{malformed}");
        }
    }

    #[test]
    fn request_names_one_host_everywhere() {
        let hosts = AllowedHosts::of(&Web {
            listen: "10.0.0.1:80".parse().expect("an address"),
            allowed_hosts: Vec::new(),
            trusted_header: None,
        });
        let check = |uri: &str, named: &[&str]| {
            let mut headers = HeaderMap::new();
            for host in named {
                headers.append(header::HOST, host.parse().expect("a value"));
            }
            hosts.check(&uri.parse().expect("a target"), &headers)
        };
        assert_eq!(check("/", &["10.0.0.1"]), Ok(()));
        assert_eq!(check("http://10.0.0.1/", &["10.0.0.1"]), Ok(()));
        assert_eq!(check("/", &[]), Err(BadHost::Malformed));
        assert_eq!(check("/", &["10.0.0.1", "10.0.0.1"]), Err(BadHost::Malformed));
        assert_eq!(check("http://evil.example/", &["10.0.0.1"]), Err(BadHost::Unknown));
    }
}
