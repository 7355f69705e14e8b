//! The client of one account, shared by all workers.

use std::sync::Arc;

use url::Url;

use crate::auth::{SharedTokens, Tokens};
use crate::backoff::Backoff;
use crate::blob::{BufferPool, Hosts};
use crate::clock::ClockOffset;
use crate::error::Error;
use crate::health::{Availability, ServiceHealth};
use crate::http::Http;
use crate::limiter::CallLimiter;
use crate::request_id::random_uuid;
use crate::settings::{self, BuildError, Settings};
use dropship_redact::SafeUrl;

/// Client of the Hardware dashboard API for one account. Clones share connections, tokens and the budget.
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
    /// Value of `MS-CorrelationId`.
    pub(super) correlation: Arc<str>,
}

/// The parts that all clones share.
pub(crate) struct Shared {
    pub(crate) http: Http,
    pub(crate) tokens: SharedTokens,
    pub(crate) limiter: CallLimiter,
    pub(crate) limit_memory: settings::LimitMemory,
    /// Base of all calls, ending in `/v2.0/my/hardware`.
    pub(crate) base: Url,
    pub(crate) backoff: Backoff,
    pub(crate) hosts: Hosts,
    pub(crate) buffers: BufferPool,
    pub(crate) observer: settings::Observer,
    pub(crate) gate: settings::ChangeGate,
    pub(crate) clock: Arc<ClockOffset>,
    pub(crate) health: Arc<ServiceHealth>,
}

impl Client {
    /// A client; nothing is sent yet.
    ///
    /// # Errors
    /// When a URL is unusable or would send secrets unencrypted, or TLS or the proxy cannot be set up.
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
        let backoff = settings.retry;
        let hosts = Hosts::new(&settings.endpoint, &settings.blob_hosts)?;
        let (observer, gate) = (settings.observer.clone(), settings.gate.clone());
        let limit_memory = settings.limit_memory.clone();
        let clock = Arc::new(ClockOffset::default());
        let health = Arc::new(ServiceHealth::default());
        let tokens =
            Arc::new(Tokens::new(http.calls.clone(), settings, Arc::clone(&clock), Arc::clone(&health)));
        let (limiter, pause) =
            CallLimiter::starting_with(limit_memory.initial, backoff, jiff::Timestamp::now());
        // No call was made yet, but the account has a trouble that operators have to see.
        if let Some(pause) = pause.filter(|pause| !pause.is_zero()) {
            health.inherit_throttling(pause);
        }
        let buffers = BufferPool::default();
        Ok(Self {
            shared: Arc::new(Shared {
                http,
                tokens,
                limiter,
                limit_memory,
                base,
                backoff,
                hosts,
                buffers,
                observer,
                gate,
                clock,
                health,
            }),
            correlation: random_uuid().into(),
        })
    }

    /// The same client with another correlation id, for example one for each package.
    #[must_use]
    pub fn with_correlation(&self, id: &str) -> Self {
        // A header has no other characters.
        let id: String = id.chars().filter(char::is_ascii_graphic).take(128).collect();
        Self { shared: Arc::clone(&self.shared), correlation: id.into() }
    }

    /// Seconds by which this machine's clock is ahead of the service's, by its last response; negative when it is behind.
    #[must_use]
    pub fn clock_offset(&self) -> Option<i64> {
        self.shared.clock.seconds()
    }

    /// Whether the service answers, by the latest calls.
    #[must_use]
    pub fn availability(&self) -> Availability {
        self.shared.health.availability(jiff::Timestamp::now())
    }

    /// Gets a token and makes one read-only call.
    ///
    /// # Errors
    /// When the service cannot be used, because of the network, the credentials or the roles.
    pub async fn probe(&self) -> Result<(), Error> {
        self.audiences().read().await.map(drop)
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Client({})", SafeUrl::new(self.shared.base.clone()))
    }
}
