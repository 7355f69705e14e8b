#![doc = include_str!("../README.md")]

mod auth;
mod backoff;
mod blob;
mod body;
mod bom;
mod client;
mod clock;
mod error;
#[cfg(fuzzing)]
pub mod fuzzing;
mod health;
mod html;
mod http;
mod json;
mod limiter;
pub mod model;
mod paging;
mod request_id;
mod retry_after;
pub mod settings;
#[cfg(test)]
mod testing;

pub use auth::{certificate_of_key, check_certificate};
pub use backoff::Backoff;
pub use blob::{ForbiddenOrigin, TransferError, Uploaded};
pub use client::{Client, OPERATIONS};
pub use dropship_redact::{ExposeSecret, SafeUrl, SecretString};
pub use error::{Error, ErrorDetails, Execution, Recovery};
pub use health::Availability;
pub use limiter::LearntLimit;
pub use model::*;
pub use paging::{INCOMPLETE_LIST, Incomplete, Listing, Pages};
pub use settings::{
    BuildError, ChangeGate, Credential, CredentialError, IdentityEndpoint, LimitMemory, ManagedIdentity,
    ObservedCall, Observer, Purpose, SecretSource, Settings, TokenVersion,
};
