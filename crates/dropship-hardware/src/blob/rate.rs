//! The rate at which the bytes of a response come.

use std::time::Duration;

use tokio::time::Instant;

use super::error::TransferError;

/// A response that brings fewer bytes than [`SLOWEST`] in this time is ended; another request continues it.
const PERIOD: Duration = Duration::from_secs(60);
const SLOWEST: u64 = 64 * 1024;

/// The bytes of one response.
pub(super) struct DownloadRate {
    since: Instant,
    length: u64,
}

impl DownloadRate {
    /// Begins at a length of the download so far.
    pub(super) fn from(length: u64) -> Self {
        Self { since: Instant::now(), length }
    }

    /// Fails if too few bytes came in the last [`PERIOD`]; `length` is that of the download so far.
    pub(super) fn check(&mut self, length: u64) -> Result<(), TransferError> {
        let passed = self.since.elapsed();
        if passed < PERIOD {
            return Ok(());
        }
        let bytes = length.saturating_sub(self.length);
        if bytes < SLOWEST {
            return Err(TransferError::Slow { bytes, seconds: passed.as_secs() });
        }
        *self = Self::from(length);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn response_that_trickles_is_ended_and_a_quick_one_is_not() {
        let mut rate = DownloadRate::from(1000);
        assert!(rate.check(1001).is_ok(), "a short time is not measured");
        tokio::time::advance(PERIOD).await;
        assert!(rate.check(1000 + SLOWEST).is_ok());
        assert!(rate.check(1000 + SLOWEST).is_ok(), "a new period");
        tokio::time::advance(PERIOD).await;
        let error = rate.check(999 + 2 * SLOWEST).expect_err("a byte too few");
        assert!(
            matches!(error, TransferError::Slow { bytes, seconds: 60 } if bytes == SLOWEST - 1),
            "{error}"
        );
    }
}
