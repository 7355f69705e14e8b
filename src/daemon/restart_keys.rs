//! The keys of the configuration that take effect at the next start. The compiler refuses a new key here until it is listed.

use std::path::Path;

use dropship_config::model::{Api, Config, Database, PackagePlace, SecretAt, Store};

/// The keys that differ and need a restart, as an answer names them. Accounts are not among them.
pub(super) fn restart_keys(old: &Config, new: &Config) -> Vec<&'static str> {
    let mut keys = api_keys(&old.api, &new.api);
    keys.extend(store_keys(&old.store, &new.store));
    keys.extend([
        ("[control] socket", old.control.socket != new.control.socket),
        ("[metrics] listen", old.metrics != new.metrics),
        ("[web]", old.web != new.web),
        ("[[notify]]", old.notify != new.notify),
    ]);
    keys.into_iter().filter(|(_, changed)| *changed).map(|(key, _)| key).collect()
}

fn api_keys(old: &Api, new: &Api) -> Vec<(&'static str, bool)> {
    let Api {
        endpoint,
        authority,
        blob_hosts,
        workers,
        uncertain,
        audit,
        retry,
        poll,
        overdue,
        proxy,
        ca_file,
    } = old;
    vec![
        ("[api] endpoint", *endpoint != new.endpoint),
        ("[api] authority", *authority != new.authority),
        ("[api] blob_hosts", *blob_hosts != new.blob_hosts),
        ("[api] workers", *workers != new.workers),
        ("[api] audit", *audit != new.audit),
        ("[api] uncertain", *uncertain != new.uncertain),
        ("[api] retry", *retry != new.retry),
        ("[api] proxy", *proxy != new.proxy),
        ("[api] ca_file", *ca_file != new.ca_file),
        ("[api.poll]", *poll != new.poll),
        ("[api.overdue]", *overdue != new.overdue),
    ]
}

fn store_keys(old: &Store, new: &Store) -> Vec<(&'static str, bool)> {
    // The size of packages takes effect at once.
    let Store { path, database, keep, min_free, max_package: _, most_waiting } = old;
    let mut keys = vec![
        ("[store] path", *path != new.path),
        ("[store] keep", *keep != new.keep),
        ("[store] min_free", *min_free != new.min_free),
        ("[store] most_waiting", *most_waiting != new.most_waiting),
    ];
    let [old, new] = [database, &new.database]
        .map(|database| database.as_ref().map(DatabaseValues::of).unwrap_or_default());
    keys.extend([
        ("[store] url", old.url != new.url),
        ("[store] password_file", old.password_file != new.password_file),
        ("[store] password_credential", old.password_credential != new.password_credential),
        ("[store] ca_file", old.ca_file != new.ca_file),
        ("[store] packages", old.packages != new.packages),
        ("[store] packages_credentials_file", old.credentials != new.credentials),
        // Without a database, there is no node.
        ("[store] node", old.node.is_some() && new.node.is_some() && old.node != new.node),
    ]);
    keys
}

/// The values of the keys about the database; all are absent without one.
#[derive(Default)]
struct DatabaseValues<'a> {
    url: Option<&'a str>,
    password_file: Option<&'a Path>,
    password_credential: Option<&'a str>,
    ca_file: Option<&'a Path>,
    packages: Option<&'a Path>,
    credentials: Option<&'a Path>,
    node: Option<&'a str>,
}

impl<'a> DatabaseValues<'a> {
    fn of(database: &'a Database) -> Self {
        let Database { url, password, ca_file, packages, node } = database;
        let (password_file, password_credential) = match password {
            Some(SecretAt::File(path)) => (Some(path.as_path()), None),
            Some(SecretAt::Credential(name)) => (None, Some(name.as_str())),
            None => (None, None),
        };
        let (packages, credentials) = match packages {
            Some(PackagePlace::Folder(folder)) => (Some(folder.as_path()), None),
            // The roots of the place are those of `ca_file`.
            Some(PackagePlace::Objects(place)) => (Some(Path::new(&place.url)), place.credentials.as_deref()),
            None => (None, None),
        };
        Self {
            url: Some(url),
            password_file,
            password_credential,
            ca_file: ca_file.as_deref(),
            packages,
            credentials,
            node: Some(node),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dropship_config::{Environment, load_str};

    #[cfg(feature = "postgres")]
    const DATABASE: &str =
        "url = \"postgres://app@%2Frun%2Fpostgresql/jobs\"\npackages = \"/mnt/packages\"\nnode = \"one\"\n";

    fn keys(old: &str, new: &str) -> Vec<&'static str> {
        let load = |text: &str| {
            let config = load_str(Path::new("t.toml"), text, &Environment::default());
            config.unwrap_or_else(|report| panic!("{report}"))
        };
        restart_keys(&load(old), &load(new))
    }

    #[test]
    fn each_changed_key_that_needs_a_restart_is_named() {
        let plain = "[store]\npath = \"/var/a\"\n";
        assert_eq!(
            keys(plain, "[store]\npath = \"/var/b\"\nkeep = \"200d\"\nmax_package = \"1GiB\"\n"),
            ["[store] path", "[store] keep"]
        );
        assert_eq!(keys(plain, "[store]\npath = \"/var/a\"\nmax_package = \"1GiB\"\n"), [""; 0]);
        let api = format!(
            "{plain}[api]\nuncertain = \"20m\"\n[api.poll]\nsign = {{ first = \"5s\" }}\n[web]\nlisten = \"127.0.0.1:8085\"\n"
        );
        assert_eq!(keys(plain, &api), ["[api] uncertain", "[api.poll]", "[web]"]);
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn each_key_of_a_database_is_named() {
        let plain = "[store]\npath = \"/var/a\"\n";
        let database = format!("{plain}{DATABASE}");
        assert_eq!(keys(plain, &database), ["[store] url", "[store] packages"]);
        for (change, key) in [
            ("password_file = \"/etc/password\"", "[store] password_file"),
            ("password_credential = \"password\"", "[store] password_credential"),
            ("ca_file = \"/etc/ca.pem\"", "[store] ca_file"),
        ] {
            assert_eq!(
                keys(&database, &format!("{database}keep = \"200d\"\n{change}\n")),
                ["[store] keep", key]
            );
        }
        let two = database.replace("\"one\"", "\"two\"");
        assert_eq!(keys(&database, &two), ["[store] node"]);
        let moved = database.replace("/mnt/packages", "s3://bucket/packages");
        assert_eq!(keys(&database, &moved), ["[store] packages"]);
        let credentials = format!("{moved}packages_credentials_file = \"/etc/storage.env\"\n");
        assert_eq!(keys(&moved, &credentials), ["[store] packages_credentials_file"]);
    }
}
