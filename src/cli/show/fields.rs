//! Lines with a key and a value, wrapped to the width of a terminal.

use std::fmt::Display;

use crate::cli::text_width::wrapped;
use dropship_redact::Escaped;

/// Width of a key, and of the space after it.
const KEY: usize = 12;

/// Lines of text.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<String>);

impl Fields {
    /// Adds a line. The value is escaped.
    pub(super) fn add(&mut self, key: &str, value: impl Display) {
        // A key may be a little longer than its column.
        self.0.push(format!("{key:<width$} {}", Escaped(&value.to_string()), width = KEY - 1));
    }

    /// The lines; those that are wider than `columns` are wrapped.
    pub(super) fn lines(self, columns: Option<usize>) -> Vec<String> {
        wrap(self.0, columns, KEY)
    }
}

/// Wraps lines that are wider than the terminal; their continuations are indented.
pub(super) fn wrap(lines: Vec<String>, columns: Option<usize>, indent: usize) -> Vec<String> {
    match columns {
        Some(columns) => lines.iter().flat_map(|line| wrapped(line, columns, indent)).collect(),
        None => lines,
    }
}
