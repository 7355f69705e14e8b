//! What time it is: the wall's, or tokio's, which tests can pause and wind.

use jiff::{SignedDuration, Timestamp};

/// A source of the time.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    /// The machine's clock.
    Wall,
    /// Tokio's clock, from a moment on.
    Tokio {
        /// The time at `start`.
        base: Timestamp,
        /// The moment.
        start: tokio::time::Instant,
    },
}

impl Clock {
    /// A clock that runs with tokio's from now on.
    #[must_use]
    pub fn tokio(base: Timestamp) -> Self {
        Self::Tokio { base, start: tokio::time::Instant::now() }
    }

    /// The time.
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

    /// The time after a span from now.
    #[must_use]
    pub fn after(&self, span: std::time::Duration) -> Timestamp {
        let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
        self.now().checked_add(span).unwrap_or(Timestamp::MAX)
    }
}
