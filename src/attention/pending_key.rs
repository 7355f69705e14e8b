//! A changed key that takes effect at the next restart.

use std::fmt;

use dropship_config::effective::ChangedSetting;

/// A key such as `[api] uncertain`, with the values that the daemon uses and those in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingKey {
    /// The key, or the table of the keys.
    pub key: String,
    differences: Vec<(String, ChangedSetting)>,
}

impl PendingKey {
    /// The key with those of the differences that belong to it.
    #[must_use]
    pub fn new(key: String, differences: &[ChangedSetting]) -> Self {
        // `[api] uncertain` is `api.uncertain`, and `[api.poll]` is a table.
        let path = key.replace("] ", ".").replace(['[', ']'], "");
        let own_difference = |difference: &ChangedSetting| {
            let subkey = difference.key.strip_prefix(&path)?;
            let is_own = subkey.is_empty() || subkey.starts_with('.');
            is_own.then(|| (subkey.trim_start_matches('.').to_owned(), difference.clone()))
        };
        Self { differences: differences.iter().filter_map(own_difference).collect(), key }
    }
}

impl fmt::Display for PendingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)?;
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "not set".to_owned());
        let texts = self.differences.iter().map(|(subkey, ChangedSetting { old, new, .. })| {
            let text = format!("{subkey} {}, in the file {}", shown(old), shown(new));
            text.trim_start().to_owned()
        });
        let texts: Vec<_> = texts.collect();
        if texts.is_empty() { Ok(()) } else { write!(f, " ({})", texts.join("; ")) }
    }
}
