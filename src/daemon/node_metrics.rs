//! Metrics of a node that shares its jobs with others.

use crate::metrics::{ExpositionText, registry};
use dropship_store::Store;

/// Writes them; nothing for a store that is not shared.
pub(super) fn write(text: &mut ExpositionText, store: &dyn Store, is_active: bool) {
    let Some(standing) = store.standing() else { return };
    text.one(&registry::NODE_ACTIVE, f64::from(u8::from(is_active)));
    text.one(&registry::NODE_LEASE, standing.lease.as_secs_f64());
    text.one(&registry::NODE_LINE, standing.line as f64);
    text.one(&registry::NODE_LAG, standing.lag.as_secs_f64());
}
