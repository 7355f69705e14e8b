//! Writes to standard output and standard error, with secrets masked. Write errors, such as a closed pipe, are ignored.

use std::io::{IsTerminal, Write};

use serde::Serialize;

use crate::observe::EscapedLines;
use dropship_redact::{mask, mask_json};

/// The output of a command.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    json: bool,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether `--json` was given.
    pub(super) fn json(&self) -> bool {
        self.json
    }

    /// Prints a line of text; nothing with `--json`.
    pub(super) fn say(&self, text: &str) {
        if !self.json {
            drop(writeln!(std::io::stdout().lock(), "{}", EscapedLines(&mask(text))));
        }
    }

    /// Prints lines that contain control sequences of the terminal; they must be free of other untrusted ones.
    pub(super) fn screen(&self, text: &str) {
        drop(writeln!(std::io::stdout().lock(), "{text}"));
    }

    /// Prints the result of the command: the document with `--json`, otherwise the text.
    pub(super) fn give(
        &self,
        document: &impl Serialize,
        text: impl FnOnce() -> String,
    ) -> anyhow::Result<()> {
        let text = match self.json {
            true => mask_json(&serde_json::to_string_pretty(document)?),
            false => EscapedLines(&mask(&text())).to_string(),
        };
        let text = text.trim_end();
        if !text.is_empty() {
            drop(writeln!(std::io::stdout().lock(), "{text}"));
        }
        Ok(())
    }

    /// Prints a JSON document that needs no text.
    pub(super) fn document(&self, document: &serde_json::Value) {
        drop(writeln!(std::io::stdout().lock(), "{document:#}"));
    }

    /// Prints an error to standard error.
    pub(super) fn error(&self, text: &str) {
        drop(writeln!(std::io::stderr().lock(), "dropship: {}", EscapedLines(&mask(text))));
    }

    /// Prints a line about the progress of a command to standard error.
    pub(super) fn note(&self, text: &str) {
        drop(writeln!(std::io::stderr().lock(), "{}", EscapedLines(&mask(text))));
    }

    /// Whether standard output is a terminal.
    pub(super) fn is_terminal(&self) -> bool {
        std::io::stdout().is_terminal()
    }
}

/// A table whose columns are as wide as their widest cell.
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

/// The folder that a command is about, or `everything`.
pub(super) fn scope_name(folder: Option<&str>) -> String {
    folder.map_or_else(|| "everything".to_owned(), |folder| format!("folder `{folder}`"))
}

/// An optional value; `-` if absent.
pub(super) fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}
