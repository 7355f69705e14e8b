//! The page "Package".

use maud::{Markup, html};

/// What the page shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackageView {}

/// The content of the page.
#[must_use]
pub fn content(_view: &PackageView) -> Markup {
    html! {
        h1 { "Package" }
    }
}
