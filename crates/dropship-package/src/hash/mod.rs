//! Digests of a whole file and of parts of it, in one pass.

mod digests;
mod hash_thread;
mod hex;
mod range_hasher;

pub(crate) use digests::{Sequence, digest};
pub use hex::hex;
