//! The page "Who gets what".

use maud::{Markup, html};

/// What the page shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WhoView {}

/// The content of the page.
#[must_use]
pub fn content(_view: &WhoView) -> Markup {
    html! {
        h1 { "Who gets what" }
    }
}
