//! What the pages know of an INF.

use std::sync::Arc;

use super::names::NameInterner;
use dropship_package::InfFacts;

/// Maximum length of a text in a row, in characters. Names of files have at most 255 bytes.
const MAX_TEXT: usize = 255;

/// Maximum number of INFs in a row.
const MAX_INFS: usize = 16;

/// An INF of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowInf {
    /// File name.
    pub(crate) name: Arc<str>,
    /// `Provider`.
    pub(crate) provider: Option<Arc<str>>,
    /// Version of `DriverVer`.
    pub(crate) version: Option<Arc<str>>,
}

/// The texts of an INF that a row keeps.
#[derive(Debug, Clone, Copy)]
pub(super) struct InfText<'a> {
    pub(super) name: &'a str,
    pub(super) provider: Option<&'a str>,
    pub(super) version: Option<&'a str>,
}

impl<'a> InfText<'a> {
    pub(super) fn of(inf: &'a InfFacts) -> Self {
        Self { name: &inf.name, provider: inf.provider.as_deref(), version: inf.version.as_deref() }
    }
}

impl RowInf {
    /// The INFs of a package, as a row keeps them.
    pub(super) fn all(facts: &[InfText<'_>], names: &mut NameInterner) -> Box<[Self]> {
        let mut shared = |text: &str| names.shared(short(text));
        let inf = |inf: &InfText<'_>| Self {
            name: shared(inf.name),
            provider: inf.provider.map(&mut shared),
            version: inf.version.map(&mut shared),
        };
        facts.iter().take(MAX_INFS).map(inf).collect()
    }
}

/// A text as a row keeps it.
pub(super) fn short(text: &str) -> &str {
    text.char_indices().nth(MAX_TEXT).map_or(text, |(end, _)| &text[..end])
}
