#![doc = include_str!("../README.md")]

// A package flows downward through this list.

pub mod admission;

pub mod doctor;
pub mod package_store;
pub mod replay;

pub mod pipeline;

pub mod outbox;

// Modules beside that path:

pub mod accounts;
pub mod approval;
pub mod attention;
pub mod call_limits;
pub mod cli;
pub mod control;
pub mod daemon;
pub mod database;
pub mod digest;
pub mod http;
pub mod label_drift;
pub mod metrics;
pub mod notify;
pub mod observe;
pub mod package_objects;
pub mod requirements;
pub mod rule_cases;
pub mod service_id;
pub mod store_binding;
pub mod store_copy;
pub mod web;
pub(crate) mod wording;
