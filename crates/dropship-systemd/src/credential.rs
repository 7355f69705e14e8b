//! The files of credentials.

use std::path::{Path, PathBuf};

/// Folders from which systemd loads credentials (systemd.exec(5)); commands that systemd did not start read them there.
const CREDSTORES: [&str; 2] = ["/etc/credstore", "/run/credstore"];
/// The folder of encrypted credentials.
const ENCRYPTED_CREDSTORE: &str = "/etc/credstore.encrypted";

/// A credential that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// The unit has no such credential.
    #[error(
        "the systemd credential `{name}` does not exist; put it into /etc/credstore/{name}, or encrypted into \
         {ENCRYPTED_CREDSTORE}/{name}-encrypted, and have the unit load it"
    )]
    NotLoaded {
        /// Its name.
        name: String,
    },
    /// A process outside of the unit finds no such credential.
    #[error(
        "the systemd credential `{name}` is not in /etc/credstore, or this user cannot read it; run the command as root"
    )]
    NotFound {
        /// Its name.
        name: String,
    },
    /// It exists plain and encrypted.
    #[error("systemd credential `{name}` exists both plain and encrypted; remove one of them")]
    Twice {
        /// Its name.
        name: String,
    },
    /// It is encrypted, and only systemd can read it for the unit. Outside of the unit, nothing is known about it.
    #[error(
        "{} can only be read within the unit; run this command with \
         `systemd-run --pipe --wait -p User=dropship -p LoadCredentialEncrypted={name}-encrypted dropship …`",
        path.display()
    )]
    Sealed {
        /// Its name.
        name: String,
        /// The encrypted file.
        path: PathBuf,
    },
}

/// The file of a systemd credential. An encrypted one is named `NAME-encrypted`, because systemd would mistake a plain file
/// of the same name for it.
///
/// # Errors
/// When the unit has neither or both of them; outside of a unit, when no readable file exists.
pub fn credential(name: &str) -> Result<PathBuf, CredentialError> {
    match std::env::var_os("CREDENTIALS_DIRECTORY") {
        Some(folder) => within_the_unit(name, Path::new(&folder)),
        None => outside_of_the_unit(name),
    }
}

fn within_the_unit(name: &str, folder: &Path) -> Result<PathBuf, CredentialError> {
    let file = |name: &str| Some(folder.join(name)).filter(|path| path.is_file());
    match (file(name), file(&format!("{name}-encrypted"))) {
        (Some(path), None) | (None, Some(path)) => Ok(path),
        (None, None) => Err(CredentialError::NotLoaded { name: name.to_owned() }),
        (Some(_), Some(_)) => Err(CredentialError::Twice { name: name.to_owned() }),
    }
}

fn outside_of_the_unit(name: &str) -> Result<PathBuf, CredentialError> {
    let plain = CREDSTORES.iter().map(|store| Path::new(store).join(name)).find(|path| path.is_file());
    let sealed = Path::new(ENCRYPTED_CREDSTORE).join(format!("{name}-encrypted"));
    let name = name.to_owned();
    match plain {
        Some(_) if sealed.is_file() => Err(CredentialError::Twice { name }),
        Some(path) => Ok(path),
        None if sealed.is_file() => Err(CredentialError::Sealed { name, path: sealed }),
        None => Err(CredentialError::NotFound { name }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credential_of_a_unit_is_plain_or_encrypted_but_not_both() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str| std::fs::write(folder.path().join(name), "x").expect("written");
        let found = |name: &str| within_the_unit(name, folder.path());
        assert!(matches!(found("secret"), Err(CredentialError::NotLoaded { .. })));
        write("secret-encrypted");
        assert_eq!(found("secret").expect("encrypted"), folder.path().join("secret-encrypted"));
        write("secret");
        assert!(matches!(found("secret"), Err(CredentialError::Twice { .. })));
        std::fs::remove_file(folder.path().join("secret-encrypted")).expect("removed");
        assert_eq!(found("secret").expect("plain"), folder.path().join("secret"));
    }
}
