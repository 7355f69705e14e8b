//! Where the checks report problems.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use dropship_rules::suggest;

use crate::PassedDates;
use crate::path_text;
use crate::raw::values::At;
use crate::report::Problem;
use crate::source::SourceText;
use crate::sources::SourceUnit;

/// Where each name was first used: `file:line` by name.
pub(super) type FirstUses = BTreeMap<String, String>;

/// Collects the problems of one file.
pub(super) struct Diagnostics<'a> {
    pub(super) source: &'a SourceText,
    folder: &'a Path,
    /// Places and names of keys that are present but unusable.
    pub(super) skipped_keys: &'a [(usize, String)],
    pub(super) passed_dates: PassedDates,
    problems: &'a mut Vec<Problem>,
}

impl Diagnostics<'_> {
    /// Number of problems so far.
    pub(super) fn problem_count(&self) -> usize {
        self.problems.len()
    }

    /// Reports an error.
    pub(super) fn error(&mut self, span: &Range<usize>, message: impl Into<String>) {
        self.problems.push(Problem::at(self.source, span.clone(), message));
    }

    /// Reports an error with advice.
    pub(super) fn error_with_help(
        &mut self,
        span: &Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let problem = Problem::at(self.source, span.clone(), message);
        self.problems.push(problem.with_help(help));
    }

    /// Reports a warning, with advice if there is any.
    pub(super) fn warn(&mut self, span: &Range<usize>, message: impl Into<String>, help: Option<String>) {
        let problem = Problem::at(self.source, span.clone(), message).into_warning();
        self.problems.push(match help {
            Some(help) => problem.with_help(help),
            None => problem,
        });
    }

    /// Reports that a table lacks a key, unless the key is present and was already reported as unusable.
    pub(super) fn missing(&mut self, table: &Range<usize>, key: &str) {
        let block = self.block(table);
        let is_skipped = self.skipped_keys.iter().any(|(at, name)| name == key && block.contains(at));
        if !is_skipped {
            self.error(table, format!("`{key}` is missing"));
        }
    }

    /// The value; reports it if it is missing.
    pub(super) fn need<T>(&mut self, value: Option<T>, table: &Range<usize>, key: &str) -> Option<T> {
        if value.is_none() {
            self.missing(table, key);
        }
        value
    }

    /// The text; reports it if it is missing or empty.
    pub(super) fn need_text(
        &mut self,
        value: &Option<At<String>>,
        table: &Range<usize>,
        key: &str,
    ) -> Option<String> {
        let text = self.need(value.as_ref(), table, key)?;
        if text.trim().is_empty() {
            self.error(&text.span, format!("`{key}` is empty"));
            return None;
        }
        Some(text.value.clone())
    }

    /// The bytes of a table: those of an inline table, else from its header to the next header.
    pub(super) fn block(&self, table: &Range<usize>) -> Range<usize> {
        let text = &self.source.text;
        if !text[table.start..].starts_with('[') {
            return table.clone();
        }
        let rest = text.get(table.end..).unwrap_or_default();
        table.start..rest.find("\n[").map_or(text.len(), |at| table.end + at)
    }

    /// The absolute path; relative paths are relative to the folder of the file. Reports a path with control characters.
    pub(super) fn path(&mut self, text: &At<String>) -> PathBuf {
        self.path_at(&text.span, &text.value)
    }

    /// The same for a path that is a part of a value.
    pub(super) fn path_at(&mut self, span: &Range<usize>, text: &str) -> PathBuf {
        let joined = self.folder.join(text);
        let absolute = std::path::absolute(&joined).unwrap_or(joined);
        if let Err(why) = path_text::check(&absolute) {
            self.error_with_help(span, why, "rename the file or folder");
        }
        absolute
    }

    /// `file:line` of a place.
    pub(super) fn place(&self, span: &Range<usize>) -> String {
        let line = self.source.line(span.start);
        format!("{}:{line}", self.source.path.display())
    }

    /// Reports a name that was used before. Returns whether it is new.
    pub(super) fn unique(
        &mut self,
        names: &mut FirstUses,
        kind: &str,
        name: &str,
        span: &Range<usize>,
    ) -> bool {
        if let Some(first) = names.get(name) {
            let message = format!("there are two {kind} named `{name}`");
            let help = format!("the first is at {first}; names are unique across all files");
            self.error_with_help(span, message, help);
            return false;
        }
        let place = self.place(span);
        names.insert(name.to_owned(), place);
        true
    }

    /// Reports a reference to an unknown name.
    pub(super) fn unknown(&mut self, span: &Range<usize>, kind: &str, name: &str, known: &[&str]) {
        let message = format!("there is no {kind} `{name}`");
        match suggest::help(name, known) {
            Some(help) => self.error_with_help(span, message, help),
            None => self.error(span, message),
        }
    }
}

/// The problems of all files.
#[derive(Default)]
pub(super) struct Problems {
    pub(super) list: Vec<Problem>,
    pub(super) passed_dates: PassedDates,
}

impl Problems {
    pub(super) fn diagnostics<'a>(&'a mut self, unit: &'a SourceUnit) -> Diagnostics<'a> {
        Diagnostics {
            source: &unit.source,
            folder: &unit.folder,
            skipped_keys: &unit.skipped_keys,
            passed_dates: self.passed_dates,
            problems: &mut self.list,
        }
    }
}
