//! Names of folders and rules in commands.

use dropship_config::Config;

use super::error::ControlError;

/// Checks that the configuration has a folder with this name.
///
/// # Errors
/// [`ControlErrorKind::UnknownFolder`](super::ControlErrorKind::UnknownFolder), with the name that was probably meant.
pub fn require_folder(config: &Config, name: &str) -> Result<(), ControlError> {
    let names = || config.folders.iter().map(|folder| folder.name.as_str());
    if names().any(|folder| folder == name) {
        return Ok(());
    }
    Err(ControlError::unknown_folder(name, names()))
}

/// Checks that the configuration has a rule with this name.
///
/// # Errors
/// [`ControlErrorKind::UnknownRule`](super::ControlErrorKind::UnknownRule), with the name that was probably meant.
pub fn require_rule(config: &Config, name: &str) -> Result<(), ControlError> {
    let names = || config.rules.iter().map(|rule| rule.name.as_str());
    if names().any(|rule| rule == name) {
        return Ok(());
    }
    Err(ControlError::unknown_rule(name, names()))
}
