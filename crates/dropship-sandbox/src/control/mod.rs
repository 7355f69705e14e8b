//! The controls of a running sandbox, in process and over HTTP.

mod handle;
pub(crate) mod http;
mod snapshot;

pub use handle::Control;
