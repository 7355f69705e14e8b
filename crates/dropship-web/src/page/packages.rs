//! The page "Packages".

use maud::{Markup, html};

/// What the page shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackagesView {}

/// The content of the page.
#[must_use]
pub fn content(_view: &PackagesView) -> Markup {
    html! {
        h1 { "Packages" }
    }
}
