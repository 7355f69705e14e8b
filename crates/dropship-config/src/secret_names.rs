//! Which keys of a configuration can hold a secret by mistake.

use std::path::Path;

use dropship_rules::suggest;

/// The content of a part of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TableScope {
    /// The top of the file.
    Top,
    /// An account: any key but the known ones can be meant to hold its secret.
    Account,
    /// A `[[notify]]`, for which the same holds.
    Notify,
    /// A table that is itself named like a secret.
    Secret,
    /// A table of settings.
    Other,
    /// A rule or a test, whose variables have free names.
    Rule,
}

impl TableScope {
    /// The scope of a table by its names.
    pub(super) fn of<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        names.fold(Self::Top, |scope, name| scope.below(name))
    }

    /// The scope of the table `name` within this one.
    pub(super) fn below(self, name: &str) -> Self {
        match self {
            Self::Top => match name {
                "account" | "accounts" => Self::Account,
                "notify" => Self::Notify,
                "rule" | "test" | "defaults" | "folder" | "guard" | "signers" | "preflight" => Self::Rule,
                _ if kind(name, Self::Top) == KeyKind::Secret => Self::Secret,
                _ => Self::Other,
            },
            // The name of an account can be any word.
            Self::Account if normalize(name) != "clientsecret" => Self::Account,
            scope if kind(name, scope) == KeyKind::Secret => Self::Secret,
            scope => scope,
        }
    }
}

/// The content of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyKind {
    /// Nothing secret.
    Plain,
    /// A secret, which does not belong there.
    Secret,
    /// The path of a file with a secret.
    File,
    /// The name of an environment variable with a secret.
    Variable,
    /// The name of a systemd credential.
    Credential,
    /// A URL that can contain a secret: of a webhook or a proxy.
    Url,
    /// The base URL of a service.
    Base,
    /// The id of a tenant or of an application, beside which a secret is copied from the same page.
    Id,
    /// `true`, `false` or a date.
    Word,
    /// The command of a notification, whose arguments can contain a secret.
    Command,
}

/// Parts of names of secrets, without `_` and `-`.
const SECRET_PARTS: [&str; 10] = [
    "secret",
    "password",
    "passwd",
    "passphrase",
    "token",
    "apikey",
    "assertion",
    "privatekey",
    "credential",
    "certificate",
];
/// The parts that mark a secret in a rule too: no variable of a rule is named after them.
const SECRET_PARTS_IN_RULES: [&str; 4] = ["clientsecret", "password", "passwd", "apikey"];
/// Words that the misspelt key of a secret resembles.
const RESEMBLED: [&str; 6] = ["clientsecret", "secret", "password", "accesstoken", "webhook", "proxy"];
/// Maximum length of a name that can be a key, or that is compared with [`RESEMBLED`], in bytes.
const MAX_NAME: usize = 40;
/// Maximum length of a name that is shown below the key of a secret, in bytes.
const MAX_PLAIN_WORD: usize = 8;
/// Words with fewer bytes do not look random.
const MIN_RANDOM: usize = 16;
/// Maximum length of a value that is shown, in bytes.
const MAX_SHOWN: usize = 256;
/// A value with fewer bytes is no secret.
const MIN_SECRET: usize = 4;
/// Names of a file beside the configuration that are certainly not a secret.
const SECRET_FILE_NAMES: [&str; 5] = ["secret", "client-secret", "client_secret", "token", "key"];

/// A name without case, `_` and `-`, as far as it counts.
fn normalize(name: &str) -> String {
    let name = name.chars().take(MAX_SHOWN);
    name.filter(|c| !matches!(c, '_' | '-')).map(|c| c.to_ascii_lowercase()).collect()
}

/// The content of the key `name` in that part of the configuration.
pub(super) fn kind(name: &str, scope: TableScope) -> KeyKind {
    match name {
        "client_secret_file"
        | "client_certificate_file"
        | "federated_token_file"
        | "secret_file"
        | "password_file"
        | "packages_credentials_file" => {
            return KeyKind::File;
        }
        "secret_expires" | "managed_identity" if scope == TableScope::Account => return KeyKind::Word,
        "secret_expires" | "client_assertion_type" | "socket" => return KeyKind::Plain,
        "client_secret_env" => return KeyKind::Variable,
        "client_secret_credential" | "secret_credential" | "password_credential" => {
            return KeyKind::Credential;
        }
        _ => {}
    }
    let normalized = normalize(name);
    let resembled =
        || (normalized.len() <= MAX_NAME).then(|| suggest::nearest(&normalized, RESEMBLED)).flatten();
    let has = |parts: &[&str]| parts.iter().any(|part| normalized.contains(part));
    match scope {
        TableScope::Rule if has(&SECRET_PARTS_IN_RULES) || resembled() == Some("clientsecret") => {
            KeyKind::Secret
        }
        TableScope::Rule => KeyKind::Plain,
        TableScope::Secret => KeyKind::Secret,
        _ if has(&SECRET_PARTS) || matches!(normalized.as_str(), "pwd" | "pass" | "sig") => KeyKind::Secret,
        TableScope::Account if matches!(name, "tenant_id" | "client_id") => KeyKind::Id,
        TableScope::Account => KeyKind::Secret,
        TableScope::Notify if name == "command" => KeyKind::Command,
        _ if matches!(name, "endpoint" | "authority") => KeyKind::Base,
        _ if normalized.contains("proxy") || normalized.contains("url") || normalized.contains("webhook") => {
            KeyKind::Url
        }
        TableScope::Notify if !matches!(name, "name" | "on" | "command" | "timeout" | "give_up") => {
            KeyKind::Secret
        }
        _ => match resembled() {
            Some("proxy" | "webhook") => KeyKind::Url,
            Some(_) => KeyKind::Secret,
            None => KeyKind::Plain,
        },
    }
}

impl KeyKind {
    /// Whether a value is a usual place of a secret, and not the secret itself.
    pub(super) fn is_usual(self, value: &str) -> bool {
        let is_simple = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        match self {
            Self::File => {
                let longest = if value.starts_with('/') { 16 } else { 8 };
                let is_name =
                    |part: &str| part.chars().all(is_simple) && part.len() <= 64 && !is_random(part, longest);
                let is_path = value.contains(['/', '.'])
                    || value.len() < MIN_SECRET
                    || SECRET_FILE_NAMES.contains(&value);
                is_path && value.split('/').all(is_name) && !value.starts_with("eyJ")
            }
            Self::Variable => {
                value.len() <= 64
                    && (value.contains('_') || value.bytes().all(|byte| !byte.is_ascii_digit()))
                    && value.starts_with(|c: char| c.is_ascii_uppercase())
                    && value.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
            }
            Self::Credential => {
                let is_named = ["secret", "token", "cred", "key", "dropship", "hook"]
                    .iter()
                    .any(|word| value.to_ascii_lowercase().contains(word));
                is_named
                    && value.chars().all(is_simple)
                    && !value.split(['.', '-', '_']).any(|part| is_random(part, 16))
            }
            Self::Id => {
                let is_unusual = |c: char| c.is_whitespace() || "~!@#$%^&*()=+\\|;'\"<>`".contains(c);
                value.len() <= MAX_SHOWN && !value.contains(is_unusual) && !looks_random(value)
            }
            Self::Word => {
                let is_date = |c: char| c.is_ascii_digit() || "-:./+TZ ".contains(c);
                let has_day = value.matches(['-', '.', '/']).count() >= 2 && value.len() <= MAX_NAME;
                matches!(value, "true" | "false") || has_day && value.chars().all(is_date)
            }
            Self::Command => {
                value.starts_with('/') && is_harmless(value, TableScope::Other) && !value.contains(' ')
            }
            _ => false,
        }
    }

    /// Why a value cannot be a place of this kind; `None` if it can.
    pub(super) fn fault(self, value: &str) -> Option<&'static str> {
        let has_unusual = |is_fine: fn(char) -> bool| !value.chars().all(is_fine);
        match self {
            Self::Variable if has_unusual(|c| c.is_ascii_alphanumeric() || c == '_') => {
                Some("is not the name of an environment variable")
            }
            Self::Credential
                if has_unusual(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | ':')) =>
            {
                Some("is not the name of a systemd credential")
            }
            Self::File
                if value.contains(['\n', '\r', '\0'])
                    || value.contains("-----BEGIN")
                    || value.starts_with("eyJ") =>
            {
                Some("is not a path")
            }
            _ => None,
        }
    }
}

/// Why the value of a key for a file cannot be used: it cannot be a path, or it is unusual for a path and there is no such file.
pub(super) fn fault_of_file(value: &str, path: &Path) -> Option<&'static str> {
    let fault = KeyKind::File.fault(value);
    let is_missing = || match path.try_exists() {
        Ok(exists) => !exists,
        // Its folder can be closed to this user.
        Err(error) => error.kind() != std::io::ErrorKind::PermissionDenied,
    };
    fault.or_else(|| {
        (!KeyKind::File.is_usual(value) && is_missing()).then_some("is not the path of a file that exists")
    })
}

/// Whether a name can be that of a key: a word that is not too long and does not look random.
pub(super) fn is_usual_key(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    name.len() <= MAX_NAME && name.chars().all(is_part) && !is_random(name, MIN_RANDOM)
}

/// Whether a name below the key of a secret can be shown: it is a short plain word.
pub(super) fn is_plain_word(name: &str) -> bool {
    name.len() <= MAX_PLAIN_WORD && name.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// Whether a value of a key that is not for secrets looks like one of a configuration: short, without user information or the path
/// of a URL, and without a word that looks random. Those of accounts and notifications have no blanks or slashes.
pub(super) fn is_harmless(value: &str, scope: TableScope) -> bool {
    let also_allowed = match scope {
        TableScope::Rule => return true,
        TableScope::Account | TableScope::Notify | TableScope::Secret => "",
        TableScope::Top | TableScope::Other => " /",
    };
    let is_part = |c: char| c.is_alphanumeric() || "._:-+*?,%[]{}".contains(c) || also_allowed.contains(c);
    value.len() <= MAX_SHOWN && value.chars().all(is_part) && !value.contains("://") && !looks_random(value)
}

/// Whether a part of a value looks random.
pub(super) fn looks_random(value: &str) -> bool {
    value.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| is_random(word, MIN_RANDOM))
}

/// Whether a word looks random: at least `shortest` bytes long, with capitals, small letters and digits.
fn is_random(word: &str, shortest: usize) -> bool {
    word.len() >= shortest
        && word.bytes().any(|byte| byte.is_ascii_uppercase())
        && word.bytes().any(|byte| byte.is_ascii_lowercase())
        && word.bytes().any(|byte| byte.is_ascii_digit())
        || word.len() >= 24 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The environment variable in a message: its name, unless that can be the secret itself.
pub fn shown_variable(name: &str) -> &str {
    if KeyKind::Variable.is_usual(name) { name } else { "that `client_secret_env` names" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_the_schema_are_not_secrets() {
        let schema = include_str!("../../../config/dropship.schema.json");
        let schema: serde_json::Value = serde_json::from_str(schema).expect("JSON");
        let definitions = schema["definitions"].as_object().expect("definitions");
        for (table, definition) in definitions {
            let scope = match table.as_str() {
                "Account" => TableScope::Account,
                "Notify" => TableScope::Notify,
                "Api" | "Store" | "Control" | "Metrics" | "Web" => TableScope::Other,
                _ => TableScope::Rule,
            };
            for key in definition["properties"].as_object().into_iter().flatten().map(|(key, _)| key) {
                assert_ne!(kind(key, scope), KeyKind::Secret, "{table}.{key}");
            }
        }
        for key in schema["properties"].as_object().expect("keys").keys() {
            assert_eq!(kind(key, TableScope::Top), KeyKind::Plain, "{key}");
        }
    }
}
