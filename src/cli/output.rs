//! Standard output and standard error. A closed pipe is no error.

use std::io::{IsTerminal, Write};

use serde::Serialize;

/// Where a command writes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    json: bool,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Was JSON asked for?
    pub(super) fn json(&self) -> bool {
        self.json
    }

    /// Writes lines for a person; nothing when JSON was asked for.
    pub(super) fn say(&self, text: &str) {
        if !self.json {
            drop(writeln!(std::io::stdout().lock(), "{text}"));
        }
    }

    /// Writes the one JSON document, or lines for a person.
    pub(super) fn give(&self, value: &impl Serialize, text: impl FnOnce() -> String) -> anyhow::Result<()> {
        let text = if self.json { serde_json::to_string_pretty(value)? } else { text() };
        let text = text.trim_end();
        if !text.is_empty() {
            drop(writeln!(std::io::stdout().lock(), "{text}"));
        }
        Ok(())
    }

    /// Writes an error for a person.
    pub(super) fn error(&self, text: &str) {
        drop(writeln!(std::io::stderr().lock(), "dropship: {text}"));
    }

    /// Is standard output a terminal?
    pub(super) fn is_terminal(&self) -> bool {
        std::io::stdout().is_terminal()
    }
}

/// Columns, each as wide as its widest cell; the last is as wide as it likes.
pub(super) fn table(heads: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = heads.iter().map(|head| head.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded = cells.zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(&mut heads.iter().copied())];
    lines.extend(rows.iter().map(|row| line(&mut row.iter().map(String::as_str))));
    lines.join("\n")
}
