//! HTTP servers with limits: no client can exhaust the connections, threads or descriptors that others need.
//!
//! [`serve`] accepts connections of a [`Listener`]. Handlers take a [`RequestSlot`] before they block a thread.

mod connections;
mod descriptors;
mod limits;
mod listener;
mod request_body;
mod request_slots;
mod server;
mod write_stall;

pub use descriptors::raise_limit;
pub use limits::Limits;
pub use listener::{Caller, ClientClass, ClientKey, Listener};
pub use request_slots::{Busy, RequestSlot, RequestSlots, SlotKind};
pub use server::serve;
