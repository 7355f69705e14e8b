//! Where packages may go to and come from.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use url::Url;

use crate::settings::{BuildError, is_loopback};
use dropship_redact::SafeUrl;

use super::error::TransferError;

/// The hosts that transfers are allowed with.
#[derive(Debug)]
pub(crate) struct Hosts {
    endpoint: Url,
    globs: GlobSet,
}

impl Hosts {
    pub(crate) fn new(endpoint: &Url, globs: &[String]) -> Result<Self, BuildError> {
        let bad = |glob: &str, error: globset::Error| BuildError::BlobHost {
            glob: glob.to_owned(),
            message: error.kind().to_string(),
        };
        let mut set = GlobSetBuilder::new();
        for glob in globs {
            set.add(GlobBuilder::new(glob).case_insensitive(true).build().map_err(|e| bad(glob, e))?);
        }
        let globs = set.build().map_err(|error| bad("", error))?;
        Ok(Self { endpoint: endpoint.clone(), globs })
    }

    /// Lets a URL through if packages may go there.
    pub(super) fn check<'a>(&self, url: &'a SafeUrl) -> Result<&'a Url, TransferError> {
        let target = url.with_secrets();
        let host = target.host_str().unwrap_or("");
        let forbidden = |reason| Err(TransferError::Forbidden { host: host.to_owned(), reason });
        match target.scheme() {
            "https" => {}
            "http" if is_loopback(target) => {}
            "http" => return forbidden("plain http"),
            _ => return forbidden("not a web address"),
        }
        if !target.username().is_empty() || target.password().is_some() {
            return forbidden("a user name in the URL");
        }
        if target.host() == self.endpoint.host() || self.globs.is_match(host) {
            return Ok(target);
        }
        forbidden("not in the list")
    }

    /// Whether a download may carry our token: only to the endpoint's own origin, and not with a signed URL,
    /// whose signature is its authorization.
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
        assert!(!allowed("http://127.0.0.1/c/b"), "loopback must be listed like any other");
    }

    #[test]
    fn the_token_goes_to_the_own_origin_only() {
        let wants = |url: &str| hosts().wants_bearer(&Url::parse(url).expect("url"));
        assert!(wants("https://manage.devcenter.microsoft.com/dashboard/x"));
        assert!(!wants("https://manage.devcenter.microsoft.com:8443/x"));
        assert!(!wants("http://manage.devcenter.microsoft.com/x"));
        assert!(!wants("https://manage.devcenter.microsoft.com/x?SIG=1"));
        assert!(!wants("https://a.blob.core.windows.net/x"));
    }
}
