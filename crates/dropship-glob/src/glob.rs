//! A glob.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::char_set::CharSet;
use super::error::GlobError;
use super::escape::escape;
use super::fold::fold_text;
use super::nfa::Nfa;
use super::parse::{self, GlobPart};
use super::simple::Simple;

/// A glob that ignores case. Clones share it.
#[derive(Clone)]
pub struct Glob(Arc<Inner>);

struct Inner {
    source: Box<str>,
    shape: GlobMatcher,
}

pub(super) enum GlobMatcher {
    Simple(Simple),
    Nfa(Nfa),
}

impl Glob {
    /// Reads a glob.
    ///
    /// # Errors
    /// When the text has no defined meaning as a glob.
    pub fn new(text: &str) -> Result<Self, GlobError> {
        let parts = parse::parse(text).map_err(|problem| GlobError { glob: text.to_owned(), problem })?;
        let shape = match Simple::of(&parts) {
            Some(simple) => GlobMatcher::Simple(simple),
            None => GlobMatcher::Nfa(Nfa::of(&parts)),
        };
        Ok(Self(Arc::new(Inner { source: text.into(), shape })))
    }

    /// The glob that matches this text only.
    ///
    /// # Errors
    /// When the text is empty or too long.
    pub fn literal(text: &str) -> Result<Self, GlobError> {
        Self::new(&escape(text))
    }

    /// Whether the glob matches the whole of `text`.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        match self.shape() {
            GlobMatcher::Simple(simple) => simple.is_match(text),
            GlobMatcher::Nfa(nfa) => nfa.is_match(text),
        }
    }

    /// The glob as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.source
    }

    /// The only text that matches, in the case as written; `None` if several texts match.
    #[must_use]
    pub fn only_text(&self) -> Option<String> {
        let parts = parse::parse(self.as_str()).ok()?;
        let letter = |part: &GlobPart| match part {
            GlobPart::Letter(c) => Some(*c),
            GlobPart::One(_) | GlobPart::Star | GlobPart::Choice(_) => None,
        };
        parts.iter().map(letter).collect()
    }

    /// The text that every match begins with, in the case as written; empty if there is none.
    #[must_use]
    pub fn literal_prefix(&self) -> String {
        let parts = parse::parse(self.as_str()).unwrap_or_default();
        let letters = parts.iter().map_while(|part| match part {
            GlobPart::Letter(c) => Some(*c),
            GlobPart::One(_) | GlobPart::Star | GlobPart::Choice(_) => None,
        });
        letters.collect()
    }

    /// Whether every text matches.
    #[must_use]
    pub fn is_anything(&self) -> bool {
        matches!(self.shape(), GlobMatcher::Simple(Simple::Contains(word)) if word.is_empty())
    }

    /// Whether a text exists that both globs match.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        self.nfa().meets(&other.nfa(), &CharSet::all())
    }

    pub(super) fn shape(&self) -> &GlobMatcher {
        &self.0.shape
    }

    pub(super) fn nfa(&self) -> Cow<'_, Nfa> {
        match self.shape() {
            GlobMatcher::Nfa(nfa) => Cow::Borrowed(nfa),
            // The source was parsed before, so there is no error here.
            GlobMatcher::Simple(_) => Cow::Owned(Nfa::of(&parse::parse(self.as_str()).unwrap_or_default())),
        }
    }
}

/// Whether one of the globs matches; none of an empty list does.
#[must_use]
pub fn any(globs: &[Glob], text: &str) -> bool {
    globs.iter().any(|glob| glob.is_match(text))
}

impl PartialEq for Glob {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str() || fold_text(self.as_str()) == fold_text(other.as_str())
    }
}

impl Eq for Glob {}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for Glob {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for Glob {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}
