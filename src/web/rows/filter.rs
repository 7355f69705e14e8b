//! Which rows a page shows.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::row::Row;
use dropship_glob::Glob;
use dropship_job::{JobId, StateKind};

/// The conditions of a page. A row has to meet all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::web) struct Filter {
    /// The state.
    pub(in crate::web) state: Option<StateKind>,
    /// The folder.
    pub(in crate::web) folder: Option<String>,
    /// The rule.
    pub(in crate::web) rule: Option<String>,
    /// The file name.
    pub(in crate::web) package: Option<Glob>,
    /// It arrived at this time or later.
    pub(in crate::web) from: Option<Timestamp>,
    /// It arrived before this time.
    pub(in crate::web) before: Option<Timestamp>,
    /// Words in lower case. Each is part of the file name, of an INF, its provider or version, or of an id.
    pub(in crate::web) words: Vec<String>,
    /// It is not newer than this one.
    pub(in crate::web) up_to: Option<JobId>,
}

impl Filter {
    /// Whether it shows a row. `running` are the jobs that workers process.
    pub(super) fn shows(&self, row: &Row, running: &BTreeSet<JobId>) -> bool {
        self.state.is_none_or(|state| state == row.state(running))
            && self.folder.as_deref().is_none_or(|folder| row.folder.as_deref() == Some(folder))
            && self.rule.as_deref().is_none_or(|rule| row.rule.as_deref() == Some(rule))
            && self.from.is_none_or(|from| row.created >= from)
            && self.before.is_none_or(|before| row.created < before)
            && self.up_to.as_ref().is_none_or(|newest| row.id <= *newest)
            && self.package.as_ref().is_none_or(|glob| glob.is_match(&row.package))
            && self.words.iter().all(|word| row.contains(word))
    }
}

impl Row {
    /// Its state: a job that a worker has is running, although the store has it as queued or waiting.
    pub(in crate::web) fn state(&self, running: &BTreeSet<JobId>) -> StateKind {
        let can_run = matches!(self.state, StateKind::Queued | StateKind::Waiting);
        if can_run && running.contains(&self.id) { StateKind::Running } else { self.state }
    }

    /// Whether a word, in lower case, is part of its texts.
    fn contains(&self, word: &str) -> bool {
        let inf = |inf: &super::row::Inf| {
            has(&inf.name, word)
                || inf.provider.as_deref().is_some_and(|provider| has(provider, word))
                || inf.version.as_deref().is_some_and(|version| has(version, word))
        };
        let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
        let has_id =
            || [self.product, self.submission].into_iter().flatten().any(|id| has_digits(id.get(), word));
        self.name_in_lower_case().contains(word)
            || self.infs.iter().flatten().any(inf)
            || has(self.id.as_str(), word)
            || is_number && has_id()
    }
}

/// Whether a text contains a word that is in lower case; case is ignored.
pub(in crate::web) fn has(text: &str, word: &str) -> bool {
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

/// Whether the digits of a number contain a word.
fn has_digits(number: u64, word: &str) -> bool {
    let (mut digits, mut start, mut rest) = ([b'0'; 20], 20, number);
    loop {
        start -= 1;
        digits[start] += u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        if rest == 0 || start == 0 {
            break;
        }
    }
    digits[start..].windows(word.len().max(1)).any(|part| part == word.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_any_case() {
        assert!(has("Echo-Driver.CAB", "driver.c") && has("ÄRGER.inf", "ärger") && has("x", ""));
        assert!(!has("echo", "echoes") && !has("", "x") && !has("straße", "strasse"));
        assert!(has("eecho", "echo") && has("xECHO", "echo") && !has("ech", "echo") && has("", ""));
    }

    #[test]
    fn digits_of_an_id_are_found() {
        for (number, word, is_there) in [
            (1_152_921_504_621_465_200, "465200", true),
            (1_152_921_504_621_465_200, "1152", true),
            (1_152_921_504_621_465_200, "4652001", false),
            (0, "0", true),
            (10, "100", false),
            (u64::MAX, "18446744073709551615", true),
            (u64::MAX, "184467440737095516150", false),
        ] {
            assert_eq!(has_digits(number, word), is_there, "{word} in {number}");
        }
    }
}
