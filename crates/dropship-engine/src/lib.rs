#![doc = include_str!("../README.md")]

// A package flows downward through this list.

pub mod admission;

pub mod pipeline;

pub mod outbox;

// Modules beside that path:

pub mod accounts;
pub mod approval;
pub mod call_limits;
pub mod digest;
pub mod label_drift;
pub mod observe;
pub mod operations;
pub mod package_store;
pub mod replay;
pub mod rule_cases;
pub mod service_id;
