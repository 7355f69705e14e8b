//! URLs that can be printed.

use std::fmt;

use url::Url;

use crate::live::{Lifetime, remember};
use crate::mask::mask;

/// A signature of a URL is searched for this long after the URL was last seen; they are valid for hours.
const SIGNATURE_LIFE: std::time::Duration = std::time::Duration::from_secs(24 * 3600);
/// Minimum length of a part of a webhook's URL that is a secret, in bytes.
const SHORTEST_PART: usize = 16;

/// Remembers everything in a URL that can be a secret: user information, the query, and long parts of the path, as in the
/// webhooks of chat services. For URLs that are secrets as a whole.
pub fn remember_url(url: &Url, lifetime: Lifetime) {
    remember_user(url);
    for (_, value) in url.query_pairs() {
        remember(&value, lifetime);
    }
    for part in url.path_segments().into_iter().flatten().filter(|part| part.len() >= SHORTEST_PART) {
        remember(&decoded(part), lifetime);
    }
    if url.path().len() > SHORTEST_PART {
        remember(url.path(), lifetime);
    }
}

/// Remembers the password in a URL, such as that of a proxy, until the process ends.
pub fn remember_user(url: &Url) {
    let Some(password) = url.password() else {
        remember(&decoded(url.username()), Lifetime::Process);
        return;
    };
    let (user, password) = (decoded(url.username()), decoded(password));
    remember(&password, Lifetime::Process);
    remember(&format!("{user}:{password}"), Lifetime::Process);
}

fn decoded(text: &str) -> String {
    match crate::view::decode(text.as_bytes()) {
        Some(view) => String::from_utf8_lossy(&view.bytes).into_owned(),
        None => text.to_owned(),
    }
}

/// A URL that prints without the parts that grant access: user name, password and the signature of a SAS.
#[derive(Clone, PartialEq, Eq)]
pub struct SafeUrl(Url);

impl SafeUrl {
    /// Parses a URL. Raw spaces in the query, which the Hardware dashboard API sends, are encoded.
    ///
    /// # Errors
    /// When the text is not a URL. The error does not contain the text.
    pub fn parse(text: &str) -> Result<Self, url::ParseError> {
        Url::parse(text.trim()).map(Self::new)
    }

    /// Wraps a parsed URL. The signature of a SAS is remembered as a secret.
    #[must_use]
    pub fn new(url: Url) -> Self {
        for (_, signature) in url.query_pairs().filter(|(name, _)| name.eq_ignore_ascii_case("sig")) {
            remember(&signature, Lifetime::For(SIGNATURE_LIFE));
        }
        Self(url)
    }

    /// The whole URL with its secrets, to send a request to. Never log it.
    #[must_use]
    pub fn with_secrets(&self) -> &Url {
        &self.0
    }

    /// Host name, if the URL has one.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.0.host_str()
    }
}

impl fmt::Display for SafeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.clone();
        if !url.username().is_empty() || url.password().is_some() {
            // Fails only for URLs that cannot have user info, and then there is nothing to remove.
            let _done = url.set_username("").and_then(|()| url.set_password(None));
        }
        f.write_str(&mask(url.as_str()))
    }
}

impl fmt::Debug for SafeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sas_url_prints_without_signature_and_user_info() {
        let url = SafeUrl::parse("https://u:p@h.blob.core.windows.net/c/b?sv=1&sig=abc%2Bdef&se=2026 01")
            .expect("url");
        assert_eq!(url.to_string(), "https://h.blob.core.windows.net/c/b?sv=1&sig=***&se=2026%2001");
        assert_eq!(format!("{url:?}"), url.to_string());
        assert!(url.with_secrets().as_str().contains("abc%2Bdef"));
    }
}
