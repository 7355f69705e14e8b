//! Globs, case-blind. Backslashes are letters (hardware ids hold them), and `*` passes any of them. Braces around what
//! has no comma are letters too, as in shells: GUIDs stand in them.

use std::fmt;
use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};

/// One glob.
///
/// Most globs in rules are words and stars; those never start a matching engine, of which building one takes longer
/// than a thousand matches.
#[derive(Clone)]
pub struct Pattern {
    source: Arc<str>,
    shape: Shape,
}

#[derive(Clone)]
enum Shape {
    Exact(Arc<str>),
    Prefix(Arc<str>),
    Suffix(Arc<str>),
    Contains(Arc<str>),
    /// The words between stars, the first and the last of them perhaps empty.
    Stars(Arc<[Box<str>]>),
    Glob(Arc<GlobMatcher>),
}

impl Pattern {
    /// Reads a glob: `*`, `?`, `[ab]`, `{a,b}`; `{a}` is itself.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("an empty glob matches nothing; write `*` for anything".to_owned());
        }
        let lower = text.to_lowercase();
        let shape = match plain_shape(&lower) {
            Some(shape) => shape,
            None => {
                let glob = GlobBuilder::new(&single_braces_as_letters(text))
                    .case_insensitive(true)
                    .backslash_escape(false)
                    .literal_separator(false)
                    .build()
                    .map_err(|error| format!("`{text}` is not a glob: {}", error.kind()))?;
                Shape::Glob(Arc::new(glob.compile_matcher()))
            }
        };
        Ok(Self { source: text.into(), shape })
    }

    /// Whether the whole of `text` fits.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        match &self.shape {
            Shape::Exact(word) => equals(text, word),
            Shape::Prefix(word) => starts(text, word),
            Shape::Suffix(word) => ends(text, word),
            Shape::Contains(word) => word.is_empty() || text.to_lowercase().contains(&**word),
            Shape::Stars(words) => passes(text, words),
            Shape::Glob(glob) => glob.is_match(text),
        }
    }

    /// The glob as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// The one text that fits, if the glob has no wildcard.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        matches!(self.shape, Shape::Exact(_)).then_some(&*self.source)
    }

    /// Whether any text fits.
    #[must_use]
    pub fn is_anything(&self) -> bool {
        matches!(&self.shape, Shape::Contains(word) if word.is_empty())
    }

    /// Whether every text that fits `other` surely fits this one too; `false` when that is not known.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        if self.is_anything() || self == other {
            return true;
        }
        if let Shape::Exact(word) = &other.shape {
            return self.is_match(word);
        }
        let (head, tail) = other.fixed_ends();
        match &self.shape {
            Shape::Prefix(word) => head.starts_with(&**word),
            Shape::Suffix(word) => tail.ends_with(&**word),
            Shape::Contains(word) => head.contains(&**word) || tail.contains(&**word) || other.holds(word),
            Shape::Exact(_) | Shape::Stars(_) | Shape::Glob(_) => false,
        }
    }

    /// What every fitting text begins and ends with, in lower case.
    fn fixed_ends(&self) -> (String, String) {
        let lower = self.source.to_lowercase();
        let head = lower.find(['*', '?', '[', '{']).unwrap_or(lower.len());
        let tail = lower.rfind(['*', '?', ']', '}']).map_or(0, |at| at + 1);
        (lower[..head].to_owned(), lower[tail..].to_owned())
    }

    fn holds(&self, word: &str) -> bool {
        matches!(&self.shape, Shape::Contains(own) if own.contains(word))
    }
}

/// The shape of a glob without `?`, `[`, `{` and double stars inside.
fn plain_shape(lower: &str) -> Option<Shape> {
    let braces = lower.matches(['{', '}']).count();
    if lower.contains(['?', '[', ']']) || single_braces(lower).len() * 2 != braces {
        return None;
    }
    let front = lower.starts_with('*');
    let back = lower.ends_with('*');
    let core: Arc<str> = lower.trim_matches('*').into();
    if core.contains("**") {
        return None;
    }
    if core.contains('*') {
        return Some(Shape::Stars(lower.split('*').map(Box::from).collect()));
    }
    Some(match (front, back) {
        (false, false) => Shape::Exact(core),
        (false, true) => Shape::Prefix(core),
        (true, false) => Shape::Suffix(core),
        (true, true) => Shape::Contains(core),
    })
}

/// Where braces open and close around what has no comma, and no braces.
fn single_braces(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut open = None;
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => open = Some(at),
            ',' => open = None,
            '}' => found.extend(open.take().map(|open| (open, at))),
            _ => {}
        }
    }
    found
}

fn single_braces_as_letters(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let single = single_braces(text);
    for (at, letter) in text.char_indices() {
        match single.iter().any(|(open, close)| at == *open || at == *close) {
            true => out.extend(['[', letter, ']']),
            false => out.push(letter),
        }
    }
    out
}

fn equals(text: &str, lower: &str) -> bool {
    if text.is_ascii() {
        return text.eq_ignore_ascii_case(lower);
    }
    text.to_lowercase() == lower
}

fn starts(text: &str, lower: &str) -> bool {
    if text.is_ascii() {
        return text.get(..lower.len()).is_some_and(|head| head.eq_ignore_ascii_case(lower));
    }
    text.to_lowercase().starts_with(lower)
}

fn ends(text: &str, lower: &str) -> bool {
    if text.is_ascii() {
        let tail = text.len().checked_sub(lower.len()).and_then(|at| text.get(at..));
        return tail.is_some_and(|tail| tail.eq_ignore_ascii_case(lower));
    }
    text.to_lowercase().ends_with(lower)
}

/// Whether the words stand in the text one after the other, the first at its beginning and the last at its end.
fn passes(text: &str, words: &[Box<str>]) -> bool {
    let [first, between @ .., last] = words else { return false };
    if !starts(text, first) || !ends(text, last) {
        return false;
    }
    let text = text.to_lowercase();
    let rest = text.strip_prefix(&**first).and_then(|rest| rest.strip_suffix(&**last));
    let after = |rest: &mut &str, word: &str| {
        let at = rest.find(word)?;
        *rest = rest.get(at + word.len()..)?;
        Some(())
    };
    rest.is_some_and(|mut rest| between.iter().all(|word| after(&mut rest, word).is_some()))
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source || self.source.to_lowercase() == other.source.to_lowercase()
    }
}

impl Eq for Pattern {}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.source, f)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl serde::Serialize for Pattern {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

impl<'de> serde::Deserialize<'de> for Pattern {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

/// Whether `text` fits one of `patterns`; an empty set fits nothing.
#[must_use]
pub fn any(patterns: &[Pattern], text: &str) -> bool {
    patterns.iter().any(|pattern| pattern.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(glob: &str, text: &str) -> bool {
        Pattern::new(glob).expect(glob).is_match(text)
    }

    #[test]
    fn globs_ignore_case_and_take_backslashes_as_letters() {
        assert!(fits("pci\\ven_8086*", "PCI\\VEN_8086&DEV_1234"));
        assert!(!fits("pci\\ven_8086*", "PCI\\VEN_10DE"));
        assert!(fits("*.CAB", "x.cab"));
        assert!(fits("*audio*", "My Audio.cab"));
        assert!(fits("WINDOWS_v100_*_CO_FULL", "windows_V100_x64_co_full"));
        assert!(fits("usb\\vid_{046d,045e}*", "USB\\VID_045E&PID_0001"));
        assert!(fits("a?c", "aBc") && !fits("a?c", "abbc"));
        assert!(fits("*", "") && fits("*", "x/y\\z"));
        assert!(fits("ÄPFEL*", "äpfel.cab") && fits("*É", "é") && fits("straße", "STRAßE"));
        assert!(!fits("abc*", "ab") && !fits("*abc", "bc"));
        assert!(fits("p1-*.CAB", "P1-x.cab") && !fits("p1-*.cab", "p1-x.cab2") && !fits("ab*ba", "aba"));
        assert!(
            fits("*a*b*c", "xAyBzC") && !fits("*a*b*c", "bac") && fits("Ä*É", "äxé") && fits("a*b*", "ab")
        );
    }

    #[test]
    fn braces_without_a_choice_are_letters_as_guids_have_them() {
        let guid = "{4d36e96c-e325-11ce-bfc1-08002be10318}";
        assert!(fits(guid, &guid.to_uppercase()) && !fits(guid, guid.trim_matches(['{', '}'])));
        assert!(fits("{4d36e96c-*}", guid) && fits("{4d36e96?-*}", guid) && !fits("{4d36e97?-*}", guid));
        assert!(fits("bthenum\\{0000110b-*}*", "BTHENUM\\{0000110B-0}_VID&1"));
        assert!(fits("{a}{b,c}", "{A}c") && !fits("{a}{b,c}", "ac") && fits("{x,y}", "y"));
    }

    #[test]
    fn bad_globs_say_what_is_wrong() {
        assert_eq!(
            Pattern::new("[a").expect_err("bad"),
            "`[a` is not a glob: unclosed character class; missing ']'"
        );
        assert!(Pattern::new("").is_err());
    }

    #[test]
    fn a_wider_glob_covers_a_narrower_one() {
        let covers = |a: &str, b: &str| Pattern::new(a).expect(a).covers(&Pattern::new(b).expect(b));
        assert!(covers("*", "x*y"));
        assert!(covers("con*", "Contoso*"));
        assert!(covers("*.cab", "x.CAB"));
        assert!(covers("*tos*", "contoso*"));
        assert!(!covers("contoso*", "con*"));
        assert!(
            covers("*.cab", "audio*.cab")
                && covers("pci*", "PCI\\VEN_{8086,10de}*")
                && covers("*b*", "*abc*")
        );
        assert!(!covers("*.cab", "*") && !covers("*.cab", "*.{cab,hlkx}") && !covers("a?c", "abc*"));
    }
}
