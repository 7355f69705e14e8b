//! Mutation of rules: one change at a time, to find the changes that no case notices.

mod changes;
mod labels;
mod matching;
mod mutant;
mod order;
mod run;

pub use changes::mutants;
pub use mutant::{Effect, Mutant};
pub use run::{MutationReport, Survivor, mutate};
