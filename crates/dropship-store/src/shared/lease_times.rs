//! How long a lease lasts, and how often it is renewed.

use std::time::Duration;

/// The times of a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LeaseTimes {
    /// Time for which the database grants a lease.
    pub(crate) term: Duration,
    /// The node's own lease ends this much earlier, to allow for the drift of clocks and for a call that is about to be sent.
    margin: Duration,
    /// Interval between renewals.
    pub(crate) renewal: Duration,
    /// Interval between attempts after a renewal that failed, or while another node has the lease.
    pub(crate) retry_interval: Duration,
}

const USUAL: LeaseTimes = LeaseTimes {
    term: Duration::from_secs(30),
    margin: Duration::from_secs(5),
    renewal: Duration::from_secs(8),
    retry_interval: Duration::from_secs(1),
};

impl LeaseTimes {
    /// The time after which the node regards its own lease as ended.
    pub(crate) fn own_term(&self) -> Duration {
        self.term.saturating_sub(self.margin)
    }

    /// The same times divided by a number.
    #[cfg(debug_assertions)]
    fn divided_by(self, divisor: u32) -> Self {
        let Self { term, margin, renewal, retry_interval } = self;
        Self {
            term: term / divisor,
            margin: margin / divisor,
            renewal: renewal / divisor,
            retry_interval: retry_interval / divisor,
        }
    }
}

/// The times of this process.
#[cfg(not(debug_assertions))]
pub(crate) fn times() -> LeaseTimes {
    USUAL
}

/// The times of this process. Tests of debug builds divide them by `DROPSHIP_TEST_LEASE_DIVISOR`; a release does not read it.
#[cfg(debug_assertions)]
pub(crate) fn times() -> LeaseTimes {
    static TIMES: std::sync::OnceLock<LeaseTimes> = std::sync::OnceLock::new();
    *TIMES.get_or_init(|| {
        let divisor = std::env::var("DROPSHIP_TEST_LEASE_DIVISOR").ok();
        let divisor = divisor.and_then(|divisor| divisor.parse().ok()).filter(|divisor| *divisor > 0);
        divisor.map_or(USUAL, |divisor| USUAL.divided_by(divisor))
    })
}
