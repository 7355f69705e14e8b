//! A webhook: JSON by POST, signed according to Standard Webhooks (`webhook-id`, `webhook-timestamp`,
//! `webhook-signature`).

use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use ring::hmac;

use super::notification::Notification;
use dropship_config::model::SecretAt;
use dropship_redact::{ExposeSecret, Lifetime, SafeUrl, SecretString, remember, remember_url};

/// How long a secret is searched for in messages after it was last read; it is read again for each request.
const MASK_SECRET_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

/// A webhook with its client.
#[derive(Debug)]
pub(super) struct Webhook {
    url: SafeUrl,
    http: reqwest::Client,
    secret: Option<PathBuf>,
}

impl Webhook {
    /// Creates a webhook. Its secret is read now, so that a missing secret fails the start, and again for each request, so that
    /// a rotated secret is used.
    ///
    /// # Errors
    /// When the secret cannot be read.
    pub(super) fn new(url: SafeUrl, secret: Option<&SecretAt>, timeout: Duration) -> anyhow::Result<Self> {
        let secret = match secret {
            None => None,
            Some(SecretAt::File(path)) => Some(path.clone()),
            Some(SecretAt::Credential(name)) => Some(dropship_config::credential_file(name)?),
        };
        let http = reqwest::Client::builder()
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("dropship/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(reqwest::Error::without_url)?;
        remember_url(url.with_secrets(), Lifetime::Process);
        let hook = Self { url, http, secret };
        hook.key().map_err(|error| anyhow!(error))?;
        Ok(hook)
    }

    fn key(&self) -> Result<Option<hmac::Key>, String> {
        let Some(path) = &self.secret else { return Ok(None) };
        let failed = |error: std::io::Error| format!("cannot read the secret {}: {error}", path.display());
        let text = SecretString::from(std::fs::read_to_string(path).map_err(failed)?);
        let text = text.expose_secret().trim();
        if text.is_empty() {
            return Err(format!("the secret {} is empty", path.display()));
        }
        remember(text, Lifetime::For(MASK_SECRET_FOR));
        // In Standard Webhooks a secret is `whsec_` and base64. Any other text is used as the key itself.
        let decoded = text.strip_prefix("whsec_").and_then(|encoded| STANDARD.decode(encoded).ok());
        let bytes = decoded.unwrap_or_else(|| text.as_bytes().to_vec());
        Ok(Some(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// Posts a notification.
    ///
    /// # Errors
    /// When the receiver does not answer with status 2xx.
    pub(super) async fn send(&self, notification: &Notification) -> Result<(), String> {
        let body = serde_json::to_string(notification).map_err(|error| error.to_string())?;
        let timestamp = Timestamp::now().as_second();
        let mut request = self.http.post(self.url.with_secrets().clone());
        request = request.header("content-type", "application/json");
        request = request.header("webhook-id", &notification.id).header("webhook-timestamp", timestamp);
        if let Some(key) = self.key()? {
            let signed = hmac::sign(&key, format!("{}.{timestamp}.{body}", notification.id).as_bytes());
            request = request.header("webhook-signature", format!("v1,{}", STANDARD.encode(signed.as_ref())));
        }
        let answer = request.body(body).send().await.map_err(|error| cause(&error.without_url()))?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(format!("the webhook answered with status {status}")),
        }
    }
}

/// An error and its causes as one text.
fn cause(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    dropship_redact::mask(&text)
}
