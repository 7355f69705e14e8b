//! Access tokens: fetched once for all workers, renewed before they expire, never on disk.
//!
//! `azure_identity` was not chosen. It knows only the v2 endpoint, while the API's own page and most of its clients use v1 with
//! `resource`. It also has an HTTP pipeline with retries, which cannot report whether anything was sent.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderValue;
use tokio::time::Instant;
use url::Url;

use dropship_redact::{ExposeSecret, Lifetime, SecretString, remember};

use super::backoff::Backoff;
use super::clock::ClockOffset;
use super::error::{Error, Recovery};
use super::health::{CallOutcome, PeerService, ServiceHealth};
use super::settings::{Credential, CredentialError, Purpose, RESOURCE, SecretSource, Settings, TokenVersion};

mod answer;
mod assertion;
mod managed;
mod refusal;
#[cfg(test)]
mod tests;
mod token_form;

use answer::OPERATION;
pub use assertion::certificate_of_key;
use token_form::TokenForm;

/// Checks that a file holds a certificate with its private key, as an account needs it.
///
/// # Errors
/// When the file has no usable certificate or key.
pub fn check_certificate(path: &std::path::Path) -> Result<(), CredentialError> {
    assertion::check_certificate(path)
}

/// Reads what is kept of a refusal of the token service.
#[cfg(fuzzing)]
pub(crate) fn read_refusal(body: &super::error::ErrorBody) {
    let kept = refusal::TokenRefusal::of(body).to_string();
    assert!(kept.len() < 2000, "the text is short: {kept}");
}

/// A token is renewed this long before it expires ...
const MARGIN: Duration = Duration::from_secs(300);
/// ... but not before this part of its lifetime has passed.
const MARGIN_PART: u32 = 5;
/// Delay after a failed renewal of a token that is still valid.
const RENEWAL_RETRY_INTERVAL: Duration = Duration::from_secs(30);
/// How long a secret of a file is searched for in messages after it was last read; it is read again for each token.
const MASK_SECRET_FOR: Duration = Duration::from_secs(7 * 24 * 3600);
/// Maximum number of attempts at a token endpoint that does not respond, or responds with a failure.
const ATTEMPTS: u32 = 4;
/// Maximum delay between attempts.
const LONGEST: Duration = Duration::from_secs(10);

/// A token for the API, as its header value.
#[derive(Clone)]
pub(super) struct Bearer {
    /// `Bearer ...`, marked sensitive.
    pub(super) header: HeaderValue,
    /// Number of the token, to distinguish a renewed one from one that was rejected.
    generation: u64,
}

#[derive(Clone)]
struct CachedToken {
    bearer: Bearer,
    renew_at: Instant,
    ends: Instant,
}

#[derive(Default)]
struct TokenState {
    cached: Option<CachedToken>,
    generation: u64,
    /// The last failure, for callers that waited for it.
    failed: Option<(Instant, Error)>,
}

/// The tokens of one account.
pub(super) struct Tokens {
    http: reqwest::Client,
    authority: Url,
    version: TokenVersion,
    credential: Credential,
    tenant_id: String,
    client_id: String,
    backoff: Backoff,
    clock: Arc<ClockOffset>,
    health: Arc<ServiceHealth>,
    /// Held while a token is fetched, so that other callers wait for it.
    state: tokio::sync::Mutex<TokenState>,
}

impl Tokens {
    pub(super) fn new(
        http: reqwest::Client,
        settings: Settings,
        clock: Arc<ClockOffset>,
        health: Arc<ServiceHealth>,
    ) -> Self {
        Self {
            http,
            clock,
            health,
            backoff: settings.retry.capped(LONGEST),
            authority: settings.authority,
            version: settings.version,
            credential: settings.credential,
            tenant_id: settings.tenant_id,
            client_id: settings.client_id,
            state: tokio::sync::Mutex::default(),
        }
    }

    /// The current token, fetched or renewed if necessary.
    pub(super) async fn get(&self) -> Result<Bearer, Error> {
        let requested_at = Instant::now();
        let mut state = self.state.lock().await;
        let now = Instant::now();
        if let Some(cached) = &state.cached
            && now < cached.renew_at
        {
            return Ok(cached.bearer.clone());
        }
        if let Some((at, error)) = &state.failed
            && *at >= requested_at
        {
            return Err(error.clone());
        }
        match self.fetch().await {
            Ok((token, lifetime)) => {
                let mut header = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
                    .map_err(|_| {
                        Error::not_sent(
                            OPERATION,
                            Recovery::Retry,
                            "the token service's token has characters no token has",
                        )
                    })?;
                header.set_sensitive(true);
                state.generation += 1;
                let bearer = Bearer { header, generation: state.generation };
                let fetched = Instant::now();
                let renew_at = fetched + lifetime.saturating_sub(MARGIN.min(lifetime / MARGIN_PART));
                state.cached =
                    Some(CachedToken { bearer: bearer.clone(), renew_at, ends: fetched + lifetime });
                state.failed = None;
                tracing::debug!(life_s = lifetime.as_secs(), "got an access token");
                Ok(bearer)
            }
            Err(error) => {
                // The old token is still valid; the renewal is tried again later.
                let now = Instant::now();
                if let Some(cached) = &mut state.cached
                    && error.recovery == Recovery::Retry
                    && now < cached.ends
                {
                    cached.renew_at = (now + RENEWAL_RETRY_INTERVAL).min(cached.ends);
                    tracing::warn!(%error, "cannot renew the access token, which is still valid");
                    return Ok(cached.bearer.clone());
                }
                state.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// Records that the service rejected a token: the next `get` fetches another, unless it is renewed already.
    pub(super) async fn refused(&self, bearer: &Bearer) {
        let mut state = self.state.lock().await;
        if state.cached.as_ref().is_some_and(|cached| cached.bearer.generation == bearer.generation) {
            state.cached = None;
        }
    }

    async fn fetch(&self) -> Result<(SecretString, Duration), Error> {
        let mut repeats = 0;
        loop {
            let attempt = self.attempt().await;
            if let Some(outcome) = CallOutcome::of_token(&attempt) {
                self.health.record(PeerService::Authority, outcome);
            }
            match attempt {
                Err(error) if error.recovery == Recovery::Retry && repeats + 1 < ATTEMPTS => {
                    let delay = self.backoff.delay(repeats);
                    if error.retry_after.is_some_and(|retry_after| retry_after > LONGEST) {
                        return Err(error);
                    }
                    tokio::time::sleep(error.retry_after.unwrap_or(delay)).await;
                    repeats += 1;
                }
                done => return done,
            }
        }
    }

    async fn attempt(&self) -> Result<(SecretString, Duration), Error> {
        let proof = match &self.credential {
            Credential::ManagedIdentity(identity) => match &identity.purpose {
                Purpose::Direct => return identity.token(&self.http, RESOURCE).await,
                Purpose::Exchange { resource } => {
                    token_form::ClientProof::Assertion(identity.token(&self.http, resource).await?.0)
                }
            },
            Credential::Secret(source) => {
                // Reading can block.
                token_form::ClientProof::Secret(read(source.clone()).await?)
            }
            Credential::Certificate(source) => {
                let pem = read(source.clone()).await?;
                let signed = assertion::sign(&pem, &self.client_id, &self.url()?, self.version);
                let signed = signed.map_err(|error| unusable_credential(&error))?;
                remember(signed.expose_secret(), Lifetime::For(assertion::LIFETIME));
                token_form::ClientProof::Assertion(signed)
            }
            Credential::FederatedTokenFile(path) => {
                let source = SecretSource::File(path.clone());
                token_form::ClientProof::Assertion(SecretString::from(
                    read(source).await?.expose_secret().trim(),
                ))
            }
        };
        let form = TokenForm {
            version: self.version,
            client_id: &self.client_id,
            proof: &proof,
            resource: RESOURCE,
        };
        let sent =
            self.http.post(self.url()?).form(&form.fields()).timeout(Duration::from_secs(60)).send().await;
        if let Ok(answer) = &sent {
            self.clock.measure(answer.headers());
        }
        answer::read(sent).await
    }

    fn url(&self) -> Result<Url, Error> {
        let path = match self.version {
            TokenVersion::V1 => ["oauth2", "token"].as_slice(),
            TokenVersion::V2 => &["oauth2", "v2.0", "token"],
        };
        let mut url = self.authority.clone();
        let cannot =
            || Error::not_sent(OPERATION, Recovery::Credentials, "the authority is not a web address");
        url.path_segments_mut().map_err(|()| cannot())?.pop_if_empty().push(&self.tenant_id).extend(path);
        Ok(url)
    }
}

async fn read(source: SecretSource) -> Result<SecretString, Error> {
    let read = tokio::task::spawn_blocking(move || source.read()).await;
    let interrupted =
        |_| Error::not_sent(OPERATION, Recovery::Credentials, "reading the secret was interrupted");
    let secret = read.map_err(interrupted)?.map_err(|error| unusable_credential(&error))?;
    remember_secret(&secret);
    Ok(secret)
}

fn unusable_credential(error: &CredentialError) -> Error {
    Error::not_sent(OPERATION, Recovery::Credentials, error.to_string())
}

/// Remembers a secret of a file; of a certificate's file only its key.
fn remember_secret(secret: &SecretString) {
    let text = secret.expose_secret();
    if !text.contains("-----BEGIN") {
        // A rotated secret can still be in a message about the old one.
        remember(text, Lifetime::For(MASK_SECRET_FOR));
        return;
    }
    let blocks = text
        .split("-----BEGIN ")
        .filter(|block| block.split_once("-----").is_some_and(|(kind, _)| kind.ends_with("PRIVATE KEY")));
    for block in blocks {
        let lines = block.lines().skip(1).take_while(|line| !line.starts_with("-----"));
        let key: Vec<&str> = lines.map(str::trim).collect();
        for line in &key {
            remember(line, Lifetime::For(MASK_SECRET_FOR));
        }
        remember(&key.concat(), Lifetime::For(MASK_SECRET_FOR));
    }
}

/// Shares one set of tokens between the clones of a client.
pub(super) type SharedTokens = Arc<Tokens>;
