//! dropship takes signed Windows driver packages from a drop folder to a published shipping label.
//!
//! A package flows downward through this list.

pub mod config;

pub mod reception;

pub mod store;

pub mod depot;
pub mod doctor;

pub mod pipeline;

pub mod outbox;

// Around that way:

pub mod accounts;
pub mod app;
pub mod cli;
pub mod control;
pub mod digest;
pub mod metrics;
pub mod notify;
pub mod observe;
pub mod pulse;
pub mod service;
