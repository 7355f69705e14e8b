//! Rare behaviours of the real service that can be enabled one by one.

pub(crate) mod apply;
mod loose_types;
mod quirk;
mod set;

pub use quirk::Quirk;
pub use set::{Quirks, UnknownQuirk};
