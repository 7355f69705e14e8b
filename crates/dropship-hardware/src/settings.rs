//! Settings of a client: the address of the service, the credentials, the connection.

use std::error::Error as StdError;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use url::{Host, Url};

use crate::backoff::Backoff;
use dropship_redact::{ExposeSecret, SecretString};

mod credential_error;
mod limit_memory;
mod managed_identity;

pub use credential_error::CredentialError;
pub use limit_memory::LimitMemory;
pub use managed_identity::{IdentityEndpoint, ManagedIdentity, Purpose};

/// The production service.
pub const ENDPOINT: &str = "https://manage.devcenter.microsoft.com";
/// The production token service.
pub const AUTHORITY: &str = "https://login.microsoftonline.com";
/// The resource for which tokens are requested, for every endpoint.
pub const RESOURCE: &str = "https://manage.devcenter.microsoft.com";

/// Settings of one account's client.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Base URL of the Hardware dashboard API, without `/v2.0/my/hardware`.
    pub endpoint: Url,
    /// Base URL of the token service, without the tenant.
    pub authority: Url,
    /// Version of the token endpoint.
    pub version: TokenVersion,
    /// Credentials of the application.
    pub credential: Credential,
    /// Entra tenant: a GUID or a domain.
    pub tenant_id: String,
    /// Application id.
    pub client_id: String,
    /// Globs of hosts, besides the endpoint's own, to which packages may be uploaded and from which results may be downloaded.
    pub blob_hosts: Vec<String>,
    /// Delays before calls are repeated.
    pub retry: Backoff,
    /// Time limit of a whole call. The service is known to take minutes.
    pub call_timeout: Duration,
    /// Proxy for all hosts but loopback; absent: that of the environment.
    pub proxy: Option<Url>,
    /// Additional trusted roots, PEM.
    pub ca_pem: Option<Vec<u8>>,
    /// `User-Agent`.
    pub user_agent: String,
    /// Observer of each call.
    pub observer: Observer,
    /// Condition of calls that change something.
    pub gate: ChangeGate,
    /// The limit of calls that an earlier client has learnt, and who remembers its changes.
    pub limit_memory: LimitMemory,
}

impl Settings {
    /// Settings with the documented defaults.
    #[must_use]
    pub fn new(
        endpoint: Url,
        authority: Url,
        tenant_id: impl Into<String>,
        client_id: impl Into<String>,
        credential: Credential,
    ) -> Self {
        Self {
            endpoint,
            authority,
            version: TokenVersion::V1,
            credential,
            tenant_id: tenant_id.into(),
            client_id: client_id.into(),
            blob_hosts: vec!["*.blob.core.windows.net".to_owned()],
            retry: Backoff::DEFAULT,
            call_timeout: Duration::from_secs(300),
            proxy: None,
            ca_pem: None,
            observer: Observer::default(),
            gate: ChangeGate::default(),
            limit_memory: LimitMemory::default(),
            user_agent: concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Observer of HTTP requests, for metrics. The default ignores them.
#[derive(Clone, Default)]
pub struct Observer(Option<Arc<OnCall>>);

type OnCall = dyn Fn(ObservedCall) + Send + Sync;

/// An HTTP request to the API that has ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ObservedCall {
    /// The operation: `create product`.
    pub operation: &'static str,
    /// The HTTP status, if there was a response.
    pub status: Option<u16>,
    /// The time that it took.
    pub took: Duration,
    /// The rate that the client keeps because the service has throttled it, in calls a second; absent without a limit.
    pub limit: Option<f64>,
}

impl Observer {
    /// An observer that calls `on_call` after each request. The closure must not block.
    pub fn new(on_call: impl Fn(ObservedCall) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(on_call)))
    }

    pub(super) fn on_call(&self, call: ObservedCall) {
        if let Some(on_call) = &self.0 {
            on_call(call);
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Observer(set)" } else { "Observer(none)" })
    }
}

/// A condition that is checked immediately before a call that changes something is sent. The default is always fulfilled.
#[derive(Clone, Default)]
pub struct ChangeGate(Option<Arc<dyn Fn() -> bool + Send + Sync>>);

impl ChangeGate {
    /// A gate that is open while `is_open` returns true. The closure must not block.
    pub fn new(is_open: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(is_open)))
    }

    pub(super) fn is_open(&self) -> bool {
        self.0.as_ref().is_none_or(|is_open| is_open())
    }
}

impl fmt::Debug for ChangeGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_open() { "ChangeGate(open)" } else { "ChangeGate(closed)" })
    }
}

/// Version of the token endpoint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TokenVersion {
    /// `/oauth2/token` with `resource`, as the API's own page describes it.
    #[default]
    V1,
    /// `/oauth2/v2.0/token` with `scope`.
    V2,
}

/// Credentials of an Entra application.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A client secret.
    Secret(SecretSource),
    /// A certificate with its RSA private key, PEM; registered with the application.
    Certificate(SecretSource),
    /// A file with a token of another issuer that Entra trusts (workload identity federation).
    FederatedTokenFile(PathBuf),
    /// The managed identity of the Azure machine.
    ManagedIdentity(ManagedIdentity),
}

/// Source of a secret. It is read again for each token, so that the secret can be rotated at run time.
#[derive(Clone)]
pub enum SecretSource {
    /// A file; one line break at its end is not part of the secret.
    File(PathBuf),
    /// The error of the closure is shown to users: neither its text nor its `Debug` form must contain a secret.
    Call(Arc<dyn Fn() -> Result<SecretString, Box<dyn StdError + Send + Sync>> + Send + Sync>),
}

impl SecretSource {
    /// A constant secret, for tests and values of the environment.
    #[must_use]
    pub fn fixed(secret: SecretString) -> Self {
        Self::Call(Arc::new(move || Ok(secret.clone())))
    }

    /// Reads the secret.
    ///
    /// # Errors
    /// The file cannot be read, is not UTF-8 or is empty; or the closure has failed.
    pub fn read(&self) -> Result<SecretString, CredentialError> {
        let secret = match self {
            Self::Call(source) => source().map_err(CredentialError::Source)?,
            Self::File(path) => {
                let unreadable = |error| CredentialError::Unreadable { path: path.clone(), error };
                let text = std::fs::read_to_string(path).map_err(unreadable)?;
                let line = text.strip_suffix('\n').unwrap_or(&text);
                let secret = SecretString::from(line.strip_suffix('\r').unwrap_or(line));
                drop(SecretString::from(text));
                secret
            }
        };
        if secret.expose_secret().is_empty() {
            return Err(match self {
                Self::Call(_) => CredentialError::Empty,
                Self::File(path) => CredentialError::EmptyFile(path.clone()),
            });
        }
        Ok(secret)
    }
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "File({})", path.display()),
            Self::Call(_) => f.write_str("Call(***)"),
        }
    }
}

/// A client cannot be built from these settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A URL would send secrets unencrypted.
    #[error("{what} `{url}` is plain http; only loopback may be, everything else needs https")]
    PlainHttp {
        /// Name of the setting.
        what: &'static str,
        /// Its value.
        url: String,
    },
    /// A URL has no host, or another scheme.
    #[error("{what} `{url}` is not a web address such as https://host")]
    NotAWebAddress {
        /// Name of the setting.
        what: &'static str,
        /// Its value.
        url: String,
    },
    /// A host glob cannot be read.
    #[error("blob host `{glob}`: {message}")]
    BlobHost {
        /// The glob.
        glob: String,
        /// The error.
        message: String,
    },
    /// The additional roots cannot be read.
    #[error("the additional root certificates cannot be read: {0}")]
    Roots(String),
    /// The HTTP client cannot be created.
    #[error("the HTTP client cannot be set up: {0}")]
    Http(String),
}

/// Whether the URL's host is this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Refuses a base URL that is not a web address, or would send secrets unencrypted.
pub(super) fn check_base(what: &'static str, url: &Url) -> Result<(), BuildError> {
    let shown = || dropship_redact::SafeUrl::new(url.clone()).to_string();
    match url.scheme() {
        "https" if url.host().is_some() => Ok(()),
        "http" if is_loopback(url) => Ok(()),
        "http" if url.host().is_some() => Err(BuildError::PlainHttp { what, url: shown() }),
        _ => Err(BuildError::NotAWebAddress { what, url: shown() }),
    }
}
