//! A node that stands by: it follows the journal, and answers commands, until it takes over.

mod control;
mod pages;
mod serve;

pub(super) use serve::Standby;
