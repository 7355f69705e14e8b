//! The limit of calls, handed from one client of an account to the next.

use std::fmt;
use std::sync::Arc;

use crate::limiter::LearntLimit;

/// Hands the limit that one client has learnt to the next client of the account, for example after a restart. By default, each
/// client learns the limit itself.
#[derive(Clone, Default)]
pub struct LimitMemory {
    pub(crate) initial: Option<LearntLimit>,
    on_change: Option<Arc<OnChange>>,
}

type OnChange = dyn Fn(Option<LearntLimit>) + Send + Sync;

impl LimitMemory {
    /// A client with this memory starts with the limit `initial`, and calls `on_change` whenever the limit has changed; with `None` when it
    /// no longer limits its calls. The closure must not block.
    pub fn new(
        initial: Option<LearntLimit>,
        on_change: impl Fn(Option<LearntLimit>) + Send + Sync + 'static,
    ) -> Self {
        Self { initial, on_change: Some(Arc::new(on_change)) }
    }

    /// Reports the limit that applies now, as a client does.
    pub fn report(&self, limit: Option<LearntLimit>) {
        if let Some(on_change) = &self.on_change {
            on_change(limit);
        }
    }
}

impl fmt::Debug for LimitMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimitMemory").field("initial", &self.initial).finish_non_exhaustive()
    }
}
