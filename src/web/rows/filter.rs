//! Which rows a page shows.

use std::collections::BTreeSet;

use jiff::Timestamp;
use memchr::memmem::Finder;

use super::row::Row;
use dropship_glob::Glob;
use dropship_job::{JobId, StateKind};

/// The conditions of a page. A row has to meet all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RowFilter {
    /// The state.
    pub(crate) state: Option<StateKind>,
    /// The folder.
    pub(crate) folder: Option<String>,
    /// The rule.
    pub(crate) rule: Option<String>,
    /// The file name.
    pub(crate) package: Option<Glob>,
    /// It arrived at this time or later.
    pub(crate) from: Option<Timestamp>,
    /// It arrived before this time.
    pub(crate) before: Option<Timestamp>,
    /// Words in lower case, without white space. Each is part of the file name, of an INF, its provider or version, or of an id.
    pub(crate) words: Vec<String>,
    /// It is not newer than this one.
    pub(crate) up_to: Option<JobId>,
}

/// A filter whose words are ready to be looked for.
pub(super) struct ReadyFilter<'a> {
    filter: &'a RowFilter,
    words: Vec<Finder<'a>>,
}

impl<'a> ReadyFilter<'a> {
    pub(super) fn of(filter: &'a RowFilter) -> Self {
        Self { filter, words: filter.words.iter().map(Finder::new).collect() }
    }

    /// Whether it shows a row. `running` are the jobs that workers process.
    pub(super) fn shows(&self, row: &Row, running: &BTreeSet<JobId>) -> bool {
        let filter = self.filter;
        filter.state.is_none_or(|state| state == row.state(running))
            && filter.folder.as_deref().is_none_or(|folder| row.folder.as_deref() == Some(folder))
            && filter.rule.as_deref().is_none_or(|rule| row.rule.as_deref() == Some(rule))
            && filter.from.is_none_or(|from| row.created >= from)
            && filter.before.is_none_or(|before| row.created < before)
            && filter.up_to.as_ref().is_none_or(|newest| row.id <= *newest)
            && filter.package.as_ref().is_none_or(|glob| glob.is_match(&row.package))
            && self.words.iter().all(|word| row.contains(word))
    }
}

impl Row {
    /// Its state: a job that a worker has is running, although the store has it as queued or waiting.
    pub(crate) fn state(&self, running: &BTreeSet<JobId>) -> StateKind {
        let can_run = matches!(self.state, StateKind::Queued | StateKind::Waiting);
        if can_run && running.contains(&self.id) { StateKind::Running } else { self.state }
    }
}

/// Whether a text contains a word that is in lower case; case is ignored.
pub(crate) fn contains_word(text: &str, word: &str) -> bool {
    if !text.is_ascii() {
        return text.to_lowercase().contains(word);
    }
    let (text, word) = (text.as_bytes(), word.as_bytes());
    let Some(first) = word.first() else { return true };
    let Some(starts) = text.len().checked_sub(word.len()).and_then(|last| text.get(..=last)) else {
        return false;
    };
    memchr::memchr2_iter(*first, first.to_ascii_uppercase(), starts)
        .any(|at| text[at..].iter().zip(word).all(|(byte, wanted)| byte.to_ascii_lowercase() == *wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_any_case() {
        assert!(
            contains_word("Echo-Driver.CAB", "driver.c")
                && contains_word("ÄRGER.inf", "ärger")
                && contains_word("x", "")
        );
        assert!(
            !contains_word("echo", "echoes")
                && !contains_word("", "x")
                && !contains_word("straße", "strasse")
        );
        assert!(
            contains_word("eecho", "echo")
                && contains_word("xECHO", "echo")
                && !contains_word("ech", "echo")
                && contains_word("", "")
        );
    }
}
