//! Scripted faults: lost responses, errors, delays and broken bodies.

mod fault;
pub(crate) mod injection;
mod path_glob;
pub(crate) mod proxy;
pub(crate) mod script;

pub use fault::{Fault, FaultAction, FaultBody};
