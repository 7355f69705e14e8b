//! Mutation of rules: one change at a time, to find the changes that no case notices.

mod labels;
mod matching;
mod mutant;
mod order;
mod run;

pub use mutant::{Effect, Mutant, mutants};
pub use run::{MutationReport, Survivor, mutate};
