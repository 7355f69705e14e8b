//! The files of systemd credentials that the configuration names.

use std::path::PathBuf;

use dropship_systemd::CredentialError;

use crate::secret_names::KeyKind;

/// A systemd credential of the configuration that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CredentialFileError {
    /// Its error, with its name.
    #[error(transparent)]
    Named(CredentialError),
    /// What stands for the name may be the secret itself.
    #[error(
        "the systemd credential that the configuration names cannot be used; its name is not shown, because it looks like a secret"
    )]
    Unnamed,
}

impl CredentialFileError {
    /// Whether only the unit can read it, so that a command cannot check it.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        matches!(self, Self::Named(CredentialError::Sealed { .. }))
    }
}

/// The file of a systemd credential.
///
/// # Errors
/// When it does not exist, or cannot be read outside of the unit. The error does not contain a name that can be a secret.
pub fn credential_file(name: &str) -> Result<PathBuf, CredentialFileError> {
    dropship_systemd::credential(name).map_err(|error| match KeyKind::Credential.is_usual(name) {
        true => CredentialFileError::Named(error),
        false => CredentialFileError::Unnamed,
    })
}
