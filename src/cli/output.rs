//! Writes to standard output and standard error, with secrets masked.
//!
//! A reader that closes the pipe has read enough. Any other write error means that the output is lost: the command fails at its
//! end ([`Output::write_error`]).

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, OnceLock};

use serde::Serialize;

use dropship_redact::EscapedLines;
use dropship_redact::{mask, mask_json};

/// The output of a command.
#[derive(Debug, Clone)]
pub(super) struct Output {
    json: bool,
    /// The first error of standard output.
    write_error: Arc<OnceLock<io::Error>>,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        Self { json, write_error: Arc::default() }
    }

    /// Whether `--json` was given.
    pub(super) fn json(&self) -> bool {
        self.json
    }

    /// Prints a line of text; nothing with `--json`.
    pub(super) fn say(&self, text: &str) {
        if !self.json {
            self.print(&EscapedLines(&mask(text)));
        }
    }

    /// Prints the result of the command: the document with `--json`, otherwise the text.
    pub(super) fn print_result(
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
            self.print(&text);
        }
        Ok(())
    }

    /// Prints a JSON document that needs no text.
    pub(super) fn document(&self, document: &serde_json::Value) {
        self.print(&format_args!("{document:#}"));
    }

    fn print(&self, text: &dyn std::fmt::Display) {
        let mut out = io::stdout().lock();
        self.record_write_error(writeln!(out, "{text}").and_then(|()| out.flush()));
    }

    /// Remembers that standard output could not be written.
    pub(super) fn record_write_error(&self, written: io::Result<()>) {
        if let Err(error) = written
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            // Only the first one counts.
            drop(self.write_error.set(error));
        }
    }

    /// Why a part of the output is lost.
    pub(super) fn write_error(&self) -> Option<&io::Error> {
        self.write_error.get()
    }

    /// Prints an error to standard error.
    pub(super) fn error(&self, text: &str) {
        drop(writeln!(io::stderr().lock(), "dropship: {}", EscapedLines(&mask(text))));
    }

    /// Prints a line about the progress of a command to standard error.
    pub(super) fn note(&self, text: &str) {
        drop(writeln!(io::stderr().lock(), "{}", EscapedLines(&mask(text))));
    }

    /// Whether standard output is a terminal.
    pub(super) fn is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// The size of the terminal; absent if standard output is none, or if its size is unknown.
    pub(super) fn size(&self) -> Option<TerminalSize> {
        if !self.is_terminal() {
            return None;
        }
        let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
        let size = TerminalSize { columns: size.ws_col.into(), rows: size.ws_row.into() };
        (size.columns > 0 && size.rows > 0).then_some(size)
    }
}

/// The size of a terminal in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TerminalSize {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

/// An optional value; `-` if absent.
pub(super) fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}
