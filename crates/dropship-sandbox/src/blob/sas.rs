//! Shared access signatures: URLs that grant access to one blob.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use ring::hmac;
use url::form_urlencoded;

use crate::app::App;

/// API version of the storage service in the signatures (`sv`).
const VERSION: &str = "2021-08-06";

/// The permissions of a signed URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UrlPermission {
    /// Read, write and list.
    Write,
    /// Read and list.
    Read,
}

impl UrlPermission {
    fn text(self) -> &'static str {
        match self {
            Self::Write => "rwl",
            Self::Read => "rl",
        }
    }
}

/// Why a signed URL is rejected: code and message of the storage service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SasError {
    pub(crate) code: &'static str,
    pub(crate) message: &'static str,
}

/// A signed URL to a blob that downloads under a file name.
///
/// The query has only `sv sr sig se sp rscd`: Azure's own libraries drop parameters that they do not know.
pub(crate) fn url(app: &App, base: &str, blob: &str, right: UrlPermission, file_name: &str) -> String {
    let expires = app.clock.wall().checked_add(app.options.sas_lifetime).unwrap_or(Timestamp::MAX);
    // The service writes whole seconds; rounded up, so that a URL with a short lifetime is not expired at once.
    let expires = expires.checked_add(Duration::from_millis(999)).unwrap_or(expires);
    let expires = Timestamp::from_second(expires.as_second()).unwrap_or(expires).to_string();
    let disposition = format!("attachment; filename={file_name}");
    let signature = sign(app, blob, VERSION, "b", &expires, right.text(), &disposition);
    let encode =
        |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
    format!(
        "{base}/blob/ingestion/{blob}?sv={VERSION}&sr=b&sig={}&se={}&sp={}&rscd={}",
        encode(&signature),
        encode(&expires),
        right.text(),
        encode(&disposition)
    )
}

fn sign(
    app: &App,
    blob: &str,
    version: &str,
    kind: &str,
    expires: &str,
    rights: &str,
    disposition: &str,
) -> String {
    let text = [rights, expires, blob, version, kind, disposition].join("\n");
    STANDARD.encode(hmac::sign(&app.key, text.as_bytes()))
}

/// Verifies the signature of a query and returns what it grants.
pub(crate) fn check(app: &App, blob: &str, query: &str) -> Result<SasGrant, SasError> {
    let fields: BTreeMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    let refused = |message| SasError { code: "AuthenticationFailed", message };
    if field("sig").is_empty() {
        return Err(SasError {
            code: "NoAuthenticationInformation",
            message: "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
        });
    }
    let expected = sign(app, blob, field("sv"), field("sr"), field("se"), field("sp"), field("rscd"));
    if expected != field("sig") {
        return Err(refused(
            "Signature did not match. Make sure the value of the signature is formed correctly.",
        ));
    }
    let expires: Timestamp = field("se").parse().map_err(|_| refused("se is not a valid time."))?;
    if app.clock.wall() >= expires {
        return Err(refused(
            "Signed expiry time has to be after the current time. The signature has expired.",
        ));
    }
    Ok(SasGrant {
        can_write: field("sp").contains('w'),
        can_read: field("sp").contains('r'),
        disposition: field("rscd").to_owned(),
        fields,
    })
}

/// The permissions of a valid signature.
#[derive(Debug)]
pub(crate) struct SasGrant {
    pub(crate) can_write: bool,
    pub(crate) can_read: bool,
    pub(crate) disposition: String,
    /// All parameters of the query, including those of the request itself such as `comp`.
    pub(crate) fields: BTreeMap<String, String>,
}
