//! Secrets in URLs.

use std::ops::Range;

use dropship_redact::{Lifetime, remember, remember_url};

use crate::secret_names::{TableScope, is_harmless};

/// Whether a text has what is secret in a URL: a user with a password, or a query.
pub(super) fn has_secret_of_url(text: &str) -> bool {
    let is_url = text.contains("://");
    let has_user = text.split_once('@').is_some_and(|(user, _)| is_url || user.contains(':'));
    has_user || is_url && text.contains('?')
}

/// The part of a URL that can be secret: user information, and all that follows the host.
pub(super) fn secret_part(url: &str, is_base: bool) -> Option<Range<usize>> {
    let Some(mark) = url.find("://") else { return Some(0..url.len()) };
    let host = mark + 3;
    let end = url[host..].find(['/', '?', '#']).map_or(url.len(), |length| host + length);
    let has_user = url[host..].contains('@');
    // A bracket belongs to an IPv6 address.
    let port = url[host..end].rfind([':', ']']).map_or(end, |length| host + length + 1);
    let has_unusual_port = !url[port..end].bytes().all(|byte| byte.is_ascii_digit());
    let has_unusual_host = !is_harmless(&url[host..port], TableScope::Notify);
    match (has_user, is_base) {
        (true, _) => Some(host..url.len()),
        _ if has_unusual_host => Some(host..url.len()),
        _ if has_unusual_port => Some(port..url.len()),
        (false, true) if url.contains(' ') || !is_harmless(&url[end..], TableScope::Other) => {
            Some(end..url.len())
        }
        (false, true) => url.find('?').map(|query| query..url.len()),
        (false, false) if url.len() > end + 1 => Some(end + 1..url.len()),
        (false, false) => None,
    }
}

/// Remembers what can be secret in a line with a URL: user information, and all that follows the host. The scheme and a usual host
/// are no secrets: other URLs share them, and would be masked too. A line that is no URL is a secret as a whole.
pub(crate) fn remember_parts(line: &str, lifetime: Lifetime) {
    let line = line.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\''));
    match parts(line) {
        Some(parts) => parts.into_iter().for_each(|part| remember(part, lifetime)),
        None => remember(line, lifetime),
    }
    if let Ok(url) = url::Url::parse(line)
        && url.has_host()
    {
        remember_url(&url, lifetime);
    }
}

/// The parts of a URL that can be secret; `None` for a text that does not begin with a scheme and a host.
fn parts(url: &str) -> Option<Vec<&str>> {
    let is_scheme = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let (_, rest) = url.split_once("://").filter(|(scheme, _)| is_scheme(scheme))?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    let password = user.and_then(|user| Some(user.split_once(':')?.1));
    // A bracket belongs to an IPv6 address.
    let port = host.rfind([':', ']']).map_or(host.len(), |at| at + 1);
    let has_unusual_port = !host[port..].bytes().all(|byte| byte.is_ascii_digit());
    let has_unusual_host = !is_harmless(&host[..port], TableScope::Notify);
    let unusual_part =
        if has_unusual_host { Some(host) } else { Some(&host[port..]).filter(|_| has_unusual_port) };
    // A path of one usual word is no secret, and a slash would make it look like one.
    let tail = tail.strip_prefix('/').unwrap_or(tail);
    Some(user.into_iter().chain(password).chain(unusual_part).chain([tail]).collect())
}

#[cfg(test)]
mod tests {
    use super::{Lifetime, parts, remember_parts};

    #[test]
    fn parts_of_a_url_that_cannot_be_parsed_are_masked() {
        let url = "https://hooks.example:99999/services/UnparsableHush";
        assert!(url::Url::parse(url).is_err());
        remember_parts(url, Lifetime::Process);
        let shown = dropship_redact::mask(&format!("cannot use {url}"));
        assert!(!shown.contains("UnparsableHush") && shown.contains("hooks.example"), "{shown}");
    }

    #[test]
    fn scheme_and_usual_host_of_a_url_are_not_secret() {
        for (url, secret) in [
            ("https://hooks.example/services/hush", &["services/hush"][..]),
            ("http://127.0.0.1:8080/?token=hush", &["?token=hush"]),
            ("http://u:hush@127.0.0.1:8080", &["u:hush", "hush", ""]),
            ("http://u:p@hush@proxy", &["u:p@hush", "p@hush", ""]),
            ("http://hush@proxy", &["hush", ""]),
            ("http://u:hush#@proxy", &["hush", "#@proxy"]),
            ("http://[::1]:80/hush", &["hush"]),
            ("https://hU5hhU5hhU5hhU5h.example/", &["hU5hhU5hhU5hhU5h.example", ""]),
            ("https://127.0.0.1:9000", &[""]),
        ] {
            assert_eq!(parts(url).as_deref(), Some(secret), "{url}");
        }
        for text in ["hush", "u:hush@proxy", "curl -u x:hush https://h/", "//u:hush@h"] {
            assert_eq!(parts(text), None, "{text}");
        }
    }
}
