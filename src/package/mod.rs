//! Inspection: is a package whole, signed and well formed, and what is in it?
//!
//! Pure readers over bytes. Nothing here decides what happens to a package, extracts a file by
//! name, or knows of jobs, rules or the service.

pub mod facts;
pub mod verdict;

pub use facts::{Facts, Kind};
pub use verdict::{Finding, Inspection, Level, Verdict};
