#![doc = include_str!("../README.md")]

mod api;
mod app;
mod auth;
mod blob;
mod clock;
mod connection;
mod control;
mod faults;
mod ids;
mod listener;
mod lock;
mod options;
mod package;
mod payload;
mod quirks;
mod reply;
mod request_log;
mod respond;
mod route;
mod sandbox;
mod state;
mod workflow;

#[cfg(test)]
mod tests;

pub use control::Control;
pub use faults::{Fault, FaultAction, FaultBody};
pub use options::{Credentials, Options, Wait};
pub use quirks::{Quirk, Quirks, UnknownQuirk};
pub use request_log::RequestEntry;
pub use sandbox::Sandbox;
