//! Cabinets with a valid signature that are arranged to cost much.
//!
//! The tests of the binary include this folder by its path, beside that of the kit packages, so it uses no other code of this crate.

pub mod cabinet;
pub mod hostile;
pub mod lzx;
pub mod signed_data;
