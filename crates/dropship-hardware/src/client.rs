//! The client of one account, shared by all workers.

use std::sync::Arc;

use url::Url;

use super::auth::{SharedTokens, Tokens};
use super::backoff::{Backoff, guid};
use super::blob::{BufferPool, Hosts};
use super::error::Error;
use super::gate::Gate;
use super::http::Http;
use super::settings::{self, BuildError, Settings};
use dropship_redact::SafeUrl;

mod call;
mod exchange;
mod labels;
mod preprod;
mod products;
mod submissions;
#[cfg(test)]
mod tests;

pub(super) use call::{Body, Call, Query};

/// Client of the Hardware dashboard API for one account. Clones share connections, tokens and the budget.
#[derive(Clone)]
pub struct Client {
    pub(super) shared: Arc<Shared>,
    /// What `MS-CorrelationId` carries.
    correlation: Arc<str>,
}

/// What all clones share.
pub(super) struct Shared {
    pub(super) http: Http,
    pub(super) tokens: SharedTokens,
    pub(super) gate: Gate,
    /// Base of all calls, ending in `/v2.0/my/hardware`.
    pub(super) base: Url,
    pub(super) backoff: Backoff,
    pub(super) hosts: Hosts,
    pub(super) buffers: BufferPool,
    pub(super) observer: settings::Observer,
}

impl Client {
    /// A client; nothing is sent yet.
    ///
    /// # Errors
    /// When a URL is unusable or would carry secrets in the clear, or TLS or the proxy cannot be set up.
    pub fn new(settings: Settings) -> Result<Self, BuildError> {
        settings::check_base("the endpoint", &settings.endpoint)?;
        settings::check_base("the authority", &settings.authority)?;
        let http = Http::new(&settings)?;
        let mut base = settings.endpoint.clone();
        base.set_query(None);
        base.set_fragment(None);
        if let Ok(mut path) = base.path_segments_mut() {
            path.pop_if_empty().extend(["v2.0", "my", "hardware"]);
        }
        let backoff = Backoff { first: settings.retry_first, max: settings.retry_max };
        let hosts = Hosts::new(&settings.endpoint, &settings.blob_hosts)?;
        let observer = settings.observer.clone();
        let tokens = Arc::new(Tokens::new(http.calls.clone(), settings));
        let gate = Gate::new(backoff);
        let buffers = BufferPool::default();
        Ok(Self {
            shared: Arc::new(Shared { http, tokens, gate, base, backoff, hosts, buffers, observer }),
            correlation: guid().into(),
        })
    }

    /// The same client under another correlation id: one for each job tells its calls apart at the service.
    #[must_use]
    pub fn with_correlation(&self, id: &str) -> Self {
        // It goes into a header.
        let id: String = id.chars().filter(char::is_ascii_graphic).take(128).collect();
        Self { shared: Arc::clone(&self.shared), correlation: id.into() }
    }

    /// Gets a token and makes one harmless call.
    ///
    /// # Errors
    /// Whatever stands between us and the service.
    pub async fn probe(&self) -> Result<(), Error> {
        self.audiences().await.map(drop)
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Client({})", SafeUrl::new(self.shared.base.clone()))
    }
}
