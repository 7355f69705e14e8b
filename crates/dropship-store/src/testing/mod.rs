//! What the tests of every store share.

mod histories;
mod samples;
mod suite;

pub use histories::{all_answers, commit_random, differences};
pub use samples::{accepted, arrived, commit, create_job, id, label, published, series};
pub use suite::suite;
