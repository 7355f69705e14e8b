//! The options of a sandbox.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use dropship_redact::SecretString;

use crate::quirks::Quirks;

/// The options of a sandbox.
#[derive(Debug, Clone)]
pub struct Options {
    /// Address to listen on; port 0 selects a free port.
    pub listen: SocketAddr,
    /// Speed of working time as a multiple of real time.
    pub speed: f64,
    /// Enabled quirks.
    pub quirks: Quirks,
    /// Credentials that get tokens.
    pub credentials: Credentials,
    /// Seed of the ids.
    pub seed: u64,
    /// Maximum number of calls per account and [`Options::throttle_window`]; `None` for no limit.
    pub requests_per_minute: Option<u32>,
    /// Window in which calls are counted, in real time.
    pub throttle_window: Duration,
    /// Lifetime of a token, in real time.
    pub token_lifetime: Duration,
    /// Lifetime of a signed URL, in real time.
    pub sas_lifetime: Duration,
    /// Number of products per page.
    pub page_size: usize,
    /// Working time from commit to signature.
    pub sign: Duration,
    /// Working time from a label's creation to its publication.
    pub publish: Duration,
    /// Working time that cancelling a label takes.
    pub cancel: Duration,
    /// The manual review of a submission.
    pub review: Wait,
    /// Microsoft's approval of a label, in addition to the step's usual time.
    pub approval: Wait,
    /// The gradual rollout of a label, reported as step `publishing`.
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

/// Credentials that a sandbox accepts.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// Any credentials in a well-formed request.
    Any,
    /// One application of one tenant.
    One {
        /// The tenant's id.
        tenant_id: String,
        /// The application's id.
        client_id: String,
        /// The application's secret.
        client_secret: SecretString,
    },
}

/// A wait in a workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wait {
    /// No wait.
    #[default]
    None,
    /// A duration of working time.
    For(Duration),
    /// Until [`crate::Control::release`] ends it.
    UntilReleased,
}
