//! The blob store that packages are uploaded to and downloaded from.

pub(crate) mod http;
pub(crate) mod read;
pub(crate) mod reply;
pub(crate) mod sas;
pub(crate) mod store;
pub(crate) mod write;
