//! `[web]`.

use std::net::SocketAddr;

use super::diagnostics::Diagnostics;
use crate::model::Web;
use crate::raw;
use crate::raw::values::At;

/// Headers that no proxy names a user in.
const OTHER_HEADERS: [&str; 4] = ["host", "cookie", "connection", "content-length"];

/// The pages; `metrics` is the address of the metrics.
pub(super) fn web(
    diagnostics: &mut Diagnostics<'_>,
    file: &raw::File,
    metrics: Option<SocketAddr>,
) -> Option<Web> {
    let raw = &file.web.as_ref()?.value;
    let hosts = raw.allowed_hosts.iter().flat_map(|hosts| &hosts.0);
    let allowed_hosts = hosts.filter_map(|host| allowed_host(diagnostics, host)).collect();
    let trusted_header = raw.trusted_header.as_ref().and_then(|name| header(diagnostics, name));
    let listen = raw.listen.as_ref()?;
    let Ok(address) = listen.value.parse::<SocketAddr>() else {
        let help = "write an IP address and a port, such as \"127.0.0.1:9465\" or \"[::1]:9465\"";
        diagnostics.error_with_help(&listen.span, format!("`{}` is not an address", listen.value), help);
        return None;
    };
    if address.port() != 0 && metrics.is_some_and(|metrics| metrics == address) {
        let help = "choose another port";
        diagnostics.error_with_help(&listen.span, format!("{address} is the address of `[metrics]`"), help);
    }
    if !address.ip().is_loopback() {
        let message = format!("every client that reaches {address} can read the pages: they have no sign-on");
        let help = "listen on a loopback address, behind a proxy with TLS and sign-on".to_owned();
        diagnostics.warn(&listen.span, message, Some(help));
    }
    Some(Web { listen: address, allowed_hosts, trusted_header })
}

/// A host as requests name it, in lower case, without the brackets of an IPv6 address.
fn allowed_host(diagnostics: &mut Diagnostics<'_>, host: &At<String>) -> Option<String> {
    let name = host.value.strip_suffix('.').unwrap_or(&host.value).to_ascii_lowercase();
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(&name);
    if bare.parse::<std::net::IpAddr>().is_ok() {
        return Some(bare.to_owned());
    }
    let is_part = |part: &str| {
        (1..=63).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if name.len() <= 253 && name.split('.').all(is_part) {
        return Some(name);
    }
    let help = "write only the name, such as \"dropship.example.com\": no scheme, no port, no wildcard";
    diagnostics.error_with_help(&host.span, format!("`{}` is not a host name", host.value), help);
    None
}

fn header(diagnostics: &mut Diagnostics<'_>, name: &At<String>) -> Option<String> {
    let lower = name.value.to_ascii_lowercase();
    let is_name = (1..=64).contains(&lower.len())
        && lower.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        && !OTHER_HEADERS.contains(&lower.as_str());
    if !is_name {
        let help = "write a name such as \"X-Forwarded-User\"";
        let message = format!("`{}` is not a header that names a user", name.value);
        diagnostics.error_with_help(&name.span, message, help);
    }
    is_name.then_some(lower)
}
