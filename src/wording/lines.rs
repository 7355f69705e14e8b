//! The text of one label, line by line.

use std::fmt::Display;

/// A heading, and one indented line for each property.
pub(crate) struct Lines {
    heading: String,
    properties: Vec<(String, String)>,
}

impl Lines {
    pub(crate) fn new(heading: String) -> Self {
        Self { heading, properties: Vec::new() }
    }

    pub(crate) fn add(&mut self, key: &str, value: impl Display) {
        self.properties.push((key.to_owned(), value.to_string()));
    }

    /// The properties: names and values.
    pub(crate) fn into_properties(self) -> Vec<(String, String)> {
        self.properties
    }

    pub(crate) fn text(&self) -> String {
        let mut text = self.heading.clone();
        for (key, value) in &self.properties {
            text.push_str(&format!("\n  {key}: {value}"));
        }
        text
    }
}
