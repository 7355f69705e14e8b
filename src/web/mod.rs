//! The pages for release managers: read-only, served with `[web] listen`.
//!
//! The pages see what the commands see, through `Readings`, and nothing else. `crates/dropship-web` renders them.

mod answer;
mod export;
mod headers;
mod hosts;
mod listener;
mod open_streams;
mod pages;
mod preview;
mod query;
mod readings;
mod refusal;
mod response;
mod route;
mod rows;
mod server;
mod site;
mod streams;
mod turns;
mod words;

pub use rows::JobRows;
pub use server::{SiteParts, listen};
