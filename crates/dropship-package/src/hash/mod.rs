//! Digests of a whole file and of parts of it, in one pass.

mod digests;
mod hash_thread;
mod hex;
mod range_hasher;
mod sequence;

pub(crate) use digests::{Digests, digest};
pub use hex::hex;
pub(crate) use sequence::Sequence;
