//! The values of keys that the files leave out.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Value;

use super::written::WrittenValue;
use crate::model::{
    AfterSuccess, Backlog, Config, Credential, DEFAULT_ACCOUNT, DEFAULT_MIN_FREE, Folder, Notify,
    PackagePlace, SameContent, SecretAt, Via,
};
use crate::outbox_layout;
use dropship_glob::Glob;
use dropship_hardware::Backoff;
use dropship_package::Policy;
use dropship_rules::duration;
use dropship_rules::label::{Everybody, Unforeseen};
use dropship_rules::rule::Strategy;

/// A value that is known without the files.
pub(super) struct KnownValue {
    pub(super) keys: Vec<String>,
    pub(super) value: Value,
    /// It is a path, which the files can write in relation to their folder.
    pub(super) is_path: bool,
}

type SetKeys = BTreeSet<Vec<String>>;

/// The values of `[defaults]`, for each rule and label that leaves them out. `set_keys` are the keys that the files set.
pub(super) fn values_of_defaults(
    config: &Config,
    defaults: &[(PathBuf, WrittenValue)],
    set_keys: &SetKeys,
) -> Vec<(PathBuf, WrittenValue)> {
    let mut added = Vec::new();
    for rule in &config.rules {
        for (path, default) in defaults {
            let Some([table, rest @ ..]) = default.keys.get(1..) else { continue };
            let mut add = |inside: &[&str], is_set: fn(&SetKeys, &[String], usize) -> bool| {
                let head = [&["rule", &rule.name], inside].concat();
                let head: Vec<_> = head.into_iter().map(str::to_owned).collect();
                let keys = [&head[..], rest].concat();
                if !is_set(set_keys, &keys, head.len()) {
                    added.push((path.clone(), WrittenValue { keys, ..default.clone() }));
                }
            };
            if table == "product" {
                // A table of the product, such as `selected_product_types`, replaces that of the defaults.
                add(&["product"], |set_keys, keys, head| {
                    has_within(set_keys, keys.get(..=head).unwrap_or(keys))
                });
                continue;
            }
            for position in 1..=rule.labels.len() {
                add(&[table, &position.to_string()], |set_keys, keys, _| set_keys.contains(keys));
            }
        }
    }
    added
}

/// Whether the key is set, or a key of the table of that name.
fn has_within(set_keys: &SetKeys, keys: &[String]) -> bool {
    set_keys.range(keys.to_vec()..).next().is_some_and(|next| next.starts_with(keys))
}

/// The values that the daemon uses, from the validated configuration: those of the keys that have a default, and paths.
pub(super) fn known_values(config: &Config, set_keys: &SetKeys) -> Vec<KnownValue> {
    let mut values = KnownValues(Vec::new());
    values.add("include", texts::<&str>(&[]));
    add_accounts(&mut values, config, set_keys);
    add_api(&mut values, config);
    let store = &config.store;
    values.add_path("store.path", &store.path);
    if let Some(database) = &store.database {
        values.add("store.node", text(&database.node));
        if let Some(SecretAt::File(path)) = &database.password {
            values.add_path("store.password_file", path);
        }
        if let Some(path) = &database.ca_file {
            values.add_path("store.ca_file", path);
        }
        match &database.packages {
            Some(PackagePlace::Folder(path)) => values.add_path("store.packages", path),
            Some(PackagePlace::Objects(place)) => {
                values.add("store.packages", text(&place.url));
                if let Some(path) = &place.credentials {
                    values.add_path("store.packages_credentials_file", path);
                }
            }
            None => {}
        }
    }
    values.add("store.keep", delay(store.keep));
    values.add("store.min_free", size(store.min_free.unwrap_or(DEFAULT_MIN_FREE)));
    values.add("store.max_package", size(store.max_package));
    values.add("store.most_waiting", number(store.most_waiting));
    values.add_path("control.socket", &config.control.socket);
    values.add("control.operators", texts(&config.control.operators));
    if let Some(address) = config.metrics {
        values.add("metrics.listen", text(&address));
    }
    if let Some(web) = &config.web {
        values.add("web.listen", text(&web.listen));
        values.add("web.allowed_hosts", texts(&web.allowed_hosts));
    }
    for notify in &config.notify {
        add_notification(&mut values, notify);
    }
    add_guard(&mut values, config);
    add_signers(&mut values, config);
    add_preflight(&mut values, config);
    for folder in &config.folders {
        add_folder(&mut values, folder, &store.path);
    }
    add_rules(&mut values, config, set_keys);
    values.0
}

fn add_accounts(values: &mut KnownValues, config: &Config, set_keys: &SetKeys) {
    let is_single = set_keys.iter().any(|keys| keys.first().is_some_and(|key| key == "account"));
    for (name, account) in &config.accounts {
        let head = match is_single && name == DEFAULT_ACCOUNT {
            true => vec!["account"],
            false => vec!["accounts", name],
        };
        let (key, path) = match &account.credential {
            Credential::SecretFile(path) => ("client_secret_file", path),
            Credential::CertificateFile(path) => ("client_certificate_file", path),
            Credential::FederatedTokenFile(path) => ("federated_token_file", path),
            Credential::SecretEnv(_) | Credential::SecretCredential(_) | Credential::ManagedIdentity => {
                continue;
            }
        };
        values.push(&[&head[..], &[key]].concat(), text(&path.display()), true);
    }
}

fn add_api(values: &mut KnownValues, config: &Config) {
    let api = &config.api;
    values.add("api.endpoint", text(api.endpoint.as_str().trim_end_matches('/')));
    values.add("api.authority", text(api.authority.as_str().trim_end_matches('/')));
    values.add("api.blob_hosts", texts(&api.blob_hosts));
    values.add("api.workers", number(api.workers));
    values.add("api.uncertain", delay(api.uncertain));
    values.add("api.audit", delay(api.audit));
    values.add_backoff("api.retry", api.retry);
    for (key, interval) in [("api.poll.sign", api.poll.sign), ("api.poll.publish", api.poll.publish)] {
        values.add(&format!("{key}.first"), delay(interval.first));
        values.add(&format!("{key}.max"), delay(interval.max));
    }
    values.add_backoff("api.poll.account", api.poll.account);
    values.add("api.overdue.sign", delay(api.overdue.sign));
    values.add("api.overdue.publish", delay(api.overdue.publish));
    if let Some(path) = &api.ca_file {
        values.add_path("api.ca_file", path);
    }
}

fn add_notification(values: &mut KnownValues, notify: &Notify) {
    let mut add = |key: &str, value, is_path| values.push(&["notify", &notify.name, key], value, is_path);
    add("on", Value::Array(notify.on.iter().map(word).collect()), false);
    add("timeout", delay(notify.timeout), false);
    add("give_up", delay(notify.give_up), false);
    if let Via::Webhook { secret: Some(SecretAt::File(path)), .. } = &notify.via {
        add("secret_file", text(&path.display()), true);
    }
}

fn add_guard(values: &mut KnownValues, config: &Config) {
    let guard = &config.guard;
    let everybody = match guard.everybody {
        Everybody::Allow => "allow",
        Everybody::Hold => "hold",
        Everybody::Refuse => "refuse",
    };
    let unforeseen = match guard.unforeseen {
        Unforeseen::Allow => "allow",
        Unforeseen::Hold => "hold",
    };
    values.add("guard.everybody", text(everybody));
    values.add("guard.unforeseen", text(unforeseen));
    let globs: Vec<_> = guard.hardware_ids.iter().map(Glob::as_str).collect();
    values.add("guard.hardware_ids", texts(&globs));
}

fn add_signers(values: &mut KnownValues, config: &Config) {
    let signers = &config.signers;
    let files = [
        ("signers.roots", &signers.roots),
        ("signers.intermediates", &signers.intermediates),
        ("signers.timestamp_roots", &signers.timestamp_roots),
        ("signers.crls", &signers.crls),
    ];
    for (key, paths) in files {
        let paths: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
        values.push(&key.split('.').collect::<Vec<_>>(), texts(&paths), true);
    }
    values.add("signers.thumbprints", texts(&signers.thumbprints.iter().collect::<Vec<_>>()));
    values.add("signers.system_roots", signers.system_roots.into());
    values.add("signers.allow_unsigned", signers.allow_unsigned.into());
}

fn add_folder(values: &mut KnownValues, folder: &Folder, store: &Path) {
    let mut add = |key: &str, value, is_path| values.push(&["folder", &folder.name, key], value, is_path);
    add("path", text(&folder.path.display()), true);
    add("include", texts(&folder.include), false);
    add("exclude", texts(&folder.exclude), false);
    add("recursive", folder.recursive.into(), false);
    add("priority", folder.priority.into(), false);
    add("ready", text(&folder.ready), false);
    let outbox = match &folder.on_node {
        Some(on) => on.outbox.clone(),
        None => folder.outbox.clone().unwrap_or_else(|| outbox_layout::in_store(store, &folder.name)),
    };
    if let Some(on) = &folder.on_node {
        add("node", text(&on.node), false);
    }
    add("outbox", text(&outbox.display()), true);
    let mode = folder.outbox_mode.unwrap_or(outbox_layout::DEFAULT_MODE);
    add("outbox_mode", text(&format!("{mode:04o}")), false);
    let after = match &folder.after {
        AfterSuccess::Leave => "leave".to_owned(),
        AfterSuccess::Delete => "delete".to_owned(),
        AfterSuccess::Move(target) => format!("move:{}", target.display()),
    };
    add("after", text(&after), true);
    let backlog = match folder.backlog {
        Backlog::Take => "take",
        Backlog::Hold => "hold",
    };
    add("backlog", text(backlog), false);
    let same_content = match folder.same_content {
        SameContent::Take => "take",
        SameContent::Hold => "hold",
    };
    add("same_content", text(same_content), false);
    add("settle", delay(folder.settle), false);
    add("incomplete", delay(folder.incomplete), false);
    add("poll", delay(folder.poll), false);
}

/// The levels of checks that can be set.
fn add_preflight(values: &mut KnownValues, config: &Config) {
    for check in Policy::known_checks().iter().filter(|check| !check.fixed) {
        let level = config.preflight.get(check.name).unwrap_or(&check.level);
        values.push(&["preflight", check.name], word(level), false);
    }
}

fn add_rules(values: &mut KnownValues, config: &Config, set_keys: &SetKeys) {
    for rule in &config.rules {
        let head = ["rule", &rule.name];
        let mut add = |keys: &[&str], value: Value| values.push(&[&head[..], keys].concat(), value, false);
        if rule.folders.is_empty() {
            let folders: Vec<_> = config.folders.iter().map(|folder| &folder.name).collect();
            add(&["folders"], texts(&folders));
        }
        add(&["account"], text(&rule.account));
        let strategy = match rule.product.strategy {
            Strategy::New => "new",
            Strategy::PerVersion => "per_version",
            Strategy::ExistingId(_) | Strategy::ExistingName => "existing",
        };
        add(&["product", "strategy"], text(strategy));
        add(&["product", "is_test_sign"], rule.product.is_test_sign.into());
        add(&["product", "is_flight_sign"], rule.product.is_flight_sign.into());
        add(&["submission", "type"], word(&rule.submission.kind));
        if let Some(name) = rule.submission.name.as_ref().or(rule.product.name.as_ref()) {
            add(&["submission", "name"], text(name.source()));
        }
        for (label, position) in rule.labels.iter().zip(1_usize..) {
            let position = position.to_string();
            let mut add = |key: &str, value: Value| add(&["label", &position, key], value);
            add("hold", word(&label.hold));
            add("supersede", label.supersede.into());
            add("auto_install_during_os_upgrade", label.auto_install_during_os_upgrade.into());
            add("auto_install_on_applicable_systems", label.auto_install_on_applicable_systems.into());
            let after = ["rule", &rule.name, "label", &position, "after"].map(str::to_owned);
            if set_keys.contains(after.as_slice()) {
                add("soak", delay(label.soak));
            }
        }
    }
}

struct KnownValues(Vec<KnownValue>);

impl KnownValues {
    /// Adds a value; the dots of the key separate tables.
    fn add(&mut self, key: &str, value: Value) {
        self.push(&key.split('.').collect::<Vec<_>>(), value, false);
    }

    fn add_path(&mut self, key: &str, path: &Path) {
        self.push(&key.split('.').collect::<Vec<_>>(), text(&path.display()), true);
    }

    fn add_backoff(&mut self, key: &str, backoff: Backoff) {
        self.add(&format!("{key}.first"), delay(backoff.min()));
        self.add(&format!("{key}.max"), delay(backoff.max()));
    }

    fn push(&mut self, keys: &[&str], value: Value, is_path: bool) {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        self.0.push(KnownValue { keys, value, is_path });
    }
}

fn text(value: &(impl Display + ?Sized)) -> Value {
    Value::String(value.to_string())
}

fn texts<T: Display>(values: &[T]) -> Value {
    Value::Array(values.iter().map(text).collect())
}

/// A word of the configuration, as the type is written.
fn word(value: &impl serde::Serialize) -> Value {
    Value::try_from(value).unwrap_or_else(|_| text(""))
}

fn number(value: usize) -> Value {
    Value::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}

fn delay(value: Duration) -> Value {
    text(&duration::format(value))
}

/// A size in the largest unit that is exact.
fn size(bytes: u64) -> Value {
    let units = [("TiB", 1_u64 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let exact = units.iter().find(|(_, unit)| bytes >= *unit && bytes.is_multiple_of(*unit));
    text(&exact.map_or_else(|| format!("{bytes}B"), |(name, unit)| format!("{}{name}", bytes / unit)))
}
