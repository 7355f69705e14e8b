//! The origins that packages may be exchanged with.

use dropship_glob::Glob;
use url::Url;

use crate::settings::{BuildError, is_loopback};
use dropship_redact::SafeUrl;

use super::error::{ForbiddenOrigin, TransferError};

/// The origins that transfers are allowed with: that of the endpoint, and the listed hosts.
#[derive(Debug)]
pub(crate) struct Hosts {
    endpoint: Url,
    listed: Vec<ListedHost>,
}

/// An entry of the list: `host` or `host:port`, where the host is a glob.
///
/// Without a port only the default port of https is allowed; on a loopback host, any port.
#[derive(Debug)]
struct ListedHost {
    host: Glob,
    port: Option<u16>,
}

impl ListedHost {
    fn parse(text: &str) -> Result<Self, BuildError> {
        let bad = |message: String| BuildError::BlobHost { glob: text.to_owned(), message };
        // Colons inside of brackets belong to an IPv6 address.
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => {
                let port = port.parse().map_err(|_| bad(format!("`{port}` is not a port")))?;
                (host, Some(port))
            }
            _ => (text, None),
        };
        let glob = if host.starts_with('[') { Glob::literal(host) } else { Glob::new(host) };
        let host = glob.map_err(|error| bad(error.problem.to_string()))?;
        Ok(Self { host, port })
    }

    fn allows(&self, url: &Url) -> bool {
        let port = url.port_or_known_default();
        let has_port = match self.port {
            Some(own) => port == Some(own),
            None => port == Some(443) || is_loopback(url),
        };
        has_port && self.host.is_match(url.host_str().unwrap_or(""))
    }
}

impl Hosts {
    pub(crate) fn new(endpoint: &Url, listed: &[String]) -> Result<Self, BuildError> {
        let listed = listed.iter().map(|text| ListedHost::parse(text)).collect::<Result<_, _>>()?;
        Ok(Self { endpoint: endpoint.clone(), listed })
    }

    /// Returns the URL if packages may be exchanged with its origin.
    pub(super) fn check<'a>(&self, url: &'a SafeUrl) -> Result<&'a Url, TransferError> {
        let target = url.with_secrets();
        let forbidden =
            |reason| Err(TransferError::Forbidden { origin: target.origin().ascii_serialization(), reason });
        match target.scheme() {
            "https" => {}
            "http" if is_loopback(target) => {}
            "http" => return forbidden(ForbiddenOrigin::PlainHttp),
            _ => return forbidden(ForbiddenOrigin::NoWebAddress),
        }
        if !target.username().is_empty() || target.password().is_some() {
            return forbidden(ForbiddenOrigin::UserName);
        }
        if target.origin() == self.endpoint.origin() || self.listed.iter().any(|listed| listed.allows(target))
        {
            return Ok(target);
        }
        forbidden(ForbiddenOrigin::NotListed)
    }

    /// Whether a download may carry the token: only to the endpoint's own origin, and not with a signed URL, which is
    /// authorized by its signature.
    pub(super) fn wants_bearer(&self, url: &Url) -> bool {
        let signed = url.query_pairs().any(|(name, _)| name.eq_ignore_ascii_case("sig"));
        url.origin() == self.endpoint.origin() && !signed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts() -> Hosts {
        let endpoint = Url::parse("https://manage.devcenter.microsoft.com").expect("url");
        Hosts::new(&endpoint, &["*.blob.core.windows.net".to_owned()]).expect("hosts")
    }

    #[test]
    fn packages_go_to_listed_hosts_only() {
        let allowed = |url: &str| hosts().check(&SafeUrl::parse(url).expect("url")).is_ok();
        assert!(allowed("https://ingestion1.BLOB.core.windows.net/c/b?sig=x"));
        assert!(allowed("https://manage.devcenter.microsoft.com/dashboard/report"));
        assert!(!allowed("https://blob.core.windows.net.evil.example/c/b"));
        assert!(!allowed("https://evil.example/.blob.core.windows.net"));
        assert!(!allowed("http://ingestion1.blob.core.windows.net/c/b"));
        assert!(!allowed("https://user@ingestion1.blob.core.windows.net/c/b"));
        assert!(!allowed("file:///etc/passwd"));
        assert!(!allowed("http://127.0.0.1/c/b"), "loopback must be listed like any other host");
        assert!(!allowed("https://manage.devcenter.microsoft.com:8443/dashboard/report"), "another origin");
        assert!(!allowed("https://ingestion1.blob.core.windows.net:8443/c/b"), "another origin");
        let error = hosts()
            .check(&SafeUrl::parse("https://a.z1.blob.storage.azure.net/c/b?sig=s3cret").expect("url"))
            .expect_err("unlisted");
        let text = error.to_string();
        assert!(
            text.contains("https://a.z1.blob.storage.azure.net ") && text.contains("allowed blob hosts"),
            "{text}"
        );
        assert!(!text.contains("s3cret"), "{text}");
        let plain = SafeUrl::parse("http://ingestion1.blob.core.windows.net/c/b").expect("url");
        let text = hosts().check(&plain).expect_err("plain http").to_string();
        assert!(text.contains("plain http, and only https is allowed"), "{text}");
    }

    #[test]
    fn listed_port_is_the_only_one() {
        let endpoint = Url::parse("https://manage.devcenter.microsoft.com").expect("url");
        let listed = ["blobs.example:8443", "127.0.0.1", "[::1]:9"].map(str::to_owned);
        let hosts = Hosts::new(&endpoint, &listed).expect("hosts");
        let allowed = |url: &str| hosts.check(&SafeUrl::parse(url).expect("url")).is_ok();
        assert!(allowed("https://blobs.example:8443/c/b"));
        assert!(!allowed("https://blobs.example/c/b"));
        assert!(allowed("http://127.0.0.1:10000/c/b"));
        assert!(allowed("http://[::1]:9/c/b"));
        assert!(!allowed("http://[::1]:10/c/b"));
        Hosts::new(&endpoint, &["blobs.example:https".to_owned()]).expect_err("no port");
    }

    #[test]
    fn token_is_sent_to_the_own_origin_only() {
        let wants = |url: &str| hosts().wants_bearer(&Url::parse(url).expect("url"));
        assert!(wants("https://manage.devcenter.microsoft.com/dashboard/x"));
        assert!(!wants("https://manage.devcenter.microsoft.com:8443/x"));
        assert!(!wants("http://manage.devcenter.microsoft.com/x"));
        assert!(!wants("https://manage.devcenter.microsoft.com/x?SIG=1"));
        assert!(!wants("https://a.blob.core.windows.net/x"));
    }
}
