//! Shared access signatures: URLs that carry the right to one blob.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use ring::hmac;
use url::form_urlencoded;

use super::app::App;

/// The version of the storage service that the signatures name.
const VERSION: &str = "2021-08-06";

/// What a signed URL may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Right {
    /// Read, write and list.
    Write,
    /// Read and list.
    Read,
}

impl Right {
    fn text(self) -> &'static str {
        match self {
            Self::Write => "rwl",
            Self::Read => "rl",
        }
    }
}

/// Why a signed URL does not open the blob: the code and message of the storage service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) message: &'static str,
}

/// A signed URL to a blob that downloads under a file name.
///
/// Nothing but `sv sr sig se sp rscd` is in the query: Azure's own libraries rebuild it from the
/// names that they know.
pub(super) fn url(app: &App, base: &str, blob: &str, right: Right, file_name: &str) -> String {
    let expires = app.clock.wall().checked_add(app.options.sas_lifetime).unwrap_or(Timestamp::MAX);
    // Whole seconds, as the service writes them; rounded up lest the URL be born expired.
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

/// The rights that a query grants to a blob, and the disposition that it asks for.
pub(super) fn check(app: &App, blob: &str, query: &str) -> Result<Grant, Refusal> {
    let fields: BTreeMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    let refused = |message| Refusal { code: "AuthenticationFailed", message };
    if field("sig").is_empty() {
        return Err(Refusal {
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
    let expires: Timestamp = field("se").parse().map_err(|_| refused("se is not a time."))?;
    if app.clock.wall() >= expires {
        return Err(refused(
            "Signed expiry time has to be after the current time. The signature has expired.",
        ));
    }
    Ok(Grant {
        write: field("sp").contains('w'),
        read: field("sp").contains('r'),
        disposition: field("rscd").to_owned(),
        fields,
    })
}

/// What a valid signature grants.
#[derive(Debug)]
pub(super) struct Grant {
    pub(super) write: bool,
    pub(super) read: bool,
    pub(super) disposition: String,
    /// The whole query: `comp` and the like ride in it too.
    pub(super) fields: BTreeMap<String, String>,
}
