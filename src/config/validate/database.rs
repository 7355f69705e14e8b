//! The database of `[store]`.

use std::path::PathBuf;

use super::diagnostics::Diagnostics;
use super::secret_keys;
use crate::config::model::{Database, SecretAt};
use crate::config::raw;
use crate::config::raw::values::At;
use crate::config::secret_names::Kind;

/// Maximum length of the name of a node in bytes.
const LONGEST_NAME: usize = 64;

/// The database, if `[store]` names one.
pub(super) fn database(diagnostics: &mut Diagnostics<'_>, raw: &raw::Store) -> Option<Database> {
    let Some(url) = &raw.url else {
        let keys = [
            ("password_file", &raw.password_file),
            ("password_credential", &raw.password_credential),
            ("ca_file", &raw.ca_file),
            ("packages", &raw.packages),
            ("node", &raw.node),
        ];
        for (key, at) in keys {
            if let Some(at) = at {
                let message = format!("`{key}` is for a store in a database, and there is no `url`");
                diagnostics.error_with_help(&at.span, message, "set `url`, or remove the key");
            }
        }
        return None;
    };
    if let Err(problem) = usable(&url.value) {
        diagnostics.error_with_help(&url.span, problem.message, problem.help);
    }
    Some(Database {
        url: url.value.clone(),
        password: password(diagnostics, raw),
        ca_file: raw.ca_file.as_ref().map(|path| diagnostics.path(path)),
        packages: raw.packages.as_ref().map(|at| packages(diagnostics, at)),
        node: match &raw.node {
            Some(name) => node(diagnostics, name),
            None => host_name(),
        },
    })
}

/// The message and the advice about an address.
struct Unusable {
    message: String,
    help: &'static str,
}

#[cfg(feature = "postgres")]
fn usable(url: &str) -> Result<(), Unusable> {
    let help = "write postgres://USER@HOST/DATABASE; the password is in a file or a credential";
    let parsed = dropship_postgres::Address::parse(url).map(drop);
    parsed.map_err(|error| Unusable { message: format!("`url` is no address of a database: {error}"), help })
}

#[cfg(not(feature = "postgres"))]
fn usable(_: &str) -> Result<(), Unusable> {
    let help = "install a package of dropship, or build it with `--features postgres`";
    Err(Unusable { message: "this dropship was built without PostgreSQL".to_owned(), help })
}

fn password(diagnostics: &mut Diagnostics<'_>, raw: &raw::Store) -> Option<SecretAt> {
    let given = [
        ("password_file", &raw.password_file, Kind::File),
        ("password_credential", &raw.password_credential, Kind::Credential),
    ];
    secret_keys::check(diagnostics, given);
    match (&raw.password_file, &raw.password_credential) {
        (Some(_), Some(at)) => {
            diagnostics.error(
                &at.span,
                "`password_credential` besides `password_file`: a database has one password",
            );
            None
        }
        (Some(file), None) => Some(SecretAt::File(diagnostics.path(file))),
        (None, Some(name)) => Some(SecretAt::Credential(name.value.clone())),
        (None, None) => None,
    }
}

fn packages(diagnostics: &mut Diagnostics<'_>, at: &At<String>) -> PathBuf {
    if at.value.contains("://") {
        let help = "write the path of a folder that every node mounts";
        diagnostics.error_with_help(&at.span, "`packages` is not a path", help);
    }
    diagnostics.path(at)
}

fn node(diagnostics: &mut Diagnostics<'_>, at: &At<String>) -> String {
    let name = at.value.trim();
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(is_name) {
        let help = "use up to 64 letters, digits, `-`, `_` and `.`";
        diagnostics.error_with_help(&at.span, "`node` is not a name", help);
    }
    name.to_owned()
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    Some(name.trim()).filter(|name| !name.is_empty()).unwrap_or("localhost").to_owned()
}
