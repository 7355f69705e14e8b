//! Setup information files (INFs): encoding, syntax, facts.

mod budget;
mod distinct;
mod driver_version;
mod facts;
mod models;
mod syntax;
mod text;

pub(crate) use budget::InfBudget;
pub(crate) use facts::{InfNotes, read};
pub(crate) use text::Encoding;
