//! The pages for release managers: read-only, served with `[web] listen`.
//!
//! The pages see what the commands see, through [`Readings`](readings::Readings), and nothing else. `crates/dropship-web` renders them.

mod headers;
mod hosts;
mod listener;
mod pages;
mod query;
mod readings;
mod refusal;
mod response;
mod route;
mod server;
mod site;

pub use server::{Parts, listen};
