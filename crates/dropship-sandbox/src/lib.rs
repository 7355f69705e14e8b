//! The stand-in for the Hardware dashboard API: authority, API and blob store behind one local address.
//!
//! It behaves as the service's documentation and its public clients say the service does. Its JSON is
//! built from definitions of its own, never from those of the client it is used to test.
//!
//! By default it is what every known client expects; the rarer habits are [`Quirks`], and what goes
//! wrong in a network is scripted with [`Fault`]s through [`Control`] or over HTTP under `/__sandbox`.

mod analysis;
mod api;
mod app;
mod audiences;
mod blob_http;
mod blob_read;
mod blob_write;
mod blobs;
mod clock;
mod control;
mod control_http;
mod downloads;
mod dress;
mod faults;
mod hlkx;
mod ids;
mod inf;
mod jwt;
mod label_edit;
mod label_rules;
mod labels;
mod listener;
mod log;
mod metadata;
mod mishaps;
mod options;
mod paging;
mod preprod;
mod products;
mod quirks;
mod reply;
mod route;
mod sas;
mod server;
mod sharing;
mod signed;
mod state;
mod submissions;
mod token;
mod views;
mod workflow;

#[cfg(test)]
mod tests;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use control::Control;
pub use faults::{Action, Fault, FaultBody};
pub use log::Entry as RequestEntry;
pub use options::{Credentials, Options, Wait};
pub use quirks::{Quirk, Quirks, UnknownQuirk};
pub use server::Sandbox;

/// Locks; a panic elsewhere while the lock was held does not spread.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
