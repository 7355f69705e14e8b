//! The page "Labels".

use maud::{Markup, html};

/// What the page shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelsView {}

/// The content of the page.
#[must_use]
pub fn content(_view: &LabelsView) -> Markup {
    html! {
        h1 { "Labels" }
    }
}
