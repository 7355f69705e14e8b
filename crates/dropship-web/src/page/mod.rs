//! The pages: for each a view model, and the function that renders its content.

mod badge;
pub mod charts;
pub mod labels;
mod link;
pub mod message;
pub mod overview;
pub mod package;
pub mod packages;
pub mod rules;
#[cfg(test)]
mod tests;
pub mod who;

pub use badge::{Badge, Tone};
pub use link::{MaybeLink, encoded};
