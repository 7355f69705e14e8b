//! How a sandbox is to behave.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use dropship_redact::Secret;

use super::quirks::Quirks;

/// What a sandbox is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How many times faster than real time submissions and labels ripen.
    pub speed: f64,
    /// Which of the service's rarer habits it has.
    pub quirks: Quirks,
    /// Whom it gives tokens to.
    pub credentials: Credentials,
    /// What its identifiers follow from.
    pub seed: u64,
    /// How many calls an account may make in a [`Options::throttle_window`]; `None`: any number.
    pub requests_per_minute: Option<u32>,
    /// The window that calls are counted in, in real time.
    pub throttle_window: Duration,
    /// How long a token lives, in real time.
    pub token_lifetime: Duration,
    /// How long a signed URL lives, in real time.
    pub sas_lifetime: Duration,
    /// How many products make a page.
    pub page_size: usize,
    /// Working time from commit to signature.
    pub sign: Duration,
    /// Working time from a label's creation to its publication.
    pub publish: Duration,
    /// Working time that cancelling a label takes.
    pub cancel: Duration,
    /// The manual review of a submission.
    pub review: Wait,
    /// Microsoft's approval of a label, beyond the step's usual time.
    pub approval: Wait,
    /// The gradual rollout of a published label, which no step shows.
    pub rollout: Wait,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            speed: 1.0,
            quirks: Quirks::none(),
            credentials: Credentials::Any,
            seed: getrandom::u64().unwrap_or(1),
            requests_per_minute: None,
            throttle_window: Duration::from_secs(60),
            token_lifetime: Duration::from_secs(3600),
            sas_lifetime: Duration::from_secs(24 * 3600),
            page_size: 50,
            sign: Duration::from_secs(600),
            publish: Duration::from_secs(3600),
            cancel: Duration::from_secs(26 * 3600),
            review: Wait::None,
            approval: Wait::None,
            rollout: Wait::None,
        }
    }
}

/// Whom a sandbox gives tokens to.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// Everybody whose request has the right form.
    Any,
    /// One application of one tenant.
    One {
        /// The tenant's id.
        tenant_id: String,
        /// The application's id.
        client_id: String,
        /// The application's secret.
        client_secret: Secret,
    },
}

/// A wait that the service may impose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wait {
    /// There is none.
    #[default]
    None,
    /// So much working time.
    For(Duration),
    /// Until somebody releases it.
    UntilReleased,
}
