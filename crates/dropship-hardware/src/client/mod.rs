//! The client: one method for each operation of the API.

mod call;
mod check;
mod core;
mod exchange;
mod labels;
mod operations;
mod preprod;
mod products;
mod submissions;
#[cfg(test)]
mod tests;

pub(crate) use call::{Call, CallQuery};
pub use core::Client;
pub use operations::OPERATIONS;
