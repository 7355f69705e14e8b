//! `dropship test`: runs the `[[test]]` cases of the configuration, offline.

mod command;
mod coverage;
mod mutation;

pub(crate) use command::{Args, run};
