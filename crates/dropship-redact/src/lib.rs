//! Values that cannot print themselves: secrets, and URLs whose query grants access.

use std::fmt;

use url::Url;

/// What is shown in place of a secret.
const MASK: &str = "***";

/// Query parameters of a shared access signature that grant access or identify the key.
///
/// Source: "Create a service SAS", Azure Storage REST documentation.
const SENSITIVE: &[&str] = &["sig", "skoid", "sktid", "skt", "ske", "sks", "skv"];

/// A text that must never be written anywhere: client secrets, tokens, keys.
///
/// `Debug` prints a mask and there is no `Display` and no `Serialize`.
/// The bytes are overwritten when the value is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself; for the wire and nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.0).into_bytes();
        bytes.fill(0);
        std::hint::black_box(&bytes);
    }
}

/// A URL that prints without what grants access: user info and the signature of a SAS.
#[derive(Clone, PartialEq, Eq)]
pub struct SafeUrl(Url);

impl SafeUrl {
    /// Parses a URL; raw spaces in the query, which the service is known to send, are encoded.
    ///
    /// # Errors
    /// What [`Url::parse`] finds wrong; the message holds no part of the URL.
    pub fn parse(text: &str) -> Result<Self, url::ParseError> {
        Url::parse(text.trim()).map(Self)
    }

    /// Wraps a URL that is parsed already.
    #[must_use]
    pub fn new(url: Url) -> Self {
        Self(url)
    }

    /// The whole URL with its signature; for the wire and nothing else.
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
            // Fails only for URLs that cannot have user info, which then have none.
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

/// Masks the values of SAS parameters (`sig=` and its kin) and bearer tokens wherever they stand in a text.
#[must_use]
pub fn mask(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((start, end)) = next_secret(rest) {
        out.push_str(&rest[..start]);
        out.push_str(MASK);
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// Byte range of the next secret value in `text`.
fn next_secret(text: &str) -> Option<(usize, usize)> {
    let lower = text.to_ascii_lowercase();
    let key = SENSITIVE.iter().filter_map(|name| find_value(&lower, &format!("{name}=")));
    let bearer = find_value(&lower, "bearer ");
    let start = key.chain(bearer).min()?;
    let len = text[start..]
        .find(|c: char| {
            c == '&' || c == '"' || c == '\'' || c == '<' || c == ')' || c == '\\' || c.is_whitespace()
        })
        .unwrap_or(text.len() - start);
    Some((start, start + len))
}

/// Where the value behind `key` starts, if it is a whole word, not empty and not masked already.
fn find_value(lower: &str, key: &str) -> Option<usize> {
    lower.match_indices(key).find_map(|(at, found)| {
        let word = !lower[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        let start = at + found.len();
        let value = &lower[start..];
        let open = !value.is_empty() && !value.starts_with(MASK) && !value.starts_with(['&', '"', ' ']);
        (word && open).then_some(start)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_cannot_print_itself() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret:?}"), "***");
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn a_sas_url_prints_without_its_signature() {
        let url = SafeUrl::parse("https://u:p@h.blob.core.windows.net/c/b?sv=1&sig=abc%2Bdef&se=2026 01")
            .expect("url");
        assert_eq!(url.to_string(), "https://h.blob.core.windows.net/c/b?sv=1&sig=***&se=2026%2001");
        assert_eq!(format!("{url:?}"), url.to_string());
        assert!(url.with_secrets().as_str().contains("abc%2Bdef"));
    }

    #[test]
    fn prose_is_masked_wherever_a_secret_stands() {
        assert_eq!(mask("at https://h/b?SIG=a%2f; next"), "at https://h/b?SIG=*** next");
        assert_eq!(
            mask("{\"url\":\"https://h/b?sig=x&se=1&sig=y\"}"),
            "{\"url\":\"https://h/b?sig=***&se=1&sig=***\"}"
        );
        assert_eq!(mask("Authorization: Bearer ey.x-y done"), "Authorization: Bearer *** done");
        assert_eq!(mask("design=3 sig= bearer"), "design=3 sig= bearer");
        assert_eq!(mask(&mask("a sig=1 b")), "a sig=*** b");
    }
}
