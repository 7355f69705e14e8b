//! One file: from its text to the raw configuration. Every key that is unknown or has a wrong type is found in one
//! run.
//!
//! serde stops at the first error. So each faulty key is reported and removed, and the rest is parsed again until it
//! is valid.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Deserializer, Error};

use super::raw::File;
use super::report::Problem;
use super::secrets::ADVICE;
use super::shape;
use super::source::SourceText;
use dropship_job::counted;

/// Maximum number of errors that are reported for one file.
const MAX_PROBLEMS: usize = 200;

type SpannedKey<'i> = Spanned<toml::de::DeString<'i>>;
type SpannedValue<'i> = Spanned<DeValue<'i>>;

/// The valid part of a file, and the problems of the rest.
#[derive(Debug, Default)]
pub(super) struct ParsedFile {
    pub(super) file: File,
    pub(super) problems: Vec<Problem>,
    /// Places and names of keys that are present but unusable, so that they are not also reported as missing.
    pub(super) skipped_keys: Vec<(usize, String)>,
    /// The text is not TOML, so nothing of it is known.
    pub(super) is_unreadable: bool,
}

/// Reads a file.
pub(super) fn read(source: &SourceText) -> ParsedFile {
    let mut read = parse(source);
    let is_advised = |problem: &Problem| problem.help.as_deref().is_some_and(|help| help.contains(ADVICE));
    if source.has_secret()
        && !read.problems.iter().any(is_advised)
        && let Some(first) = read.problems.first_mut()
    {
        // The problem is beside the secret, or hides it.
        first.help =
            Some(first.help.take().map_or_else(|| ADVICE.to_owned(), |help| format!("{help}; {ADVICE}")));
    }
    read
}

fn parse(source: &SourceText) -> ParsedFile {
    let (document, errors) = DeTable::parse_recoverable(&source.text);
    let mut read = ParsedFile::default();
    // After the first the parser guesses; a generated file can have one in each line.
    for error in errors.iter().take(MAX_PROBLEMS) {
        let at = error.span().unwrap_or_default();
        read.problems.push(shape::syntax_problem(source, &at, error.message()));
    }
    // After a syntax error the rest of the document is a guess, and what is wrong with it may be an echo.
    if !errors.is_empty() {
        read.is_unreadable = true;
        if let (Some(last), more @ 1..) =
            (read.problems.last_mut(), errors.len().saturating_sub(MAX_PROBLEMS))
        {
            last.message.push_str(&format!(" (and {})", counted(more, "more error")));
        }
        return read;
    }
    let span = document.span();
    let table = document.into_inner();
    if let Ok(file) = deserialize(&table, &span) {
        read.file = file;
        return read;
    }
    let repaired = repair(table, &span, source, &mut read);
    read.file = deserialize(&repaired, &span).unwrap_or_default();
    read.problems.sort_by_key(|problem| (problem.line, problem.column));
    read.problems.dedup();
    read
}

fn deserialize(table: &DeTable<'_>, span: &Range<usize>) -> Result<File, Error> {
    File::deserialize(Deserializer::from(Spanned::new(span.clone(), table.clone())))
}

/// Removes faulty keys, one top-level table (or element of an array of tables) at a time.
fn repair<'i>(
    table: DeTable<'i>,
    span: &Range<usize>,
    source: &SourceText,
    read: &mut ParsedFile,
) -> DeTable<'i> {
    let mut repaired = DeTable::new();
    for (key, value) in table {
        let at = value.span();
        match value.into_inner() {
            DeValue::Array(items)
                if items.iter().all(|item| item.get_ref().is_table()) && !items.is_empty() =>
            {
                let mut kept = DeArray::new();
                for item in items {
                    let mut single = DeArray::new();
                    single.push(item);
                    let piece = Spanned::new(at.clone(), DeValue::Array(single));
                    if let Some(DeValue::Array(items)) = repair_piece(&key, piece, span, source, read) {
                        items.into_iter().for_each(|item| kept.push(item));
                    }
                }
                repaired.insert(key, Spanned::new(at, DeValue::Array(kept)));
            }
            value => {
                let piece = Spanned::new(at.clone(), value);
                if let Some(value) = repair_piece(&key, piece, span, source, read) {
                    repaired.insert(key, Spanned::new(at, value));
                }
            }
        }
    }
    repaired
}

/// One piece without its faulty keys; `None` if nothing is left.
fn repair_piece<'i>(
    key: &SpannedKey<'i>,
    piece: SpannedValue<'i>,
    span: &Range<usize>,
    source: &SourceText,
    read: &mut ParsedFile,
) -> Option<DeValue<'i>> {
    let mut table = DeTable::new();
    table.insert(key.clone(), piece);
    while let Err(error) = deserialize(&table, span) {
        let at = error.span().unwrap_or_else(|| key.span());
        let (problem, meant) = shape::problem(source, &at, error.message());
        read.problems.push(problem);
        let removed = remove_from_table(&mut table, &at);
        match removed {
            Removed::Nothing => return None,
            _ if read.problems.len() >= MAX_PROBLEMS => return None,
            Removed::Key(name) => read.skipped_keys.push((at.start, meant.unwrap_or(name))),
            Removed::Element => {}
        }
    }
    table.remove(&**key.get_ref()).map(Spanned::into_inner)
}

enum Removed {
    Nothing,
    Key(String),
    Element,
}

impl Removed {
    fn is_something(&self) -> bool {
        !matches!(self, Self::Nothing)
    }
}

/// Removes the key or value at `at` and returns its name.
fn remove_from_table<'i>(table: &mut DeTable<'i>, at: &Range<usize>) -> Removed {
    let found = table
        .iter()
        .find(|(key, value)| key.span() == *at || value.span() == *at)
        .map(|(key, _)| key.get_ref().clone());
    if let Some(key) = found {
        // An array of tables has the span of its first element: look inside first.
        if let Some(value) = table.get_mut(&*key) {
            let inside = remove_inside(value.get_mut(), at);
            if inside.is_something() {
                return inside;
            }
        }
        table.remove(&*key);
        return Removed::Key(key.into_owned());
    }
    let mut inside = table.iter_mut().map(|(_, value)| remove_inside(value.get_mut(), at));
    inside.find(Removed::is_something).unwrap_or(Removed::Nothing)
}

fn remove_inside<'i>(value: &mut DeValue<'i>, at: &Range<usize>) -> Removed {
    match value {
        DeValue::Table(table) => remove_from_table(table, at),
        DeValue::Array(items) => remove_from_array(items, at),
        _ => Removed::Nothing,
    }
}

fn remove_from_array<'i>(items: &mut DeArray<'i>, at: &Range<usize>) -> Removed {
    let found = items.iter().position(|item| item.span() == *at);
    if let Some(index) = found {
        let all = std::mem::replace(items, DeArray::new());
        let kept = all.into_iter().enumerate().filter(|(other, _)| *other != index);
        kept.for_each(|(_, item)| items.push(item));
        return Removed::Element;
    }
    let mut inside = items.iter_mut().map(|item| remove_inside(item.get_mut(), at));
    inside.find(Removed::is_something).unwrap_or(Removed::Nothing)
}
