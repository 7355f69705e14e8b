//! The list of everything that needs attention, except held jobs.
//!
//! [`Attention::refresh`] assembles it from the state of all components. The status line, `status`, `/readyz`, the metrics
//! and the log show the same list.

mod board;
mod configuration;
mod item;
mod kind;
mod list;
mod log;
mod outbox_probe;
mod outbox_probes;
mod pending_key;
mod probes;
mod sources;

pub use board::Attention;
pub use configuration::{ConfigurationState, LastReload, RefusedReload};
pub use item::AttentionItem;
pub use kind::{AttentionKind, KindInfo, Severity};
pub use list::{AttentionList, Observed};
pub use pending_key::PendingKey;
pub use probes::{ClockLimit, Probes};
pub use sources::Sources;
