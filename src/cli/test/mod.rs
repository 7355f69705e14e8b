//! `dropship test`: runs the `[[test]]` cases of the configuration, offline.

mod command;
mod coverage;
mod mutation;

pub(in crate::cli) use command::{Args, run};
