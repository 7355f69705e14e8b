//! What the tests of every store share.

mod histories;
mod samples;
mod suite;

pub use histories::{different, everything, happen};
pub use samples::{accepted, arrived, begin, commit, id, label, published, series};
pub use suite::suite;
