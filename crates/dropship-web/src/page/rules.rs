//! The page "Rules".

use maud::{Markup, html};

/// What the page shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RulesView {}

/// The content of the page.
#[must_use]
pub fn content(_view: &RulesView) -> Markup {
    html! {
        h1 { "Rules" }
    }
}
