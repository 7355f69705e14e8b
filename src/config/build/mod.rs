//! From what is written to what is meant: every check that needs more than one value.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::Environment;
use super::model::{Config, Signers};
use super::raw::values::At;
use super::report::{Problem, Report, Source};
use super::sources::Unit;
use dropship_rules::suggest;

mod account;
mod api;
mod folders;
mod label;
mod lint;
mod notify;
mod preflight;
mod product;
mod rules;
mod signers;
mod tests;

/// Where a named thing was first written.
type Places = BTreeMap<String, String>;

/// One file while it is judged.
pub(super) struct Desk<'a> {
    pub(super) source: &'a Source,
    folder: &'a Path,
    struck: &'a [(usize, String)],
    problems: &'a mut Vec<Problem>,
}

impl Desk<'_> {
    /// Notes an error at a place.
    fn error(&mut self, span: &Range<usize>, message: impl Into<String>) {
        self.problems.push(Problem::at(self.source, span.clone(), message));
    }

    /// Notes an error with what to do about it.
    fn error_with_help(&mut self, span: &Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        let problem = Problem::at(self.source, span.clone(), message);
        self.problems.push(problem.with_help(help));
    }

    /// Notes a doubt, with what to do about it if there is something.
    fn warn(&mut self, span: &Range<usize>, message: impl Into<String>, help: Option<String>) {
        let problem = Problem::at(self.source, span.clone(), message).into_warning();
        self.problems.push(match help {
            Some(help) => problem.with_help(help),
            None => problem,
        });
    }

    /// Notes that a table lacks a key, unless it is there and was unusable.
    fn missing(&mut self, table: &Range<usize>, key: &str) {
        let block = self.block(table);
        let struck = self.struck.iter().any(|(at, name)| name == key && block.contains(at));
        if !struck {
            self.error(table, format!("`{key}` is missing"));
        }
    }

    /// The value, or a note that it is missing.
    fn need<T>(&mut self, value: Option<T>, table: &Range<usize>, key: &str) -> Option<T> {
        if value.is_none() {
            self.missing(table, key);
        }
        value
    }

    /// A text that must not be empty.
    fn need_text(&mut self, value: &Option<At<String>>, table: &Range<usize>, key: &str) -> Option<String> {
        let text = self.need(value.as_ref(), table, key)?;
        if text.trim().is_empty() {
            self.error(&text.span, format!("`{key}` is empty"));
            return None;
        }
        Some(text.value.clone())
    }

    /// The bytes of a table: an inline one's own, else from its header to the next.
    fn block(&self, table: &Range<usize>) -> Range<usize> {
        let text = &self.source.text;
        if !text[table.start..].starts_with('[') {
            return table.clone();
        }
        let rest = text.get(table.end..).unwrap_or_default();
        table.start..rest.find("\n[").map_or(text.len(), |at| table.end + at)
    }

    /// A path as written, resolved against the file that names it.
    fn path(&self, text: &str) -> PathBuf {
        let joined = self.folder.join(text);
        std::path::absolute(&joined).unwrap_or(joined)
    }

    /// `file:line` of a place.
    fn place(&self, span: &Range<usize>) -> String {
        let line = self.source.line(span.start);
        format!("{}:{line}", self.source.path.display())
    }

    /// Notes a name that was given before, with the place; says whether it is new.
    fn unique(&mut self, names: &mut Places, kind: &str, name: &str, span: &Range<usize>) -> bool {
        if let Some(first) = names.get(name) {
            let message = format!("there are two {kind} named `{name}`");
            let help = format!("the first stands at {first}; names are unique over all files");
            self.error_with_help(span, message, help);
            return false;
        }
        let place = self.place(span);
        names.insert(name.to_owned(), place);
        true
    }

    /// Notes that a reference leads nowhere.
    fn unknown(&mut self, span: &Range<usize>, kind: &str, name: &str, known: &[&str]) {
        let message = format!("there is no {kind} `{name}`");
        match suggest::help(name, known) {
            Some(help) => self.error_with_help(span, message, help),
            None => self.error(span, message),
        }
    }
}

/// Everything that was found while files were judged.
#[derive(Default)]
struct Notes {
    problems: Vec<Problem>,
}

impl Notes {
    fn desk<'a>(&'a mut self, unit: &'a Unit) -> Desk<'a> {
        Desk {
            source: &unit.source,
            folder: &unit.folder,
            struck: &unit.struck,
            problems: &mut self.problems,
        }
    }
}

/// Judges what was read. `problems` are those of reading.
pub(super) fn build(
    units: &[Unit],
    problems: Vec<Problem>,
    environment: &Environment,
) -> Result<Config, Report> {
    let mut notes = Notes { problems };
    let Some(main) = units.first() else {
        return Err(Report { problems: notes.problems });
    };
    let mut desk = notes.desk(main);
    let accounts = account::accounts(&mut desk, &main.file);
    let api = api::api(&mut desk, &main.file);
    let (store, control) = api::store_and_control(&mut desk, &main.file, environment);
    let metrics = notify::metrics(&mut desk, &main.file);
    let notifications = notify::notify(&mut desk, &main.file);
    let signers = main.file.signers.as_ref().map(|raw| signers::signers(&mut desk, raw));
    let preflight = preflight::preflight(&mut desk, &main.file);
    let folders = folders::folders(&mut notes, units, &store);
    let rules = rules::rules(&mut notes, units, &folders, &accounts);
    lint::lint(&mut notes, units, &rules);
    let cases = tests::cases(&mut notes, units, &folders, &rules);
    if api.is_none() && notes.problems.iter().all(|problem| problem.severity != super::Severity::Error) {
        notes.problems.push(Problem::of_file(&main.source.path, "`[api]` cannot be used"));
    }
    let order = |problem: &Problem| {
        let file = units.iter().position(|unit| unit.source.path == problem.file);
        (file, problem.line, problem.column)
    };
    notes.problems.sort_by_key(order);
    notes.problems.dedup();
    let report = Report { problems: notes.problems };
    match api {
        Some(api) if report.errors() == 0 => Ok(Config {
            path: main.source.path.clone(),
            accounts,
            api,
            store,
            control,
            metrics,
            notify: notifications,
            folders: folders.into_iter().map(|folder| folder.folder).collect(),
            signers: signers.unwrap_or_else(Signers::default),
            preflight,
            rules: rules.into_iter().filter_map(|rule| rule.rule).collect(),
            tests: cases,
            warnings: report,
            files: units.iter().map(|unit| unit.source.path.clone()).collect(),
        }),
        _ => Err(report),
    }
}
