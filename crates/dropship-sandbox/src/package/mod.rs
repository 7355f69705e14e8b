//! Uploaded packages: what they contain, and the files that signing makes of them.

pub(crate) mod analysis;
pub(crate) mod hlkx;
pub(crate) mod inf;
pub(crate) mod metadata;
pub(crate) mod package_facts;
pub(crate) mod signed_package;
