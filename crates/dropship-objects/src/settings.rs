//! Credentials and other settings of a service, under the names that its own tools use in the environment.

use std::fmt;
use std::time::Duration;

use dropship_redact::{Lifetime, remember};
use url::{Host, Url};

/// How long a value is searched for in messages after it was read.
const MASK_SECRET_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

/// What the names of all settings begin with.
const PREFIXES: [&str; 2] = ["AWS_", "AZURE_"];

/// Parts of names whose values are secrets.
const SECRET: [&str; 4] = ["KEY", "SECRET", "TOKEN", "SAS"];

/// A file of settings that cannot be used. It shows no value.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct BadSettings(String);

/// Settings by name, such as `AZURE_STORAGE_ACCOUNT_KEY`. Values that are secrets are masked in all messages from now on.
#[derive(Clone, Default)]
pub struct Settings {
    values: Vec<(String, String)>,
    roots: Option<Vec<u8>>,
}

impl Settings {
    /// The settings in an environment.
    #[must_use]
    pub fn of_environment(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let is_setting = |name: &str| PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        let mut settings = Self::default();
        for (name, value) in variables.into_iter().filter(|(name, _)| is_setting(name)) {
            settings.set(name, value);
        }
        settings
    }

    /// Adds the settings of a file; they replace those of the environment. It has lines `NAME=VALUE`; those that begin with `#` are comments.
    ///
    /// # Errors
    /// The line that is no setting.
    pub fn with_file(mut self, text: &str) -> Result<Self, BadSettings> {
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let bad = |why| BadSettings(format!("line {number}: {why}"));
            let (name, value) = line.split_once('=').ok_or_else(|| bad("expected NAME=VALUE"))?;
            let (name, value) = (name.trim(), value.trim().trim_matches('"'));
            if !PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
                return Err(bad("the name begins neither with AWS_ nor with AZURE_"));
            }
            self.values.retain(|(known, _)| known != name);
            self.set(name.to_owned(), value.to_owned());
        }
        Ok(self)
    }

    /// Trusts these roots besides those of the system; PEM.
    #[must_use]
    pub fn with_roots(self, pem: Option<Vec<u8>>) -> Self {
        Self { roots: pem, ..self }
    }

    fn set(&mut self, name: String, value: String) {
        let names_a_file = name.ends_with("_FILE");
        if !names_a_file && SECRET.iter().any(|part| name.contains(part)) {
            remember(&value, Lifetime::For(MASK_SECRET_FOR));
        }
        self.values.push((name, value));
    }

    /// The values under names in lower case, as the client knows them.
    pub(crate) fn values(&self) -> impl Iterator<Item = (String, &str)> {
        self.values.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.as_str()))
    }

    pub(crate) fn roots(&self) -> Option<&[u8]> {
        self.roots.as_deref()
    }

    /// Whether all addresses are of this machine: only these may be without TLS.
    pub(crate) fn is_loopback(&self) -> bool {
        let addresses = self.values.iter().filter(|(name, _)| name.contains("ENDPOINT"));
        let mut addresses = addresses.filter_map(|(_, value)| Url::parse(value).ok()).peekable();
        addresses.peek().is_some() && addresses.all(|url| is_loopback(&url))
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.values.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_a_file_replace_those_of_the_environment_and_are_masked() {
        let environment = [
            ("AZURE_STORAGE_ACCOUNT_NAME", "one"),
            ("AZURE_STORAGE_ACCOUNT_KEY", "q7XfromEnvironment"),
            ("PATH", "/bin"),
        ];
        let settings =
            Settings::of_environment(environment.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let settings = settings
            .with_file("# the account\n\nAZURE_STORAGE_ACCOUNT_KEY = \"q8XfromTheFile\"\n")
            .expect("settings");
        let values: Vec<_> = settings.values().collect();
        let expected = [
            ("azure_storage_account_name".to_owned(), "one"),
            ("azure_storage_account_key".to_owned(), "q8XfromTheFile"),
        ];
        assert_eq!(values, expected);
        let shown = dropship_redact::mask("a q7XfromEnvironment b q8XfromTheFile");
        assert!(!shown.contains("from"), "{shown}");
        assert!(!format!("{settings:?}").contains("q8X"));
    }

    #[test]
    fn bad_line_is_refused_without_its_value() {
        for text in ["AWS_SECRET_ACCESS_KEY q9Xhidden", "SECRET=q9Xhidden"] {
            let refused = Settings::default().with_file(text).expect_err(text).to_string();
            assert!(refused.starts_with("line 1: ") && !refused.contains("q9X"), "{refused}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine() {
        let of =
            |endpoint: &str| Settings::of_environment([("AWS_ENDPOINT_URL".to_owned(), endpoint.to_owned())]);
        for (endpoint, expected) in [
            ("http://127.0.0.1:9000", true),
            ("http://localhost:9000", true),
            ("http://minio.corp:9000", false),
        ] {
            assert_eq!(of(endpoint).is_loopback(), expected, "{endpoint}");
        }
        assert!(!Settings::default().is_loopback());
    }
}
