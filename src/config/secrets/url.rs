//! Secrets in URLs.

use std::ops::Range;

use crate::config::secret_names::{Scope, is_harmless};

/// The part of a URL that can be secret: user information, and all that follows the host.
pub(super) fn secret_part(url: &str, is_base: bool) -> Option<Range<usize>> {
    let Some(mark) = url.find("://") else { return Some(0..url.len()) };
    let host = mark + 3;
    let end = url[host..].find(['/', '?', '#']).map_or(url.len(), |length| host + length);
    let has_user = url[host..].contains('@');
    // A bracket belongs to an IPv6 address.
    let port = url[host..end].rfind([':', ']']).map_or(end, |length| host + length + 1);
    let has_odd_port = !url[port..end].bytes().all(|byte| byte.is_ascii_digit());
    let has_odd_host = !is_harmless(&url[host..port], Scope::Notify);
    match (has_user, is_base) {
        (true, _) => Some(host..url.len()),
        _ if has_odd_host => Some(host..url.len()),
        _ if has_odd_port => Some(port..url.len()),
        (false, true) if url.contains(' ') || !is_harmless(&url[end..], Scope::Other) => Some(end..url.len()),
        (false, true) => url.find('?').map(|query| query..url.len()),
        (false, false) if url.len() > end + 1 => Some(end + 1..url.len()),
        (false, false) => None,
    }
}
