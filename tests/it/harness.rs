//! Helpers that tests share. The README describes them.

pub(crate) mod api;
mod daemon;
mod double;
mod env;
mod fixtures;
mod port;
pub(crate) mod rules;
mod seed;
pub(crate) mod service;
mod wait;

pub(crate) use daemon::TestDaemon;
pub(crate) use double::start_double;
pub(crate) use env::{SECRET, TestEnv, outage, usual_quirks};
pub(crate) use fixtures::{bytes, fixture, text};
pub(crate) use port::free_port;
pub(crate) use seed::Random;
pub(crate) use wait::{TIME_LIMIT, wait_for};
