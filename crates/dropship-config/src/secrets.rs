//! Finds values in the text of a configuration file that can be secrets, also in a file that is not valid TOML.
//!
//! A secret never stands in a configuration. If one does, it is masked in excerpts and messages.

use std::ops::Range;

use self::scanner::Scanner;
use super::secret_names::{KeyKind, TableScope, kind};

mod comment;
mod extent;
mod scanner;
mod url;

pub(super) use url::remember_parts;

/// A value that can be a secret, without its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SecretSpan {
    /// Its bytes.
    pub(super) span: Range<usize>,
    /// The part of it that is hidden.
    pub(super) hidden: Range<usize>,
    /// Why it is hidden.
    pub(super) why: HiddenReason,
}

/// Why a value is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HiddenReason {
    /// Its key is for a secret, which does not belong there.
    Secret,
    /// Its key is for the place of a secret, or for a URL, and it can contain a secret.
    Place,
    /// It does not look like a value of a configuration.
    Unusual,
}

impl HiddenReason {
    fn of(is_secret: bool) -> Self {
        if is_secret { Self::Secret } else { Self::Unusual }
    }
}

/// Advice for a secret in the configuration.
pub(super) const ADVICE: &str = "the configuration must not contain a secret: write it to a file that only the service can read, or to a \
                                 systemd credential, and name that with `client_secret_file` or `client_secret_credential` (for a \
                                 webhook, `secret_file` or `secret_credential`); its value is not shown here";

/// Whether a key that is unknown is meant to hold a secret.
pub(super) fn is_secret_name(key: &str) -> bool {
    kind(key, TableScope::Other) == KeyKind::Secret
}

/// All values that can be secrets, in order.
pub(super) fn find(text: &str) -> Vec<SecretSpan> {
    let mut scanner = Scanner::new(text);
    while scanner.at < text.len() {
        scanner.step();
    }
    let mut found = scanner.found;
    found.sort_by_key(|secret| secret.hidden.start);
    let mut end = 0;
    found.retain(|secret| {
        let is_separate = secret.hidden.start >= end;
        end = end.max(secret.hidden.end);
        is_separate
    });
    found
}

#[cfg(test)]
mod tests;
