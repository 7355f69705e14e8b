//! The database of `[store]`.

use super::diagnostics::Diagnostics;
use super::secret_keys;
use crate::model::{Database, ObjectPlace, PackagePlace, SecretAt};
use crate::raw;
use crate::raw::values::At;
use crate::secret_names::KeyKind;

/// Maximum length of the name of a node in bytes.
const MAX_NAME: usize = 64;

/// The database, if `[store]` names one.
pub(super) fn database(diagnostics: &mut Diagnostics<'_>, raw: &raw::Store) -> Option<Database> {
    let Some(url) = &raw.url else {
        let keys = [
            ("password_file", &raw.password_file),
            ("password_credential", &raw.password_credential),
            ("ca_file", &raw.ca_file),
            ("packages", &raw.packages),
            ("packages_credentials_file", &raw.packages_credentials_file),
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
    if let Err(problem) = check_address(&url.value) {
        diagnostics.error_with_help(&url.span, problem.message, problem.help);
    }
    Some(Database {
        url: url.value.clone(),
        password: password(diagnostics, raw),
        ca_file: raw.ca_file.as_ref().map(|path| diagnostics.path(path)),
        packages: packages(diagnostics, raw),
        node: match &raw.node {
            Some(name) => node_name(diagnostics, name),
            None => host_name(),
        },
    })
}

/// The message and the advice about an address.
struct AddressError {
    message: String,
    help: &'static str,
}

#[cfg(feature = "postgres")]
fn check_address(url: &str) -> Result<(), AddressError> {
    let help = "write postgres://USER@HOST/DATABASE; the password is in a file or a credential";
    let parsed = dropship_postgres::Address::parse(url).map(drop);
    parsed.map_err(|error| AddressError {
        message: format!("`url` is no address of a database: {error}"),
        help,
    })
}

#[cfg(not(feature = "postgres"))]
fn check_address(_: &str) -> Result<(), AddressError> {
    let help = "install a package of dropship, or build it with `--features postgres`";
    Err(AddressError { message: "this dropship was built without PostgreSQL".to_owned(), help })
}

fn password(diagnostics: &mut Diagnostics<'_>, raw: &raw::Store) -> Option<SecretAt> {
    let given = [
        ("password_file", &raw.password_file, KeyKind::File),
        ("password_credential", &raw.password_credential, KeyKind::Credential),
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

fn packages(diagnostics: &mut Diagnostics<'_>, raw: &raw::Store) -> Option<PackagePlace> {
    let at = raw.packages.as_ref();
    let is_address = at.is_some_and(|at| at.value.contains("://"));
    if let Some(credentials) = raw.packages_credentials_file.as_ref().filter(|_| !is_address) {
        let message = "`packages_credentials_file` is for `packages` on object storage";
        let help = "set `packages` to s3://BUCKET/PREFIX or az://CONTAINER/PREFIX, or remove the key";
        diagnostics.error_with_help(&credentials.span, message, help);
    }
    let at = at?;
    if !is_address {
        return Some(PackagePlace::Folder(diagnostics.path(at)));
    }
    let url = objects_address(&at.value).unwrap_or_else(|problem| {
        diagnostics.error_with_help(&at.span, problem.message, problem.help);
        at.value.clone()
    });
    Some(PackagePlace::Objects(ObjectPlace {
        url,
        credentials: raw.packages_credentials_file.as_ref().map(|path| diagnostics.path(path)),
        ca_file: raw.ca_file.as_ref().map(|path| diagnostics.path(path)),
    }))
}

/// The address as the client writes it.
#[cfg(feature = "postgres")]
fn objects_address(url: &str) -> Result<String, AddressError> {
    let help =
        "write s3://BUCKET/PREFIX, az://CONTAINER/PREFIX, or the path of a folder that every node mounts";
    let parsed = dropship_objects::Address::parse(url).map(|address| address.to_string());
    parsed.map_err(|error| AddressError { message: format!("`packages` is no place: {error}"), help })
}

#[cfg(not(feature = "postgres"))]
fn objects_address(_: &str) -> Result<String, AddressError> {
    let help = "install a package of dropship, or build it with `--features postgres`";
    Err(AddressError { message: "this dropship was built without object storage".to_owned(), help })
}

/// The name of a node.
pub(super) fn node_name(diagnostics: &mut Diagnostics<'_>, at: &At<String>) -> String {
    let name = at.value.trim();
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(is_name) {
        let help = "use up to 64 letters, digits, `-`, `_` and `.`";
        diagnostics.error_with_help(&at.span, "`node` is not a name", help);
    }
    name.to_owned()
}

fn host_name() -> String {
    let system = rustix::system::uname();
    let name = system.nodename().to_string_lossy();
    Some(name.trim()).filter(|name| !name.is_empty()).unwrap_or("localhost").to_owned()
}
