//! Names of folders and rules in commands.

use super::error::ControlError;
use crate::config::Config;

impl Config {
    /// Checks that the configuration has a folder with this name.
    ///
    /// # Errors
    /// [`ControlErrorKind::UnknownFolder`](super::ControlErrorKind::UnknownFolder), with the name that was probably meant.
    pub fn known_folder(&self, name: &str) -> Result<(), ControlError> {
        let known = || self.folders.iter().map(|folder| folder.name.as_str());
        if known().any(|folder| folder == name) {
            return Ok(());
        }
        Err(ControlError::unknown_folder(name, known()))
    }

    /// Checks that the configuration has a rule with this name.
    ///
    /// # Errors
    /// [`ControlErrorKind::UnknownRule`](super::ControlErrorKind::UnknownRule), with the name that was probably meant.
    pub fn known_rule(&self, name: &str) -> Result<(), ControlError> {
        let known = || self.rules.iter().map(|rule| rule.name.as_str());
        if known().any(|rule| rule == name) {
            return Ok(());
        }
        Err(ControlError::unknown_rule(name, known()))
    }
}
