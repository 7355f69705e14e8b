//! The page "Charts".

use maud::{Markup, html};

/// What the page shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChartsView {}

/// The content of the page.
#[must_use]
pub fn content(_view: &ChartsView) -> Markup {
    html! {
        h1 { "Charts" }
    }
}
