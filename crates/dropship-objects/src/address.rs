//! The address of a place for objects.

use std::fmt;

use url::Url;

/// A URL that is no address of object storage.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct BadAddress(String);

/// The kind of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServiceKind {
    S3,
    Azure,
}

/// The address of a place for objects, without credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub(crate) service: ServiceKind,
    /// The bucket or container.
    pub(crate) bucket: String,
    /// The prefix without slashes at its ends; empty: the whole bucket.
    pub(crate) prefix: String,
}

impl Address {
    /// Reads `s3://BUCKET/PREFIX` or `az://CONTAINER/PREFIX`.
    ///
    /// # Errors
    /// When a part of the address is missing or must not be there. The error names the part.
    pub fn parse(text: &str) -> Result<Self, BadAddress> {
        let bad = |why: &str| Err(BadAddress(why.to_owned()));
        let Ok(url) = Url::parse(text) else {
            return bad("expected s3://BUCKET/PREFIX or az://CONTAINER/PREFIX");
        };
        let service = match url.scheme() {
            "s3" => ServiceKind::S3,
            "az" => ServiceKind::Azure,
            _ => return bad("expected s3://BUCKET/PREFIX or az://CONTAINER/PREFIX"),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return bad(
                "the address must not contain credentials; they are in the environment or in packages_credentials_file",
            );
        }
        if url.query().is_some() || url.fragment().is_some() || url.port().is_some() {
            return bad(
                "the address has a bucket or container and a prefix only: no port, no `?` and no `#`",
            );
        }
        let Some(bucket) = url.host_str().filter(|name| is_bucket(name)) else {
            return bad(
                "the name of a bucket or container has 3 to 63 lower-case letters, digits, dots and hyphens",
            );
        };
        let prefix = url.path().trim_matches('/');
        if prefix.split('/').any(|part| part == ".." || part == ".")
            || prefix.contains("//")
            || prefix.contains('%')
        {
            return bad(
                "the prefix must not have empty parts, `.`, `..`, or characters that a URL has to encode",
            );
        }
        Ok(Self { service, bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }
}

/// The rules that both services share.
fn is_bucket(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-$".contains(&byte);
    (3..=63).contains(&name.len()) && name.bytes().all(is_allowed)
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.service {
            ServiceKind::S3 => "s3",
            ServiceKind::Azure => "az",
        };
        write!(f, "{scheme}://{}/{}", self.bucket, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_has_a_bucket_and_a_prefix() {
        for (text, bucket, prefix) in [
            ("s3://drivers/dropship/eu", "drivers", "dropship/eu"),
            ("az://drivers", "drivers", ""),
            ("az://my-drivers/x/", "my-drivers", "x"),
        ] {
            let address = Address::parse(text).expect(text);
            assert_eq!((&*address.bucket, &*address.prefix), (bucket, prefix), "{text}");
            assert_eq!(address.to_string(), format!("{}://{bucket}/{prefix}", &text[..2]));
        }
    }

    #[test]
    fn bad_address_is_refused_and_its_credentials_are_not_shown() {
        for text in [
            "gs://drivers/x",
            "drivers/x",
            "s3://AKIAPASSPHRASE:hush-hush@drivers/x",
            "az://drivers/x?sig=hush-hush",
            "s3://drivers:80/x",
            "s3://dr/x",
            "s3://dri_vers/x",
            "s3:///x",
            "s3://drivers/a//b",
            "s3://drivers/a b",
        ] {
            let refused = Address::parse(text).expect_err(text).to_string();
            assert!(!refused.contains("hush") && !refused.is_empty(), "{text}: {refused}");
        }
    }
}
