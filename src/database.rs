//! The database of `[store] url`, which holds the jobs in place of a folder.

use dropship_store::SharedJournal;

use dropship_config::model::Database;

/// The configuration of the database, or a file that it names, has to be changed: a restart alone does not help.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the settings of the database cannot be used")]
pub struct UnusableSettings;

/// Checks an address that an operator has typed.
///
/// # Errors
/// When it is no address of a database. The error says why.
#[cfg(feature = "postgres")]
pub fn check_address(url: &str) -> anyhow::Result<()> {
    Ok(dropship_postgres::Address::parse(url).map(drop)?)
}

/// Connects to the database, and creates its tables or brings them up to date.
///
/// # Errors
/// A [`StoreError`](dropship_store::StoreError) when the database cannot be used; another error when the password or the roots
/// cannot be read.
#[cfg(feature = "postgres")]
pub fn connect(database: &Database) -> anyhow::Result<Box<dyn SharedJournal>> {
    let (address, password, roots) = postgres::parts(database)?;
    Ok(Box::new(dropship_postgres::PostgresJournal::connect(address, password, roots)?))
}

/// Checks whether the database can be used; changes nothing in it.
///
/// # Errors
/// As [`connect`].
#[cfg(feature = "postgres")]
pub fn examine(database: &Database) -> anyhow::Result<()> {
    let (address, password, roots) = postgres::parts(database)?;
    Ok(dropship_postgres::PostgresJournal::examine(address, password, roots)?)
}

/// Refuses all addresses.
///
/// # Errors
/// Always: this program was built without PostgreSQL.
#[cfg(not(feature = "postgres"))]
pub fn check_address(_: &str) -> anyhow::Result<()> {
    anyhow::bail!(
        "this dropship was built without PostgreSQL; install a package of dropship, or build it with `--features postgres`"
    )
}

/// Not called: validation refuses a configuration with a database.
///
/// # Errors
/// Always: this program was built without PostgreSQL.
#[cfg(not(feature = "postgres"))]
pub fn connect(_: &Database) -> anyhow::Result<Box<dyn SharedJournal>> {
    anyhow::bail!("this dropship was built without PostgreSQL")
}

/// Not called: validation refuses a configuration with a database.
///
/// # Errors
/// Always: this program was built without PostgreSQL.
#[cfg(not(feature = "postgres"))]
pub fn examine(_: &Database) -> anyhow::Result<()> {
    anyhow::bail!("this dropship was built without PostgreSQL")
}

#[cfg(feature = "postgres")]
mod postgres {
    use std::path::{Path, PathBuf};
    use std::sync::Arc;
    use std::time::Duration;

    use anyhow::Context as _;

    use crate::database::UnusableSettings;
    use dropship_config::credential_file;
    use dropship_config::model::{Database, SecretAt};
    use dropship_postgres::{Address, Password, Roots};
    use dropship_redact::{Lifetime, SecretString, remember};

    /// How long a password is searched for in messages after it was last read; it is read again for each connection.
    const MASK_SECRET_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

    /// What a connection needs.
    pub(super) fn parts(database: &Database) -> anyhow::Result<(Address, Option<Password>, Option<Roots>)> {
        read_parts(database).context(UnusableSettings)
    }

    fn read_parts(database: &Database) -> anyhow::Result<(Address, Option<Password>, Option<Roots>)> {
        let address = Address::parse(&database.url)?;
        let password = match &database.password {
            None => None,
            Some(at) => {
                let path = path_of(at)?;
                // A file that is missing is reported now, not at the first connection.
                read_password(&path).map_err(anyhow::Error::msg)?;
                Some(Arc::new(move || read_password(&path)) as Password)
            }
        };
        let roots = if address.needs_tls() { Some(roots(database)?) } else { None };
        Ok((address, password, roots))
    }

    fn path_of(at: &SecretAt) -> anyhow::Result<PathBuf> {
        match at {
            SecretAt::File(path) => Ok(path.clone()),
            SecretAt::Credential(name) => Ok(credential_file(name)?),
        }
    }

    fn read_password(path: &Path) -> Result<SecretString, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read the password in {}: {error}", path.display()))?;
        let password = text.trim_end_matches(['\n', '\r']);
        if password.is_empty() {
            return Err(format!("{} contains no password", path.display()));
        }
        remember(password, Lifetime::For(MASK_SECRET_FOR));
        Ok(SecretString::from(password.to_owned()))
    }

    fn roots(database: &Database) -> anyhow::Result<Roots> {
        let read = |path: &PathBuf| {
            std::fs::read(path).with_context(|| format!("[store] ca_file: cannot read {}", path.display()))
        };
        let pem = database.ca_file.as_ref().map(read).transpose()?;
        let file = database.ca_file.as_ref().map_or_else(String::new, |path| format!(" {}", path.display()));
        Roots::of_system_and(pem.as_deref()).with_context(|| format!("[store] ca_file{file}"))
    }
}
