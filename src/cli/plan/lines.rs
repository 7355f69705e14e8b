//! The text of one label, line by line.

use std::fmt::Display;

/// A heading, and one indented line for each property.
pub(super) struct Lines(Vec<String>);

impl Lines {
    pub(super) fn new(heading: String) -> Self {
        Self(vec![heading])
    }

    pub(super) fn add(&mut self, key: &str, value: impl Display) {
        self.0.push(format!("  {key}: {value}"));
    }

    pub(super) fn text(&self) -> String {
        self.0.join("\n")
    }
}
