//! The text of one label, line by line.

use std::fmt::Display;

/// A heading, and one indented line for each property.
pub(in crate::cli) struct Lines(Vec<String>);

impl Lines {
    pub(in crate::cli) fn new(heading: String) -> Self {
        Self(vec![heading])
    }

    pub(in crate::cli) fn add(&mut self, key: &str, value: impl Display) {
        self.0.push(format!("  {key}: {value}"));
    }

    pub(in crate::cli) fn text(&self) -> String {
        self.0.join("\n")
    }
}
