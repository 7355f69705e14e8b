//! Tests of dropship as users run it: the real binary, with real files, sockets and signed packages.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot continue panics with a message"
)]

mod harness;

mod adopt;
mod api;
mod backup;
mod catalog;
mod checks;
mod commands;
mod configuration;
mod crash;
mod delivery;
mod documents;
#[cfg(feature = "postgres")]
mod fleet;
#[cfg(feature = "postgres")]
mod fleet_copy;
#[cfg(feature = "postgres")]
mod fleet_objects;
mod golden;
mod hardware;
mod hostile;
mod hostile_configuration;
mod hostile_downloads;
mod hostile_packages;
mod hostile_service;
mod idle;
mod intake;
mod kills;
mod large_accounts;
mod monitoring;
mod oddities;
mod outage;
mod power;
mod quirks;
mod refused_transfers;
mod rejection;
mod restore;
mod root;
mod rules;
mod sandbox;
mod secrecy;
mod service;
mod store;
mod storm;
mod structure;
mod touched_bytes;
mod waiting;
mod web;
