//! Validates the configuration: every check that needs more than one value.

mod account;
mod api;
mod assemble;
mod database;
mod diagnostics;
mod folders;
mod guard;
mod label;
mod lint;
mod matching;
mod notify;
mod preflight;
mod product;
mod rule_diagnostics;
mod rules;
mod secret_keys;
mod shadow;
mod signers;
mod steps;
mod test_cases;
mod test_facts;
mod test_values;
mod web;

pub(super) use assemble::{examine, validate};
