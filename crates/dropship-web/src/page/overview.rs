//! The page "Overview".

use maud::{Markup, html};

/// What the page shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OverviewView {}

/// The content of the page.
#[must_use]
pub fn content(_view: &OverviewView) -> Markup {
    html! {
        h1 { "Overview" }
    }
}
