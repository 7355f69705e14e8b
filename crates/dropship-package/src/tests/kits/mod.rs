//! Kit packages with a valid signature, for tests of what is behind it.
//!
//! The fuzz targets and the tests of the binary include this folder by its path, so it uses no other code of this crate.

pub mod certificate;
pub mod hostile;
pub mod signer;
