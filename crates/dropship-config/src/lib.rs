#![doc = include_str!("../README.md")]

mod broken_line;
#[cfg(test)]
mod checks_page;
mod credential_file;
pub mod effective;
pub mod expiry;
mod folder_spec;
mod folders_of_node;
mod load;
#[cfg(test)]
mod load_tests;
#[cfg(test)]
mod manual;
pub mod metadata_file;
pub mod model;
mod outbox_access;
pub mod outbox_layout;
mod path_text;
mod permissions;
mod raw;
mod read;
mod ready;
mod repeated;
mod report;
mod rule_places;
#[cfg(test)]
mod schema;
mod secret_names;
mod secrets;
mod shape;
mod size;
mod source;
mod sources;
mod validate;
mod volume;

pub use credential_file::{CredentialFileError, credential_file};
pub use load::{Environment, PassedDates, examine, load, load_str};
pub use model::Config;
pub use report::{Problem, Report, Severity, one_line};
pub use rule_places::{RulePlace, RulePlaces};
pub use secret_names::shown_variable;
