//! What an inspection needs of the bulk of a package, computed while the package is copied: the copy is not read again for it.
//!
//! A preview decides nothing. It computes from the bytes of the copy what the inspection would compute from them: digests, the
//! files of a cabinet, the digests of the parts of an archive. The inspection uses what fits what it finds in the copy itself,
//! and computes the rest from the copy.

mod previewed;
mod stream;
mod task;

pub use previewed::{Preview, Previewed};
pub(crate) use stream::ChunkStream;
