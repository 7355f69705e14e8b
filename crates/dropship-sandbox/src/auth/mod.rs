//! The authority that issues tokens.

pub(crate) mod jwt;
pub(crate) mod token;
