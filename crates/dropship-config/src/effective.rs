//! The effective configuration: every value with the file and line that set it, or none for a default.

mod defaults;
mod written;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use toml::Value;

use self::written::WrittenValue;
use super::model::Config;
use super::{Report, sources};

/// The tables of a file, in the order in which they are shown.
const ORDER: [&str; 15] = [
    "include",
    "account",
    "accounts",
    "api",
    "store",
    "control",
    "metrics",
    "web",
    "notify",
    "guard",
    "signers",
    "preflight",
    "folder",
    "rule",
    "test",
];

/// One value of the effective configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Names of the tables and of the key, from the outside.
    pub keys: Vec<String>,
    /// The value; a relative path is absolute, and a value that can be a secret is masked.
    pub value: Value,
    /// The file, as an absolute path, and the line, from 1, that set it; `None` for a default.
    pub place: Option<(PathBuf, usize)>,
}

impl Setting {
    /// The names of the tables and of the key, as TOML writes a dotted key.
    #[must_use]
    pub fn key(&self) -> String {
        let is_bare = |key: &str| {
            !key.is_empty()
                && key.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'))
        };
        let keys: Vec<_> =
            self.keys.iter().map(|key| if is_bare(key) { key.clone() } else { quoted(key) }).collect();
        keys.join(".")
    }

    /// The value in the syntax of TOML, on one line.
    #[must_use]
    pub fn literal(&self) -> String {
        literal(&self.value)
    }
}

/// A value that differs between two configurations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedSetting {
    /// As [`Setting::key`].
    pub key: String,
    /// The values in the syntax of TOML; `None` where the key is not set and has no default.
    pub old: Option<String>,
    /// The other value.
    pub new: Option<String>,
}

/// The values that differ, of the keys that have a default, and of paths. None of them is a secret.
#[must_use]
pub fn differences(old: &Config, new: &Config) -> Vec<ChangedSetting> {
    let values = |config: &Config| -> BTreeMap<String, String> {
        let known = defaults::known_values(config, &BTreeSet::new()).into_iter();
        let settings = known.map(|known| Setting { keys: known.keys, value: known.value, place: None });
        settings.map(|setting| (setting.key(), setting.literal())).collect()
    };
    let (old, new) = (values(old), values(new));
    let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let differs = |key: &String| {
        let (old, new) = (old.get(key).cloned(), new.get(key).cloned());
        (old != new).then(|| ChangedSetting { key: key.clone(), old, new })
    };
    keys.into_iter().filter_map(differs).collect()
}

/// Every value of a configuration: those of its files, then the defaults of the keys that they leave out, by table.
///
/// # Errors
/// A file of the configuration can no longer be read.
pub fn effective(config: &Config) -> Result<Vec<Setting>, Report> {
    let mut problems = Vec::new();
    let units = sources::gather(&config.path, &mut problems);
    if units.len() != config.files.len() {
        return Err(Report { problems });
    }
    let written: Vec<_> = units
        .iter()
        .flat_map(|unit| {
            let of_file = written::of(&unit.source).into_iter();
            let path = std::path::absolute(&unit.source.path).unwrap_or_else(|_| unit.source.path.clone());
            of_file.map(move |written| (path.clone(), written))
        })
        .collect();
    let (shared, mut written): (Vec<_>, Vec<_>) = written
        .into_iter()
        .partition(|(_, written)| written.keys.first().is_some_and(|key| key == "defaults"));
    let set_keys: BTreeSet<_> = written.iter().map(|(_, written)| written.keys.clone()).collect();
    written.extend(defaults::values_of_defaults(config, &shared, &set_keys));
    let set_keys: BTreeSet<_> = written.iter().map(|(_, written)| written.keys.clone()).collect();
    let known = defaults::known_values(config, &set_keys);
    let paths: BTreeMap<_, _> =
        known.iter().filter(|known| known.is_path).map(|known| (&known.keys, &known.value)).collect();
    let mut settings: Vec<_> = written
        .into_iter()
        .map(|(path, WrittenValue { keys, value, line, is_masked })| {
            let absolute = paths.get(&keys).filter(|_| !is_masked);
            let value = absolute.map_or(value, |path| Value::clone(path));
            Setting { value, keys, place: Some((path, line)) }
        })
        .collect();
    let missing = known.into_iter().filter(|known| !set_keys.contains(&known.keys));
    settings.extend(missing.map(|known| Setting { keys: known.keys, value: known.value, place: None }));
    sort(&mut settings);
    Ok(settings)
}

/// Sorts by table, and the elements of arrays of tables by their first appearance.
fn sort(settings: &mut [Setting]) {
    let element = |setting: &Setting| setting.keys.iter().take(2).cloned().collect::<Vec<_>>();
    let mut elements = HashMap::new();
    for setting in settings.iter() {
        let next = elements.len();
        elements.entry(element(setting)).or_insert(next);
    }
    settings.sort_by_cached_key(|setting| {
        let table = setting.keys.first().and_then(|key| ORDER.iter().position(|known| known == key));
        let place = (setting.keys.len() > 2).then(|| elements.get(&element(setting)));
        (table, place)
    });
}

fn quoted(text: &str) -> String {
    // The escapes of JSON are escapes of TOML too.
    serde_json::Value::from(text).to_string()
}

fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(", ")),
        Value::Table(table) => {
            let pairs: Vec<_> =
                table.iter().map(|(key, value)| format!("{} = {}", quoted(key), literal(value))).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        other => other.to_string(),
    }
}
