//! URLs that can be printed.

use std::fmt;

use url::Url;

use crate::mask::mask;

/// A URL that prints without the parts that grant access: user name, password and the signature of a SAS.
#[derive(Clone, PartialEq, Eq)]
pub struct SafeUrl(Url);

impl SafeUrl {
    /// Parses a URL. Raw spaces in the query, which the Hardware dashboard API sends, are encoded.
    ///
    /// # Errors
    /// When the text is not a URL. The error does not contain the text.
    pub fn parse(text: &str) -> Result<Self, url::ParseError> {
        Url::parse(text.trim()).map(Self)
    }

    /// Wraps a parsed URL.
    #[must_use]
    pub fn new(url: Url) -> Self {
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
