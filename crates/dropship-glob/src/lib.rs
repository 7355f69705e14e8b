#![doc = include_str!("../README.md")]

mod anchor;
mod char_set;
mod covers;
mod domain;
mod error;
mod escape;
mod fold;
mod glob;
mod nfa;
mod parse;
mod simple;

pub use anchor::Anchor;
pub use char_set::CharSet;
pub use domain::Domain;
pub use error::{GlobError, GlobProblem};
pub use escape::escape;
pub use glob::{Glob, any};
