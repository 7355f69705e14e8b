//! The configuration: read, judged, and asked which rule a package gets and what it amounts to.
//!
//! [`load`] reads files into a [`Config`] or tells everything that is wrong with them at once;
//! [`rules::choose`] finds the rule for a package; [`plan::plan`] renders what will be sent.

use std::path::{Path, PathBuf};

mod build;
#[cfg(test)]
mod checks_page;
pub mod duration;
#[cfg(test)]
mod manual;
pub mod model;
pub mod pattern;
pub mod plan;
mod raw;
mod read;
mod ready;
mod report;
pub mod rules;
pub mod schedule;
#[cfg(test)]
mod schema;
mod shape;
mod size;
mod sources;
mod suggest;
pub mod templates;
pub mod tests;
pub mod vars;
pub mod version;
pub mod vocabulary;

pub use model::Config;
pub use plan::{LabelPlan, Plan, PlanError, plan};
pub use report::{Problem, Report, Severity};
pub use rules::{Choice, Passed, Rule, Subject, choose};

/// What the configuration takes from its surroundings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `$STATE_DIRECTORY`.
    pub state_directory: Option<PathBuf>,
    /// `$RUNTIME_DIRECTORY`.
    pub runtime_directory: Option<PathBuf>,
}

impl Environment {
    /// Takes the first folder of each list that systemd hands down; `get` looks a variable up.
    pub fn from_variables(get: impl Fn(&str) -> Option<std::ffi::OsString>) -> Self {
        let first = |name: &str| {
            let list = get(name)?;
            let path = std::env::split_paths(&list).next()?;
            (!path.as_os_str().is_empty()).then_some(path)
        };
        Self { state_directory: first("STATE_DIRECTORY"), runtime_directory: first("RUNTIME_DIRECTORY") }
    }
}

/// Reads a configuration with everything that it includes.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(path: &Path, environment: &Environment) -> Result<Config, Report> {
    let mut problems = Vec::new();
    let units = sources::gather(path, &mut problems);
    build::build(&units, problems, environment)
}

/// Reads a configuration from a text; `path` is what it is called. Nothing is included.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load_str(path: &Path, text: &str, environment: &Environment) -> Result<Config, Report> {
    let mut problems = Vec::new();
    let unit = sources::unit_of_text(path, text, &mut problems);
    build::build(&[unit], problems, environment)
}

#[cfg(test)]
mod load_tests;
