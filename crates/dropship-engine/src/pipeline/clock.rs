//! Sources of the time: the system clock, or tokio's clock, which tests can pause.

use jiff::{SignedDuration, Timestamp};

/// A source of the time.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    /// The system clock.
    Wall,
    /// Tokio's clock.
    Tokio {
        /// The time at `start`.
        base: Timestamp,
        /// Instant of `base`.
        start: tokio::time::Instant,
    },
}

impl Clock {
    /// A clock that shows `base` now and runs with tokio's clock.
    #[must_use]
    pub fn tokio(base: Timestamp) -> Self {
        Self::Tokio { base, start: tokio::time::Instant::now() }
    }

    /// The present time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::Wall => Timestamp::now(),
            Self::Tokio { base, start } => {
                let passed = SignedDuration::try_from(start.elapsed()).unwrap_or(SignedDuration::MAX);
                base.checked_add(passed).unwrap_or(Timestamp::MAX)
            }
        }
    }

    /// The time that is `span` from now.
    #[must_use]
    pub fn after(&self, span: std::time::Duration) -> Timestamp {
        let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
        self.now().checked_add(span).unwrap_or(Timestamp::MAX)
    }
}
