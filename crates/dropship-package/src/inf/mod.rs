//! Setup information files: encoding, syntax, facts.

mod facts;
mod syntax;
mod text;

pub(crate) use facts::{InfNotes, read};
pub(crate) use text::Encoding;
