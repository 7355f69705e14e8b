//! The response of the token service.

use std::time::Duration;

use serde::Deserialize;

use crate::body;
use crate::bom::without_bom;
use crate::error::{Error, Recovery, read_body};
use crate::html;
use crate::http::explain;
use crate::retry_after;
use dropship_redact::{Lifetime, SecretString, remember};

use super::refusal::TokenRefusal;

/// Name of the operation in errors.
pub(super) const OPERATION: &str = "get an access token";
/// Maximum length of a response, in bytes; tokens have some kilobytes.
const MAX_LENGTH: usize = 256 * 1024;
/// Lifetime of a token whose expiry is not named.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(600);

#[derive(Deserialize)]
struct TokenResponse {
    access_token: String,
    /// Seconds; the older form of the service sends a string.
    #[serde(default)]
    expires_in: Option<serde_json::Value>,
    /// Seconds since 1970; the App Service form sends only this.
    #[serde(default)]
    expires_on: Option<serde_json::Value>,
}

/// Reads the token and its lifetime.
pub(super) async fn read(
    sent: Result<reqwest::Response, reqwest::Error>,
) -> Result<(SecretString, Duration), Error> {
    let lost = |error: reqwest::Error| {
        Error::not_sent(
            OPERATION,
            Recovery::Retry,
            format!("the token service cannot be reached: {}", explain(error)),
        )
    };
    let answer = sent.map_err(lost)?;
    let status = answer.status().as_u16();
    let pause = retry_after::read(answer.headers());
    if status == 200 {
        let mut body = body::read_all(answer, MAX_LENGTH).await.map_err(|broken| match broken {
            Some(error) => lost(error),
            None => {
                let message = "the token service's response is longer than 256 KiB";
                Error::not_sent(OPERATION, Recovery::Retry, message)
            }
        })?;
        let is_page = html::is_page(&body);
        let parsed = parse(&body, jiff::Timestamp::now().as_second());
        body.fill(0);
        return parsed.ok_or_else(|| {
            let message = if is_page {
                "a proxy or a sign-in page answered in place of the token service"
            } else {
                "the token service's response has no token"
            };
            Error::not_sent(OPERATION, Recovery::Retry, message)
        });
    }
    let error_body = read_body(&body::start(answer).await);
    let recovery = match status {
        429 | 408 | 500..=599 => Recovery::Retry,
        _ if error_body.is_of_proxy(status) => Recovery::Retry,
        _ => Recovery::Credentials,
    };
    let refusal = TokenRefusal::of(&error_body);
    let message =
        if error_body.is_of_proxy(status) { "a proxy answered".to_owned() } else { refusal.to_string() };
    let message =
        if message.is_empty() { "the token service gave no documented reason".to_owned() } else { message };
    Err(Error::not_sent(OPERATION, recovery, message)
        .with_status(status)
        .with_code(refusal.code)
        .with_retry_after(pause))
}

fn parse(body: &[u8], now: i64) -> Option<(SecretString, Duration)> {
    let answer: TokenResponse = serde_json::from_slice(without_bom(body)).ok()?;
    if answer.access_token.is_empty() {
        return None;
    }
    let lifetime = number(answer.expires_in.as_ref())
        .or_else(|| number(answer.expires_on.as_ref()).map(|ends| ends.saturating_sub(now)))
        .map_or(DEFAULT_LIFETIME, |seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or(0)));
    // No token is valid for more than a day; a longer lifetime is wrong.
    let lifetime = lifetime.min(Duration::from_secs(24 * 3600));
    remember(&answer.access_token, Lifetime::For(lifetime));
    Some((SecretString::from(answer.access_token), lifetime))
}

fn number(value: Option<&serde_json::Value>) -> Option<i64> {
    match value? {
        serde_json::Value::Number(number) => number.as_i64(),
        serde_json::Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiry_of_a_token_is_read_as_number_string_or_time() {
        let lifetime = |body: &str| parse(body.as_bytes(), 1000).map(|(_, lifetime)| lifetime.as_secs());
        assert_eq!(lifetime(r#"{"access_token":"x","expires_in":"3599"}"#), Some(3599));
        assert_eq!(lifetime(r#"{"access_token":"x","expires_in":3599}"#), Some(3599));
        assert_eq!(lifetime("\u{feff}{\"access_token\":\"x\",\"expires_in\":3599}"), Some(3599));
        assert_eq!(lifetime(r#"{"access_token":"x","expires_on":"1060"}"#), Some(60));
        assert_eq!(lifetime(r#"{"access_token":"x","expires_in":null}"#), Some(600));
        assert_eq!(lifetime(r#"{"access_token":""}"#), None);
        assert_eq!(lifetime("<html>"), None);
    }
}
