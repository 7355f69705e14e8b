//! `dropship top`: a live view of the jobs.

mod command;
mod data;
mod frame;
mod header;
mod keys;
mod live;
mod screen;
mod view;

pub(super) use command::{Args, run};
