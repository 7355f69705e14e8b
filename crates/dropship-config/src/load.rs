//! Loads a configuration: reads its files, then validates it.

use std::path::{Path, PathBuf};

use super::{Config, Report, sources, validate};

/// The environment that a configuration is read in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `$STATE_DIRECTORY`.
    pub state_directory: Option<PathBuf>,
    /// `$RUNTIME_DIRECTORY`.
    pub runtime_directory: Option<PathBuf>,
    /// Whether fixed dates of labels may have passed.
    pub passed_dates: PassedDates,
}

/// What is made of a fixed `go_live` that has passed. A label with such a date is held before it is requested.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PassedDates {
    /// An error, where an operator can give another date: `check`, `reload`.
    #[default]
    Refused,
    /// A warning: a configuration that worked yesterday must not keep the daemon from starting today, nor block a command.
    Accepted,
}

impl Environment {
    /// Takes the first folder of each list that systemd hands down; `get` looks a variable up.
    pub fn from_variables(get: impl Fn(&str) -> Option<std::ffi::OsString>) -> Self {
        let first = |name: &str| {
            let list = get(name)?;
            let path = std::env::split_paths(&list).next()?;
            (!path.as_os_str().is_empty()).then_some(path)
        };
        Self {
            state_directory: first("STATE_DIRECTORY"),
            runtime_directory: first("RUNTIME_DIRECTORY"),
            passed_dates: PassedDates::Refused,
        }
    }

    /// The same environment, in which dates may have passed.
    #[must_use]
    pub fn with_passed_dates(self) -> Self {
        Self { passed_dates: PassedDates::Accepted, ..self }
    }
}

/// Reads a configuration with everything that it includes.
///
/// # Errors
/// All errors of the configuration.
pub fn load(path: &Path, environment: &Environment) -> Result<Config, Report> {
    let mut problems = Vec::new();
    let units = sources::gather(path, &mut problems);
    validate::validate(&units, problems, environment)
}

/// Reads a configuration with everything that it includes. Returns the configuration of its valid parts, if there are any, and all
/// of its problems.
#[must_use]
pub fn examine(path: &Path, environment: &Environment) -> (Option<Config>, Report) {
    let mut problems = Vec::new();
    let units = sources::gather(path, &mut problems);
    validate::examine(&units, problems, environment)
}

/// Reads a configuration from a text; `path` is what it is called. Nothing is included.
///
/// # Errors
/// All errors of the configuration.
pub fn load_str(path: &Path, text: &str, environment: &Environment) -> Result<Config, Report> {
    let mut problems = Vec::new();
    let unit = sources::unit_of_text(path, text, &mut problems);
    validate::validate(&[unit], problems, environment)
}
