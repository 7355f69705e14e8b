//! A page that says why there is nothing to show.

use maud::{Markup, html};

/// Why a request is not answered with its page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageView {
    /// The heading, such as `Not found`.
    pub heading: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it, if there is more than to go back.
    pub advice: Option<String>,
}

/// The content of the page.
#[must_use]
pub fn content(view: &MessageView) -> Markup {
    html! {
        h1 { (view.heading) }
        p.lead { (view.message) }
        @if let Some(advice) = &view.advice { p { (advice) } }
        p { a href="/" { "Go to the overview" } }
    }
}
