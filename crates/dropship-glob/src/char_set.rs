//! Sets of characters that ignore case.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::fold::orbit;

/// A set of characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CharSet(ClassUnicode);

impl CharSet {
    /// Every character.
    #[must_use]
    pub fn all() -> Self {
        Self::of([('\0', char::MAX)])
    }

    /// The characters of these ranges, whose ends belong to them.
    #[must_use]
    pub fn of(ranges: impl IntoIterator<Item = (char, char)>) -> Self {
        Self(ClassUnicode::new(ranges.into_iter().map(|(first, last)| ClassUnicodeRange::new(first, last))))
    }

    /// These characters, in either case.
    #[must_use]
    pub fn these(text: &str) -> Self {
        Self::of(text.chars().map(|c| (c, c))).folded()
    }

    /// Every character but these, in either case.
    ///
    /// The complement of a folded set is folded. Folding it after the negation would visit every character.
    #[must_use]
    pub fn all_but(text: &str) -> Self {
        Self::these(text).negated()
    }

    /// The same set with all characters that differ from its characters in case only.
    pub(super) fn folded(mut self) -> Self {
        // It fails without the table of the feature `unicode-case` only, which this crate requires.
        self.0.try_case_fold_simple().ok();
        self
    }

    pub(super) fn letter(c: char) -> Self {
        Self(orbit(c))
    }

    pub(super) fn negated(mut self) -> Self {
        self.0.negate();
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.ranges().is_empty()
    }

    pub(super) fn contains(&self, c: char) -> bool {
        let ranges = self.0.ranges();
        let after = ranges.partition_point(|range| range.start() <= c);
        after.checked_sub(1).and_then(|at| ranges.get(at)).is_some_and(|range| c <= range.end())
    }

    pub(super) fn shared(&self, other: &Self) -> Self {
        let mut shared = self.0.clone();
        shared.intersect(&other.0);
        Self(shared)
    }
}
