//! Client of the Microsoft Hardware dashboard API: objects, authentication, calls, blob transfer.
//!
//! It knows nothing of jobs, folders or rules, and could be a crate of its own.
//!
//! ```text
//! Client ── call ── gate (rate, pauses, breaker) ── auth (tokens) ── http
//!    └──── blob (upload, download) ─────────────────────────────────┘
//! ```

mod auth;
mod backoff;
mod blob;
mod client;
mod error;
mod gate;
mod http;
pub mod model;
mod paging;
mod retry_after;
pub mod settings;
#[cfg(test)]
mod testing;

pub use blob::{TransferError, Uploaded};
pub use client::Client;
pub use error::{Class, Error, Failure, Fate};
pub use model::*;
pub use paging::{Listed, Pages, UNPROVEN};
pub use settings::{
    BuildError, Credential, IdentityEndpoint, ManagedIdentity, Observer, Purpose, SecretSource, Settings,
    TokenVersion,
};
